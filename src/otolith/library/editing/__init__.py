"""Editing tags: in the library first, in the files when asked, with undo; see docs/user/editing.md."""
