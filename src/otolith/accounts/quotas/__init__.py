"""How much a user or a workspace may use: of the disk, of the workers, of services; see docs/operate/limits.md."""
