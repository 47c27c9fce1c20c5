"""Links that show one item to whoever holds them; see docs/user/sharing.md."""
