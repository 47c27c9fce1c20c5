"""A library whose tags are changed."""

from tests.library.covers.conftest import library

__all__ = ["library"]
