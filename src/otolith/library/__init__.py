"""The music collection: scan, catalogue and analysis."""
