"""The facets of a result: each value with its count, and with the filter that finds exactly those tracks."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, get_args
from uuid import UUID

from otolith.core.errors import BadRequest
from otolith.library.search.engine import facets
from otolith.library.search.engine.matching import Hits
from otolith.library.search.engine.segment import NO_ID
from otolith.library.search.keys import code_of
from otolith.library.search.schemas import Facet, FacetName, FacetValue

NAMES: Final[Sequence[FacetName]] = get_args(FacetName)
_BAND: Final = 20
_DECADE: Final = 10

Counter = Callable[[Sequence[Hits], int], tuple[list[FacetValue], int]]


class NoSuchFacet(BadRequest):
    """There is no such facet."""


def facets_named(text: str) -> Sequence[FacetName]:
    """The facets that a list with commas names; all of them where it is empty."""
    wanted = [name.strip() for name in text.split(",") if name.strip()]
    if unknown := [name for name in wanted if name not in NAMES]:
        message = f"There is no facet {', '.join(unknown)}; the facets are {', '.join(NAMES)}."
        raise NoSuchFacet(message)
    return [name for name in NAMES if name in wanted] if wanted else NAMES


def count(hits: Sequence[Hits], name: FacetName, limit: int) -> Facet:
    """One facet of what was found."""
    values, distinct = _COUNTERS[name](hits, limit)
    return Facet(name=name, values=values, distinct=distinct)


def _named(field: str, *, row: str = "") -> Counter:
    """Counts names of a field; those that are rows are filtered by their id, others by the whole name."""

    def counter(hits: Sequence[Hits], limit: int) -> tuple[list[FacetValue], int]:
        counted, distinct = facets.names(hits, field, limit)
        return [_value(one, field, row) for one in counted], distinct

    return counter


def _value(one: facets.Counted, field: str, row: str) -> FacetValue:
    if row and one.id != NO_ID:
        row_id = UUID(bytes=one.id)
        return FacetValue(value=one.shown, count=one.count, filter=f"{row}:{row_id}", id=row_id)
    quoted = one.shown.replace('"', " ")
    return FacetValue(value=one.shown, count=one.count, filter=f'{field}:="{quoted}"')


def _banded(number: str, band: int, shown: Callable[[int], str], wanted: Callable[[int], str]) -> Counter:
    """Counts bands of a number, in their order."""

    def counter(hits: Sequence[Hits], limit: int) -> tuple[list[FacetValue], int]:
        counted = facets.numbers(hits, number, band)
        # Of many, the most frequent are kept, and stay in their order.
        least = sorted((n for _, n in counted), reverse=True)[:limit][-1] if counted else 0
        kept = [(int(low), n) for low, n in counted if n >= least][:limit]
        return [FacetValue(value=shown(low), count=n, filter=wanted(low)) for low, n in kept], len(counted)

    return counter


_COUNTERS: Final[Mapping[FacetName, Counter]] = {
    "genre": _named("genre"),
    "decade": _banded("year", _DECADE, lambda low: f"{low}s", lambda low: f"year:{low}s"),
    "year": _banded("year", 1, str, lambda low: f"year:{low}"),
    "key": _banded("key", 1, code_of, lambda low: f"key:{code_of(low)}"),
    "bpm": _banded("tempo", _BAND, lambda low: f"{low}–{low + _BAND}", lambda low: f"bpm:{low}..<{low + _BAND}"),
    "format": _named("format"),
    "artist": _named("artist", row="artist_id"),
    "album": _named("album", row="album_id"),
}
