"""Users, sessions, tokens, workspaces, and who may see what."""
