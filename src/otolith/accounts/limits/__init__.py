"""How often callers may ask, and how fast passwords may be guessed; see docs/operate/limits.md."""
