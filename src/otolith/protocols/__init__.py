"""Inbound languages that other programs already speak.

See docs/develop/README.md.
"""
