"""Covers: found in files and folders, kept as thumbnails; see docs/user/covers.md."""
