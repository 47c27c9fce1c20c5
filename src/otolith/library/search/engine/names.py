"""Finds artists by name, and albums by title and artist, among the documents of segments."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from otolith.library.search.engine.asking import Term
from otolith.library.search.engine.matching import WEIGHTS, Hits, Scores, closeness, matched, name_scores
from otolith.library.search.engine.segment import NO_ID, Field, raw_id

_ALBUM_FIELDS: Final = ("album", "artist", "album_artist")


def artists(hits: Sequence[Hits], terms: Sequence[Term], limit: int, *, lenient: bool) -> list[bytes]:
    """The ids of the artists in whose names all terms are found, the best and then the most frequent first."""
    best: dict[bytes, tuple[int, int]] = {}
    for some in hits:
        field = some.scope.segment.fields["artist"]
        if terms and len(field.keys):
            scores = _all(field, terms, lenient=lenient)
            _note(best, field, scores, _living(field, some))
    return _first(best, limit)


def albums(hits: Sequence[Hits], terms: Sequence[Term], limit: int, *, lenient: bool) -> list[bytes]:
    """The ids of the albums in whose titles and artists together all terms are found, one at least in the title."""
    best: dict[bytes, tuple[int, int]] = {}
    wanted = tuple(Term(term.words, _ALBUM_FIELDS, term.mode, term.prefix) for term in terms if term.fields is None)
    for some in hits:
        field = some.scope.segment.fields["album"]
        if not wanted or not len(field.keys):
            continue
        mask, scores = matched(some.scope, wanted, lenient=lenient)
        assert scores is not None  # noqa: S101 -- There are terms.
        titled = np.zeros(len(field.keys), np.int32)
        for term in wanted:
            titled += name_scores(field, term, 1, lenient=lenient) > 0
        found = np.flatnonzero(mask)
        codes = field.codes[found]
        inside = codes < len(field.keys)
        own = np.zeros(len(field.keys), np.int32)
        np.maximum.at(own, codes[inside], scores[found[inside]])
        own = np.where((own > 0) & (titled > 0), own + closeness(field, titled), 0)
        _note(best, field, own, _living(field, some))
    return _first(best, limit)


def _all(field: Field, terms: Sequence[Term], *, lenient: bool) -> Scores:
    """What the terms are worth in each name that has them all."""
    total = np.zeros(len(field.keys), np.int32)
    every = np.ones(len(field.keys), bool)
    for term in terms:
        scores = name_scores(field, term, WEIGHTS["artist"], lenient=lenient)
        every &= scores > 0
        total += scores
    return np.where(every, total + closeness(field, np.full(len(total), len(terms), np.int32)), 0)


def _living(field: Field, hits: Hits) -> NDArray[np.int64]:
    """How many living documents have each name."""
    behind = np.zeros(len(field.docs) + 1, np.int64)
    np.cumsum(hits.scope.alive[field.docs], out=behind[1:])
    counts: NDArray[np.int64] = np.diff(behind[field.starts])
    return counts


def _note(best: dict[bytes, tuple[int, int]], field: Field, scores: Scores, counts: NDArray[np.int64]) -> None:
    for code in np.flatnonzero((scores > 0) & (counts > 0)).tolist():
        row = raw_id(field.ids, code)
        if row != NO_ID:
            score, count = best.get(row, (0, 0))
            best[row] = (max(score, int(scores[code])), count + int(counts[code]))


def _first(best: dict[bytes, tuple[int, int]], limit: int) -> list[bytes]:
    return [row for row, _ in sorted(best.items(), key=lambda item: (-item[1][0], -item[1][1], item[0]))[:limit]]
