"""The health of a library: duplicates, missing tags, broken files, gaps; see docs/user/health.md."""
