"""Search: words, filters and facets over a library of any size; see docs/user/search.md."""
