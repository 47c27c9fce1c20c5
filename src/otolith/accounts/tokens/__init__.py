"""API tokens: what programs act with in the name of a user; see docs/operate/permissions.md."""
