"""The order in which a radio plays: outward from its seeds, by chance and by turns, the same whenever it is asked."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from otolith.library.similar.engine.likeness import alike
from otolith.library.similar.engine.picking import chance
from otolith.library.similar.engine.shelf import Shelf

# In units of the spread of all scores: how far chance may move a track, and how far each turn of its artist does.
_CHANCE: Final = 0.6
_TURN: Final = 0.5


@dataclass(frozen=True, slots=True)
class Tuning:
    """What makes a radio its own: a number drawn when it began, and the spread of the scores at that moment."""

    number: int
    spread: float


def spread_of(scores: NDArray[np.float32]) -> float:
    """The spread of the scores, as a tuning keeps it."""
    known = scores[np.isfinite(scores)]
    return round(max(1e-3, float(known.std())), 4) if len(known) else 1e-3


def turns(shelf: Shelf, scores: NDArray[np.float32], tuning: Tuning) -> NDArray[np.float64]:
    """A key (n,) for every track; the radio plays from the greatest to the smallest.

    A track loses by chance, and by the turn at which its artist would come to it: a hash stands for its place among
    the artist's tracks, so that no track's key hangs on the others and later pages repeat nothing of the earlier ones.
    """
    known, where, counts = np.unique(shelf.artists, return_inverse=True, return_counts=True)
    # As a power of two, so that one track more of an artist leaves the others where they were.
    many = np.exp2(np.ceil(np.log2(counts)))
    many[known == 0] = 1
    turn = np.log2(1 + chance(shelf.ids, 2 * tuning.number) * (many[where] - 1))
    lost = _TURN * turn + _CHANCE * chance(shelf.ids, 2 * tuning.number + 1)
    return np.asarray(scores - tuning.spread * lost, np.float64)


def chained(vectors: NDArray[np.float32], artists: Sequence[str], last: NDArray[np.float32] | None) -> list[int]:
    """The places of these tracks in an order in which each sounds like the one before.

    No artist follows itself where that can be helped; tracks without one may always follow.
    """
    left = set(range(len(vectors)))
    order: list[int] = []
    while left:
        places = _may_follow(left, artists, artists[order[-1]] if order else "")
        nearest = 0 if last is None else int(np.argmax(alike(vectors[places], last[np.newaxis])))
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
