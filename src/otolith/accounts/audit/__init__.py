"""What was done, by whom and from where, in a chain that shows what is missing; see docs/operate/audit.md."""
