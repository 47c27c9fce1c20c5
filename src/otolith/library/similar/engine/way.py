"""The smoothest way from one sound to another through the sounds between them."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from otolith.library.similar.engine.likeness import alike

# A step to the same artist, or into a key that does not go with the last, counts as if it were so much longer.
SAME_ARTIST: Final = 0.06
FOREIGN_KEY: Final = 0.03


def between(start: NDArray[np.float32], end: NDArray[np.float32], points: int) -> NDArray[np.float32]:
    """Unit vectors (points, d) along the great circle from one vector to another, both included.

    Opposite vectors have no one circle; the way then leads by whatever lies beside both.
    """
    angle = float(np.arccos(np.clip(start @ end, -1.0, 1.0)))
    shares = np.linspace(0.0, 1.0, points, dtype=np.float32)[:, np.newaxis]
    if angle < 1e-3:
        mixed = (1 - shares) * start + shares * end
    else:
        mixed = np.sin((1 - shares) * angle) * start + np.sin(shares * angle) * end
    return np.asarray(mixed / np.maximum(np.linalg.norm(mixed, axis=1, keepdims=True), 1e-6), np.float32)


def smoothest(vectors: NDArray[np.float32], extra: NDArray[np.float32], steps: int) -> list[int]:
    """The places of the tracks on the way from the first vector to the last (n, d), with `steps` steps or fewer.

    Among all ways that come nearer to the end with every step, it is the one whose squared steps (one less the
    likeness, and `extra` (n, n) for what else makes a step rough) are the smallest in sum: many small steps before one
    large one. Found by dynamic programming over the number of steps, in O(steps · n²).
    """
    last = len(vectors) - 1
    near = alike(vectors, vectors)
    towards = near[last] - near[0]
    inner = np.flatnonzero((towards > towards[0]) & (towards < towards[last]))
    inner = inner[(inner != 0) & (inner != last)]
    order = np.concatenate([[0], inner[np.argsort(towards[inner], kind="stable")], [last]]).astype(np.intp)
    # Rows come before columns: a step leads only to what lies further on.
    cost = np.square(np.maximum(0.0, 1.0 - near[np.ix_(order, order)]) + extra[np.ix_(order, order)])
    cost[np.tril_indices(len(order))] = np.inf
    steps = max(1, min(steps, len(order) - 1))
    return [int(order[place]) for place in _cheapest(cost, steps)]


def _cheapest(cost: NDArray[np.floating], steps: int) -> list[int]:
    """The nodes of the cheapest way from the first to the last in exactly `steps` steps along increasing nodes."""
    so_far = np.full(len(cost), np.inf)
    so_far[0] = 0.0
    came: list[NDArray[np.intp]] = []
    for _ in range(steps):
        sums = so_far[:, np.newaxis] + cost
        came.append(np.argmin(sums, axis=0))
        so_far = sums[came[-1], np.arange(len(cost))]
    way = [len(cost) - 1]
    for before in reversed(came):
        way.append(int(before[way[-1]]))
    return way[::-1]
