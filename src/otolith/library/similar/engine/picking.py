"""Choosing among the nearest: not too many of one artist or album, and not the same thing again and again."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from otolith.library.similar.engine.likeness import alike
from otolith.library.similar.engine.products import products
from otolith.library.similar.engine.shelf import Shelf

# How much of a track's nearness what was chosen already takes away from what resembles it.
_SAMENESS: Final = 0.15
_GOLDEN: Final = 0x9E3779B97F4A7C15


@dataclass(frozen=True, slots=True)
class Caps:
    """At most so many tracks of one artist and of one album; those that name none are not counted."""

    per_artist: int
    per_album: int


def nearness(near: NDArray[np.float32]) -> NDArray[np.float32]:
    """One number a track from how alike (n, k) it and k centres are: near to one of them, and rather near to all."""
    if near.shape[1] == 1:
        return near[:, 0]
    return np.asarray(0.7 * near.max(axis=1) + 0.3 * near.mean(axis=1), np.float32)


def centres(vectors: NDArray[np.floating], most: int = 4) -> NDArray[np.float32]:
    """At most `most` unit vectors that stand for many (n, d): the vectors themselves, or spherical k-means.

    The first centre is the vector nearest to the mean and each further one the farthest from those before, so that
    the same seeds always give the same centres.
    """
    given = np.asarray(vectors, np.float32)
    if len(given) <= most:
        return given
    chosen = [int(np.argmax(np.vecdot(given, given.mean(axis=0))))]
    while len(chosen) < most:
        chosen.append(int(np.argmin(products(given, given[chosen]).max(axis=1))))
    means = given[chosen]
    for _ in range(12):
        nearest = np.argmax(products(given, means), axis=1)
        for number in range(most):
            if np.any(nearest == number):
                means[number] = _unit(given[nearest == number].sum(axis=0))
    return means


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vector / max(1e-9, float(np.linalg.norm(vector))), np.float32)


def best(scores: NDArray[np.floating], count: int) -> NDArray[np.intp]:
    """The places of the `count` greatest scores, best first; what is -inf is never among them."""
    count = min(count, len(scores))
    if count <= 0:
        return np.empty(0, np.intp)
    top = np.argpartition(scores, len(scores) - count)[len(scores) - count :]
    top = top[np.lexsort((top, -scores[top]))]
    return np.asarray(top[np.isfinite(scores[top])], np.intp)


def pool(shelf: Shelf, scores: NDArray[np.float32], count: int, caps: Caps | None) -> list[int]:
    """The places of the `count` nearest tracks that the caps let through, then of those they held back."""
    looked = 4 * count
    while True:
        ranked = best(scores, looked)
        if caps is None:
            return [int(place) for place in ranked[:count]]
        through, held = _sifted(shelf, ranked, caps)
        if len(through) >= count or looked >= len(scores):
            return (through + held)[:count]
        looked *= 4


def _sifted(shelf: Shelf, ranked: NDArray[np.intp], caps: Caps) -> tuple[list[int], list[int]]:
    turns = _Turns(caps)
    through: list[int] = []
    held: list[int] = []
    named = zip(ranked.tolist(), shelf.artists[ranked].tolist(), shelf.albums[ranked].tolist(), strict=True)
    for place, artist, album in named:
        (through if turns.take(artist, album) else held).append(place)
    return through, held


class _Turns:
    """Counts how often artists and albums had their turn; what names none (0, "" or None) is not counted."""

    def __init__(self, caps: Caps) -> None:
        self._caps = caps
        self._artists: Counter[Any] = Counter()
        self._albums: Counter[Any] = Counter()

    def take(self, artist: Any, album: Any) -> bool:
        """Whether another of these may come; it then has."""
        if artist and self._artists[artist] >= self._caps.per_artist:
            return False
        if album and self._albums[album] >= self._caps.per_album:
            return False
        self._artists[artist] += 1
        self._albums[album] += 1
        return True


@dataclass(frozen=True, slots=True)
class Candidate:
    """A track that may be chosen: its score, its vector of unit length, and what it takes turns by."""

    score: float
    vector: NDArray[np.float32]
    artist: Any
    album: Any


def varied(candidates: Sequence[Candidate], count: int, caps: Caps) -> list[int]:
    """Places of `count` candidates by maximal marginal relevance (Carbonell and Goldstein, 1998) under the caps.

    The nearest comes first; each next one is the nearest after what resembles the chosen has lost by it. What the
    caps hold back comes last, where nothing else is left.
    """
    if not candidates:
        return []
    vectors = np.stack([one.vector for one in candidates])
    near = alike(vectors, vectors)
    worth = np.array([one.score for one in candidates], np.float32)
    sameness = np.zeros(len(worth), np.float32)
    turns = _Turns(caps)
    chosen: list[int] = []
    held: list[int] = []
    open_places = np.ones(len(worth), bool)
    while len(chosen) < count and open_places.any():
        value = np.where(open_places, worth - _SAMENESS * sameness, -np.inf)
        place = int(np.argmax(value))
        open_places[place] = False
        if not turns.take(candidates[place].artist, candidates[place].album):
            held.append(place)
            continue
        chosen.append(place)
        sameness = np.maximum(sameness, near[place])
    return (chosen + held)[:count]


def chance(ids: NDArray[np.bytes_], stream: int) -> NDArray[np.float64]:
    """A number from 0 to 1 for every id (n,), always the same (the finalizer of SplitMix64); streams are unrelated."""
    halves = np.ascontiguousarray(ids).view(np.uint64).reshape(-1, 2)
    mixed = halves[:, 0] ^ (halves[:, 1] + np.uint64(stream * _GOLDEN & (2**64 - 1)))
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return np.asarray((mixed ^ (mixed >> np.uint64(31))) / 2.0**64, np.float64)
