"""Outbound services, one file each."""
