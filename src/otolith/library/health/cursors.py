"""Cursors of the pages of findings, each made for one kind."""

from typing import Any
from uuid import UUID

from otolith.core import paging
from otolith.core.paging import BadCursor
from otolith.library.health.kinds import Kind

_LARGEST = 2**63 - 1


def position(cursor: str, kind: Kind, length: int) -> list[Any]:
    """Where the last page ended: `length` values."""
    made_for, *values = paging.decode(cursor, length + 1)
    if made_for != kind:
        raise BadCursor
    return values


def id_of(value: object) -> UUID:
    try:
        return UUID(str(value))
    except ValueError as error:
        raise BadCursor from error


def number_of(value: object) -> int:
    if not isinstance(value, int) or not 0 <= value <= _LARGEST:
        raise BadCursor
    return value
