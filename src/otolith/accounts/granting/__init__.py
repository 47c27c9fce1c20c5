"""Granting features to people; see docs/operate/permissions.md."""
