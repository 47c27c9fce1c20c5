"""How well tracks fulfil wishes for their sound, by how they stand among the others."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from otolith.library.similar.engine.shelf import FEATURES, Shelf
from otolith.library.similar.engine.wording import Wish

_SAMPLE = 4096


def fulfilment(shelf: Shelf, wishes: Sequence[Wish]) -> NDArray[np.float32]:
    """From 0 to 1 for every track (n,): the mean of how far it stands in the wished directions.

    "Slow" is what is slower than most of this library. What is unknown of a track counts as neither.
    """
    if not wishes:
        return np.zeros(len(shelf), np.float32)
    stands = {wish.feature: _standing(shelf, wish.feature) for wish in wishes}
    fits = [stands[wish.feature] if wish.direction > 0 else 1 - stands[wish.feature] for wish in wishes]
    return np.asarray(np.mean(fits, axis=0), np.float32)


def _standing(shelf: Shelf, feature: str) -> NDArray[np.float32]:
    """The share of the known tracks that have less of a feature, to within a hundredth; equals stand together."""
    values = shelf.features[:, FEATURES.index(feature)].astype(np.float32)
    there = ~np.isnan(values)
    stands = np.full(len(values), 0.5, np.float32)
    if there.any():
        known = values[there]
        some = np.sort(known[:: max(1, len(known) // _SAMPLE)])
        below, upto = np.searchsorted(some, known, "left"), np.searchsorted(some, known, "right")
        stands[there] = (below + upto) / (2 * len(some))
    return stands
