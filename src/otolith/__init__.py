"""Otolith, a self-hosted listening server: put sound in, and it tells you what it hears."""

__version__ = "0.1.0"
