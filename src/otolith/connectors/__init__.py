"""Outbound services, one file each.

See docs/develop/README.md.
"""
