"""Pages of a list by cursor: where the last page ended, not how many rows came before."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy.orm import InstrumentedAttribute

from otolith.core.errors import BadRequest

T = TypeVar("T")
Value = str | int | float | None
DEFAULT_LIMIT = 50
LARGEST_LIMIT = 500
_LARGEST_INTEGER = 2**63 - 1


class BadCursor(BadRequest):
    """This cursor is not one that the server gave; start again without it."""


Cursor = Annotated[str | None, Query(description="`next` of the page before; leave it out for the first page.")]
Limit = Annotated[int, Query(ge=1, le=LARGEST_LIMIT, description="The most items on one page.")]


class Page(BaseModel, Generic[T]):
    """One page of a list."""

    items: list[T] = Field(description="The items of this page.")
    next: str | None = Field(description="Cursor of the next page; null on the last one.")
    total: int | None = Field(description="Items in the whole list; null where counting them would cost too much.")


def encode(*position: Value) -> str:
    """A cursor for the position of a row: its sort values, the last one unique."""
    raw = json.dumps(position, separators=(",", ":"), ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decode(cursor: str, length: int) -> list[Any]:
    """The position that a cursor stands for, which has `length` values."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        position = json.loads(raw)
    except (binascii.Error, ValueError, RecursionError) as error:
        raise BadCursor from error
    if not isinstance(position, list) or len(position) != length or not all(map(_is_value, position)):
        raise BadCursor
    return list(position)


def _is_value(value: object) -> bool:
    """Whether a row may have this value: JSON can write half a character, numbers beyond 64 bits, and true."""
    if isinstance(value, int):
        return not isinstance(value, bool) and abs(value) <= _LARGEST_INTEGER
    if isinstance(value, str):
        return not any("\ud800" <= letter <= "\udfff" for letter in value)
    return isinstance(value, float | None)


def cut(rows: Sequence[T], limit: int, position_of: Callable[[T], tuple[Value, ...]]) -> tuple[list[T], str | None]:
    """The rows of one page and the cursor of the next, from a query that asked for `limit + 1` rows."""
    page = list(rows[:limit])
    return page, encode(*position_of(page[-1])) if len(rows) > limit else None


def after(
    columns: Sequence[InstrumentedAttribute[Any]], position: Sequence[Any], *, descending: bool = False
) -> ColumnElement[bool]:
    """The condition for rows that come after `position` in the order of `columns`, which must not be null."""
    steps = []
    for index, column in enumerate(columns):
        same = [earlier == value for earlier, value in zip(columns[:index], position, strict=False)]
        beyond = column < position[index] if descending else column > position[index]
        steps.append(and_(*same, beyond))
    return or_(*steps)
