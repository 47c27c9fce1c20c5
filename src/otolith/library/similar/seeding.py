"""What a search by sound starts from: tracks, albums, artists, or several of them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from otolith.core.actor import Actor
from otolith.core.errors import BadRequest, Conflict, NotFound
from otolith.library.similar import queries
from otolith.library.similar.engine.picking import centres
from otolith.library.similar.queries import Seen

MOST_NAMED: Final = 50
_MOST_TRACKS: Final = 400


class NothingNamed(BadRequest):
    """Name at least one track, album or artist to start from."""


class SeedNotFound(NotFound):
    """There is no such track, album or artist, or you may not see it."""


class NotHeardYet(Conflict):
    """None of these was analysed yet, so nothing can be compared with it. Analysis runs by itself; ask again later."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The ids that somebody asked about."""

    tracks: Sequence[UUID] = ()
    albums: Sequence[UUID] = ()
    artists: Sequence[UUID] = ()


@dataclass(frozen=True, slots=True)
class Seeds:
    """The seeds that have a sound, their vectors (n, d), the few that stand for them, and those without."""

    heard: list[Seen]
    vectors: NDArray[np.float32]
    centres: NDArray[np.float32]
    unheard: list[UUID]
    version: int


def seeds_of(session: Session, actor: Actor, asked: Asked) -> Seeds:
    """What is searched by; refused where something cannot be seen, or nothing of it was heard."""
    found = {one.id: one for one in _found(session, actor, asked)}
    heard = [one for one in found.values() if one.vector is not None]
    if not heard:
        raise NotHeardYet(_why_unheard(list(found.values())))
    # While another version of the engine hears everything again, seeds of either are compared with their like.
    version = Counter(one.version for one in heard).most_common(1)[0][0]
    heard = [one for one in heard if one.version == version]
    vectors = np.stack([one.vector for one in heard if one.vector is not None])
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    unheard = [one.id for one in found.values() if one.vector is None or one.version != version]
    return Seeds(heard, vectors, centres(vectors), unheard, version)


def _found(session: Session, actor: Actor, asked: Asked) -> list[Seen]:
    if not (asked.tracks or asked.albums or asked.artists):
        raise NothingNamed
    found: list[Seen] = []
    if asked.tracks:
        tracks = queries.seeds(session, actor, asked.tracks)
        if len(tracks) < len(set(asked.tracks)):
            raise SeedNotFound
        found += tracks
    if asked.albums:
        of_albums = queries.seeds_of_albums(session, actor, asked.albums, _MOST_TRACKS)
        if not of_albums:
            raise SeedNotFound
        found += of_albums
    if asked.artists:
        of_artists = queries.seeds_of_artists(session, actor, asked.artists, _MOST_TRACKS)
        if not of_artists:
            raise SeedNotFound
        found += of_artists
    return found


def _why_unheard(found: Sequence[Seen]) -> str | None:
    """A sentence for one track, which knows its own reason; None leaves the general one."""
    if len(found) != 1:
        return None
    row = found[0].row
    if row.state == "failed":
        return f"This track could not be analysed, so nothing can be compared with it: {row.error}"
    if row.state == "analysed":
        return (
            "This track was analysed before there was a comparison by sound, and will be heard again by itself; "
            "ask again later."
        )
    return "This track was not analysed yet, so nothing can be compared with it. Analysis runs by itself; ask later."
