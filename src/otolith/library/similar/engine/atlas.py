"""The places of a map in memory, and which few of them stand for all in a part of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otolith.library.similar.engine.picking import chance


@dataclass(frozen=True, slots=True)
class Box:
    """A part of a map."""

    left: float = -1.0
    top: float = -1.0
    right: float = 1.0
    bottom: float = 1.0


@dataclass(frozen=True, slots=True)
class Chosen:
    """The places that stand for a part of a map: where they are in the atlas, and for how many tracks each stands."""

    places: NDArray[np.intp]
    stands_for: NDArray[np.intp]
    total: int


@dataclass(frozen=True, slots=True)
class Atlas:
    """The places of one workspace: ids (n,) as bytes and points (n, 2), in an order of chance that never changes.

    Whatever part is looked at, the tracks that come first in that order are shown first, so those that were seen from
    afar are still there when one comes nearer.
    """

    ids: NDArray[np.bytes_]
    points: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.ids)

    def merged(self, ids: NDArray[np.bytes_], points: NDArray[np.float32]) -> "Atlas":
        """The atlas with these tracks at these places."""
        stays = ~np.isin(self.ids, ids)
        together = np.concatenate([self.ids[stays], ids])
        order = np.argsort(chance(together, 0), kind="stable")
        return Atlas(together[order], np.concatenate([self.points[stays], points])[order])

    def chosen(self, box: Box, limit: int) -> Chosen:
        """At most `limit` places in a box, spread over all of it: one for each field of a grid that holds any.

        Where all fit they are all shown, each standing for itself.
        """
        x, y = self.points[:, 0], self.points[:, 1]
        inside = np.flatnonzero((x >= box.left) & (x <= box.right) & (y >= box.top) & (y <= box.bottom))
        if len(inside) <= limit:
            return Chosen(inside, np.ones(len(inside), np.intp), len(inside))
        fields = max(1, int(limit**0.5))
        across = _field(x[inside], box.left, box.right, fields)
        field = across + fields * _field(y[inside], box.top, box.bottom, fields)
        first = np.full(fields * fields, -1, np.intp)
        # Of several assignments to one field the last one stays, which is the first in the order of chance.
        first[field[::-1]] = np.arange(len(inside))[::-1]
        counts = np.bincount(field, minlength=fields * fields)
        held = first >= 0
        return Chosen(inside[first[held]], counts[held], len(inside))


def empty_atlas() -> Atlas:
    """The map of a workspace that has none yet."""
    return Atlas(np.empty(0, "S16"), np.empty((0, 2), np.float32))


def _field(values: NDArray[np.float32], start: float, end: float, fields: int) -> NDArray[np.intp]:
    share = (values - start) / max(end - start, 1e-9)
    return np.clip((share * fields).astype(np.intp), 0, fields - 1)
