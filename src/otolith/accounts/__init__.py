"""Users, sessions, tokens, workspaces, and who may see what; see docs/operate/security.md."""
