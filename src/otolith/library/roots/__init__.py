"""The folders of a library: configured, scanned in phases, and watched; see docs/user/scanning.md."""
