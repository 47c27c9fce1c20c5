"""The catalogue: artists, albums, genres and what joins them to tracks; see docs/user/catalogue.md."""
