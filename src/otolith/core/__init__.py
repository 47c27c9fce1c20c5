"""What every slice stands on, and what knows no slice.

See docs/develop/README.md.
"""
