"""Users: who they are, what they may change of themselves, and what administrators do; see docs/operate/users.md."""
