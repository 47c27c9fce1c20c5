"""Workspaces: who belongs to them, and what becomes of them; see docs/operate/permissions.md."""
