"""The music collection: scan, catalogue and analysis.

See docs/develop/music-analysis.md.
"""
