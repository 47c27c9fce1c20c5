"""Puts found documents in order and cuts pages out of it, at the same cost however far down the page lies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from otolith.library.search.engine.matching import Hits
from otolith.library.search.engine.segment import FIELDS, Segment

RELEVANCE: Final = "relevance"
Part = bytes | float
Position = tuple[Part | None, Part | None, bytes]
"""Where a document stands in an order: its values, None where it has none, and its id."""

_TOGETHER: Final[Mapping[str, tuple[str, ...]]] = {
    "title": ("title", "artist_shown"),
    "artist": ("artist_shown", "title"),
    "album": ("album", "place"),
    "genre": ("genre", "artist_shown"),
    "composer": ("composer", "title"),
    "format": ("format", "title"),
}
"""The names that an order goes by, and what decides among equals before the id does."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to sort by: `RELEVANCE`, a field or a number of the documents; unknown values come last either way."""

    by: str
    descending: bool = False

    @property
    def parts(self) -> tuple[str, ...]:
        return _TOGETHER.get(self.by, (self.by,))


@dataclass(frozen=True, slots=True)
class Placed:
    """A document of a page."""

    position: Position
    segment: Segment
    doc: int


def page(hits: Sequence[Hits], order: Order, after: Position | None, limit: int) -> list[Placed]:
    """The first `limit` documents behind a position, over all segments."""
    found = [one for some in hits for one in _best(some, order, after, limit)]
    found.sort(key=lambda one: one.position[2])
    for part in (1, 0):
        found.sort(key=lambda one: _rank(one.position[part]), reverse=order.descending)
        # Stable, so that only those without a value move behind the others.
        found.sort(key=lambda one: one.position[part] is None)
    return found[:limit]


def _rank(value: Part | None) -> tuple[bool, Part]:
    return (False, 0.0) if value is None else (True, value)


def _best(hits: Hits, order: Order, after: Position | None, limit: int) -> list[Placed]:
    """The first of one segment, where the order of the documents is that of their ids."""
    columns = [_column(hits, part) for part in order.parts]
    docs = np.flatnonzero(hits.mask)
    if after is not None:
        docs = docs[_behind(hits, columns, order, after, docs)]
    docs = docs[_first(columns, docs, limit, descending=order.descending)]
    return [Placed(_position(hits, columns, int(doc)), hits.scope.segment, int(doc)) for doc in docs]


@dataclass(frozen=True, slots=True)
class _Column:
    """Comparable values of all documents, NaN where there is none, and what a value stands for."""

    values: NDArray[Any]
    field: str | None = None


def _column(hits: Hits, part: str) -> _Column:
    segment = hits.scope.segment
    if part == RELEVANCE:
        scores = np.zeros(len(segment)) if hits.scores is None else hits.scores.astype(np.float64)
        return _Column(scores)
    if part == "place":
        disc, track = (np.nan_to_num(segment.numbers[name]) for name in ("disc", "track"))
        return _Column(disc.astype(np.float64) * 1e6 + track)
    if part in FIELDS:
        names = segment.fields[part]
        codes = names.codes.astype(np.float64)
        codes[codes == len(names.keys)] = np.nan
        return _Column(codes, part)
    return _Column(hits.scope.number(part).astype(np.float64))


def _first(columns: Sequence[_Column], docs: NDArray[np.int64], limit: int, *, descending: bool) -> NDArray[np.int64]:
    """Which of the documents come first, in order."""
    tied = np.arange(len(docs))
    surely = tied[:0]
    for column in columns:
        room = limit - len(surely)
        if len(tied) <= room:
            break
        # Whoever is not among the first by this column cannot be among the first at all; the next decides among equals.
        keys = _key(column.values[docs[tied]], descending=descending)
        bound = np.partition(keys, room - 1)[room - 1]
        surely = np.concatenate((surely, tied[keys < bound]))
        tied = tied[keys == bound]
    # Among those whom no column tells apart, the id does, in whose order they are.
    chosen = np.concatenate((surely, tied[: limit - len(surely)]))
    ordered = [_key(column.values[docs[chosen]], descending=descending) for column in reversed(columns)]
    return chosen[np.lexsort([docs[chosen], *ordered])]


def _key(values: NDArray[Any], *, descending: bool) -> NDArray[Any]:
    """What to sort by so that the smallest comes first and what is unknown last."""
    return np.where(np.isnan(values), np.inf, -values if descending else values)


def _position(hits: Hits, columns: Sequence[_Column], doc: int) -> Position:
    values = [_value(hits, column, doc) for column in columns] + [None]
    return values[0], values[1], hits.scope.segment.id_at(doc)


def _value(hits: Hits, column: _Column, doc: int) -> Part | None:
    value = column.values[doc]
    if np.isnan(value):
        return None
    return float(value) if column.field is None else hits.scope.segment.fields[column.field].keys[int(value)]


def _behind(
    hits: Hits, columns: Sequence[_Column], order: Order, after: Position, docs: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which of the documents come behind a position, whose own document need not be there any more."""
    segment = hits.scope.segment
    if not columns:
        return docs >= np.searchsorted(segment.ids, np.array(after[2], "S16"), side="right")
    value = after[len(order.parts) - len(columns)]
    own = _key(columns[0].values[docs], descending=order.descending)
    bound, there = _bound(segment, columns[0], value if isinstance(value, bytes | float) else None)
    bound = -bound if order.descending and value is not None else bound
    behind: NDArray[np.bool_] = own > bound
    if there:
        tied = np.flatnonzero(own == bound)
        behind[tied] = _behind(hits, columns[1:], order, after, docs[tied])
    return behind


def _bound(segment: Segment, column: _Column, value: Part | None) -> tuple[float, bool]:
    """The comparable value of a position's, and whether documents here may have that very value."""
    if value is None:
        return np.inf, True
    if column.field is None or isinstance(value, float):
        return float(value), True
    names = segment.fields[column.field]
    place = names.keys.find(value)
    # Between two names there is room for one that this segment does not hold.
    return (place, True) if place is not None else (names.keys.beginning(value)[0] - 0.5, False)
