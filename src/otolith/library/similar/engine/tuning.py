"""The order in which a radio plays: outward from its seeds, by chance and by turns, the same whenever it is asked."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from otolith.library.similar.engine.shelf import Shelf

# In units of the spread of all scores: how far chance may move a track, and how far each turn of its artist does.
_CHANCE: Final = 0.6
_TURN: Final = 0.5
_GOLDEN: Final = 0x9E3779B97F4A7C15


@dataclass(frozen=True, slots=True)
class Tuning:
    """What makes a radio its own: a number drawn when it began, and the spread of the scores at that moment."""

    number: int
    spread: float


def spread_of(scores: NDArray[np.float32]) -> float:
    """The spread of the scores, as a tuning keeps it."""
    return round(max(1e-3, float(scores.std())), 4) if len(scores) else 1e-3


def turns(shelf: Shelf, scores: NDArray[np.float32], tuning: Tuning) -> NDArray[np.float64]:
    """A key (n,) for every track; the radio plays from the greatest to the smallest.

    A track loses by chance, and by the turn at which its artist would come to it: a hash stands for its place among
    the artist's tracks, so that no track's key hangs on the others and later pages repeat nothing of the earlier ones.
    """
    known, where, counts = np.unique(shelf.artists, return_inverse=True, return_counts=True)
    # As a power of two, so that one track more of an artist leaves the others where they were.
    many = np.exp2(np.ceil(np.log2(counts)))
    many[known == 0] = 1
    turn = np.log2(1 + _chance(shelf, tuning.number, 1) * (many[where] - 1))
    lost = _TURN * turn + _CHANCE * _chance(shelf, tuning.number, 2)
    return np.asarray(scores - tuning.spread * lost, np.float64)


def _chance(shelf: Shelf, number: int, stream: int) -> NDArray[np.float64]:
    """A number from 0 to 1 for every track, by its id (the finalizer of SplitMix64)."""
    halves = np.ascontiguousarray(shelf.ids).view(np.uint64).reshape(-1, 2)
    mixed = halves[:, 0] ^ (halves[:, 1] + np.uint64((number * 2 + stream) * _GOLDEN & (2**64 - 1)))
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return np.asarray((mixed ^ (mixed >> np.uint64(31))) / 2.0**64, np.float64)


def chained(vectors: NDArray[np.float32], artists: Sequence[str], last: NDArray[np.float32] | None) -> list[int]:
    """The places of these tracks in an order in which each sounds like the one before.

    No artist follows itself where that can be helped; tracks without one may always follow.
    """
    left = set(range(len(vectors)))
    order: list[int] = []
    while left:
        places = _may_follow(left, artists, artists[order[-1]] if order else "")
        nearest = 0 if last is None else int(np.argmax(vectors[places] @ last))
        order.append(places[nearest])
        left.remove(order[-1])
        last = vectors[order[-1]]
    return order


def _may_follow(left: set[int], artists: Sequence[str], before: str) -> list[int]:
    """Those of the tracks that may come next, if all are to be kept apart."""
    counts = Counter(artists[place] for place in left if artists[place])
    name, most = counts.most_common(1)[0] if counts else ("", 0)
    if name != before and 2 * most > len(left):
        # Half of what is left is by one artist, so every other turn must be theirs from now on.
        return sorted(place for place in left if artists[place] == name)
    return sorted(place for place in left if not before or artists[place] != before) or sorted(left)
