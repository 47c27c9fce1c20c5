"""Counts what the documents that were found have in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otolith.library.search.engine.matching import Hits
from otolith.library.search.engine.segment import raw_id


@dataclass(frozen=True, slots=True)
class Counted:
    """A name and how many of the documents have it; `id` is the row that it is, if any."""

    shown: str
    id: bytes
    count: int


def names(hits: Sequence[Hits], field: str, limit: int) -> tuple[list[Counted], int]:
    """The most frequent names of a field among the documents, and how many names there are."""
    if len(hits) == 1:
        return _of_one(hits[0], field, limit)
    counts: dict[bytes, Counted] = {}
    for some in hits:
        found = some.scope.segment.fields[field]
        own = name_counts(some, field)
        keys = found.keys
        for code in np.flatnonzero(own).tolist():
            key = keys[code]
            before = counts[key].count if key in counts else 0
            counts[key] = Counted(found.shown[code].decode(), raw_id(found.ids, code), before + int(own[code]))
    ordered = sorted(counts.items(), key=lambda item: (-item[1].count, item[0]))
    return [counted for _, counted in ordered[:limit]], len(ordered)


def _of_one(hits: Hits, field: str, limit: int) -> tuple[list[Counted], int]:
    found = hits.scope.segment.fields[field]
    own = name_counts(hits, field)
    codes = np.flatnonzero(own)
    best = codes[np.argsort(-own[codes], kind="stable")[:limit]].tolist()
    return [Counted(found.shown[c].decode(), raw_id(found.ids, c), int(own[c])) for c in best], len(codes)


def name_counts(hits: Hits, field: str) -> NDArray[np.int64]:
    """How many of the documents have each name of a field."""
    found = hits.scope.segment.fields[field]
    behind = np.zeros(len(found.docs) + 1, np.int32)
    np.cumsum(hits.mask[found.docs], out=behind[1:])
    counts: NDArray[np.int64] = np.diff(behind[found.starts]).astype(np.int64)
    return counts


def numbers(hits: Sequence[Hits], number: str, band: float) -> list[tuple[float, int]]:
    """How many documents lie in each band of a number, by the lower end of the band."""
    counts: dict[float, int] = {}
    for some in hits:
        values: NDArray[Any] = some.scope.number(number)[some.mask]
        bands, frequencies = np.unique(np.floor(values[~np.isnan(values)] / band), return_counts=True)
        for low, count in zip((bands * band).tolist(), frequencies.tolist(), strict=True):
            counts[low] = counts.get(low, 0) + count
    return sorted(counts.items())
