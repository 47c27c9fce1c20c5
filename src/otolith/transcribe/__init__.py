"""Speech as text.

See docs/develop/README.md.
"""
