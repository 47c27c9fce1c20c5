"""Browsers that signed in: how their sessions begin, are renewed and end; see docs/user/account.md."""
