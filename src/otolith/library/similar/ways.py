"""Ways from one track to another, each step to something that sounds like the last."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from otolith.core.actor import Actor
from otolith.core.context import Context
from otolith.core.errors import BadRequest, Conflict
from otolith.library.similar import queries
from otolith.library.similar.engine.likeness import alike
from otolith.library.similar.engine.picking import best
from otolith.library.similar.engine.reasons import key_relation
from otolith.library.similar.engine.shelf import Shelf
from otolith.library.similar.engine.way import FOREIGN_KEY, SAME_ARTIST, between, smoothest
from otolith.library.similar.queries import Seen
from otolith.library.similar.schemas import Step, Way
from otolith.library.similar.seeding import Asked, seeds_of
from otolith.library.similar.service import shelves_of
from otolith.library.similar.showing import common, shown, shown_likeness

MOST_STEPS: Final = 50
_AROUND: Final = 40
_CORRIDOR: Final = 300


class HeardApart(Conflict):
    """One of the two is still to be heard again by the newest engine, so they cannot be compared yet; ask later."""


class SameTrack(BadRequest):
    """The way begins and ends with the same track; name two."""


def way(
    session: Session,
    context: Context,
    actor: Actor,
    start: UUID,
    end: UUID,
    *,
    steps: int = 10,
    workspace_id: UUID | None = None,
) -> Way:
    """A smooth way from one track to another in so many steps, or in fewer where too little lies between."""
    if start == end:
        raise SameTrack
    shelves = shelves_of(session, context, actor, workspace_id)
    ends = [seeds_of(session, actor, Asked(tracks=[one])) for one in (start, end)]
    (first, begin), (last, finish) = ((one.heard[0], one.vectors[0]) for one in ends)
    if first.version != last.version:
        raise HeardApart
    points = between(begin, finish, min(steps + 1, 16))
    ids = _corridor([shelf.of_version(first.version) for shelf in shelves], points, steps) - {start, end}
    found = [(one, one.vector) for one in queries.tracks(session, actor, ids).values() if one.vector is not None]
    found.sort(key=lambda one: one[0].id)
    tracks = [first, *(one for one, _ in found), last]
    vectors = np.stack([begin, *(vector for _, vector in found), finish])
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    places = smoothest(vectors, _roughness(tracks), steps)
    return _way([tracks[place] for place in places], vectors[places])


def _corridor(shelves: Sequence[Shelf], points: NDArray[np.float32], steps: int) -> set[UUID]:
    """The tracks nearest to any of the points between, as many as the whole way may need."""
    around = min(_CORRIDOR // len(points), max(_AROUND, 3 * steps))
    ids: set[UUID] = set()
    for shelf in shelves:
        scores = shelf.scores(points, shelf.newest())
        for number in range(len(points)):
            ids |= {shelf.id_at(place) for place in best(scores[:, number], around)}
    return ids


def _roughness(tracks: Sequence[Seen]) -> NDArray[np.float32]:
    """What makes steps (n, n) rough beside their sound: the same artist again, or a key that does not go with it."""
    names, artists = np.unique([one.row.artist_key for one in tracks], return_inverse=True)
    same = (artists[:, np.newaxis] == artists) & (names[artists] != "")
    keys, where = np.unique([one.row.camelot or "" for one in tracks], return_inverse=True)
    known = keys.tolist()
    foreign = np.array([[bool(a and b) and key_relation(a, b) is None for b in known] for a in known])
    return np.asarray(SAME_ARTIST * same + FOREIGN_KEY * foreign[np.ix_(where, where)], np.float32)


def _way(tracks: Sequence[Seen], vectors: NDArray[np.float32]) -> Way:
    near = alike(vectors, vectors)
    similar = [shown_likeness(float(near[place, place + 1])) for place in range(len(vectors) - 1)]
    steps = [Step(track=shown(tracks[0]), similarity=None, reasons=[])]
    for before, track, similarity in zip(tracks[:-1], tracks[1:], similar, strict=True):
        steps.append(Step(track=shown(track), similarity=similarity, reasons=common(before, track)))
    return Way(items=steps, roughest=min(similar))
