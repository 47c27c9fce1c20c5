"""Links to single recordings, for people without an account; see docs/user/sharing.md."""
