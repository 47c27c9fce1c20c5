"""Identifiers of rows: UUID version 7, which sort by the time they were made and never come back."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A new identifier; later calls give greater ones, so lists page by it and indexes grow at one end."""
    return uuid7()
