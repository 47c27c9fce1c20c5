"""What routes, pages and commands may ask about what sounds alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from otolith.core.actor import Actor
from otolith.core.context import Context
from otolith.core.errors import NotFound
from otolith.library.similar import queries
from otolith.library.similar.engine.likeness import alike
from otolith.library.similar.engine.picking import Candidate, Caps, nearness, pool, varied
from otolith.library.similar.engine.shelf import Shelf
from otolith.library.similar.index import SoundIndex
from otolith.library.similar.queries import Seen
from otolith.library.similar.schemas import Neighbour, Neighbours
from otolith.library.similar.seeding import Asked, Seeds, seeds_of
from otolith.library.similar.showing import common, shown, shown_likeness

SPREAD: Final = Caps(per_artist=3, per_album=2)
LARGEST: Final = 200
# Some of what the index finds may be gone or hidden by the time its rows are read.
_SPARE: Final = 20


class WorkspaceNotFound(NotFound):
    """There is no such workspace, or you may not see it."""


@dataclass(frozen=True, slots=True)
class Found:
    """A track that was found near the seeds."""

    seen: Seen
    vector: NDArray[np.float32]
    score: float
    similarity: float
    seed: Seen


def similar(
    session: Session,
    context: Context,
    actor: Actor,
    asked: Asked,
    *,
    workspace_id: UUID | None = None,
    limit: int = 20,
    spread: bool = True,
) -> Neighbours:
    """What sounds like these tracks, albums and artists; with `spread` artists and albums take turns."""
    shelves = shelves_of(session, context, actor, workspace_id)
    seeds = seeds_of(session, actor, asked)
    caps = SPREAD if spread else None
    ids = _near(shelves, seeds, (3 * limit if spread else limit) + _SPARE, caps)
    found = _ranked(queries.tracks(session, actor, ids), seeds)
    if caps is not None:
        found = [found[place] for place in varied([_candidate(one) for one in found], limit, caps)]
    return Neighbours(
        items=[_neighbour(one) for one in found[:limit]],
        seeds=len(seeds.heard),
        unheard=seeds.unheard,
        compared=sum(map(len, shelves)),
    )


def shelves_of(session: Session, context: Context, actor: Actor, workspace_id: UUID | None) -> list[Shelf]:
    """The shelves of the workspaces that the caller sees, or of one of them."""
    versions = queries.versions(session, actor, workspace_id)
    if workspace_id is not None and not versions:
        raise WorkspaceNotFound
    return context.resource(SoundIndex).shelves(session, versions)


def _near(shelves: Sequence[Shelf], seeds: Seeds, count: int, caps: Caps | None) -> list[UUID]:
    """The ids of the nearest tracks of all shelves that are no seeds themselves."""
    own = [one.id for one in seeds.heard]
    ranked: list[tuple[float, UUID]] = []
    for shelf in shelves:
        scores = nearness(shelf.scores(seeds.centres, seeds.version))
        scores[shelf.places(own)] = -np.inf
        ranked += [(float(scores[place]), shelf.id_at(place)) for place in pool(shelf, scores, count, caps)]
    ranked.sort(key=lambda one: one[0], reverse=True)
    return [track_id for _, track_id in ranked[:count]]


def _ranked(found: dict[UUID, Seen], seeds: Seeds) -> list[Found]:
    """The tracks with their exact similarity and the seed that is nearest to each, the nearest first."""
    heard = [(seen, seen.vector) for seen in found.values() if seen.vector is not None]
    if not heard:
        return []
    vectors = np.stack([vector for _, vector in heard])
    near = alike(vectors, seeds.vectors)
    nearest = np.argmax(near, axis=1).tolist()
    scores = nearness(alike(vectors, seeds.centres)).tolist()
    ranked = [
        Found(seen, vector, scores[place], float(near[place, nearest[place]]), seeds.heard[nearest[place]])
        for place, (seen, vector) in enumerate(heard)
    ]
    return sorted(ranked, key=lambda one: (-one.score, one.seen.id))


def _candidate(found: Found) -> Candidate:
    return Candidate(found.score, found.vector, found.seen.row.artist_key, found.seen.row.album_id)


def _neighbour(found: Found) -> Neighbour:
    return Neighbour(
        track=shown(found.seen),
        similarity=shown_likeness(found.similarity),
        near=found.seed.id,
        reasons=common(found.seed, found.seen),
    )
