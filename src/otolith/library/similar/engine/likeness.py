"""How alike two recordings sound: one number from what the two halves of their embeddings say."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from otolith.library.engine.embedding import PALETTE

Floats = NDArray[np.float32]
HALVES: Final = 2
# Of the palette and of the manner; docs/develop/embedding.md says what they were chosen by.
_SHARES: Final = (0.63, 0.37)


def likeness(palette: Floats, manner: Floats) -> Floats:
    """The cubic mean of two cosines, weighed: 1 for the same sound, about 0 for two by chance.

    Cubes let one half that is very near count for more than two that are somewhat near. Adding the cosines would take
    the same groove by others for nearly as near as the same band, since either gives half of the sum.
    """
    one, other = (share * cosine * cosine * cosine for share, cosine in zip(_SHARES, (palette, manner), strict=True))
    return np.asarray(np.cbrt(one + other), np.float32)


def halves(vectors: NDArray[np.floating]) -> tuple[Floats, Floats]:
    """The palettes and the manners of embeddings (n, d), each of unit length."""
    palette, manner = (
        half / np.maximum(np.linalg.norm(half, axis=1, keepdims=True), 1e-9)
        for half in (vectors[:, :PALETTE], vectors[:, PALETTE:])
    )
    return np.asarray(palette, np.float32), np.asarray(manner, np.float32)


def alike(ones: NDArray[np.floating], others: NDArray[np.floating]) -> Floats:
    """The likeness (n, k) of each of n embeddings (n, d) to each of k (k, d), in this thread alone; see `products`."""
    palette, manner = (
        np.vecdot(one[:, np.newaxis, :], other[np.newaxis, :, :])
        for one, other in zip(halves(ones), halves(others), strict=True)
    )
    return likeness(palette, manner)
