"""Links that work once and for a while: invitations, lost passwords, new addresses; see docs/operate/users.md."""
