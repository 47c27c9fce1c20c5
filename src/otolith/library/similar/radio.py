"""Radio: what sounds like the seeds, further and further out, until everything was played once."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from otolith.core import paging
from otolith.core.actor import Actor
from otolith.core.context import Context
from otolith.core.paging import BadCursor, Page
from otolith.library.similar import queries
from otolith.library.similar.engine.likeness import alike
from otolith.library.similar.engine.picking import best, nearness
from otolith.library.similar.engine.shelf import Shelf
from otolith.library.similar.engine.tuning import Tuning, chained, spread_of, turns
from otolith.library.similar.queries import Seen
from otolith.library.similar.schemas import RadioTrack
from otolith.library.similar.seeding import Asked, Seeds, seeds_of
from otolith.library.similar.service import shelves_of
from otolith.library.similar.showing import common, shown, shown_likeness

_NUMBERS: Final = 2**31
_NOTHING: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class _Position:
    """Where a radio is: its tuning, and the key and the id of the last track in its order, and the last one played."""

    tuning: Tuning
    key: float = float("inf")
    after: UUID = _NOTHING
    played: UUID | None = None

    def encoded(self) -> str:
        return paging.encode(
            self.tuning.number, self.tuning.spread, self.key, str(self.after), str(self.played or self.after)
        )


@dataclass(frozen=True, slots=True)
class _Due:
    """A track in the order of the radio."""

    key: float
    id: UUID


def play(
    session: Session,
    context: Context,
    actor: Actor,
    asked: Asked,
    *,
    workspace_id: UUID | None = None,
    cursor: str | None = None,
    limit: int = 20,
) -> Page[RadioTrack]:
    """The next tracks of a radio; without a cursor a new one begins. What was played does not come again."""
    shelves = shelves_of(session, context, actor, workspace_id)
    seeds = seeds_of(session, actor, asked)
    scores = [nearness(shelf.scores(seeds.centres, seeds.version)) for shelf in shelves]
    position = _Position(_new_tuning(scores)) if cursor is None else _position(cursor)
    due = _due(shelves, scores, seeds, position, limit + 1)
    wanted = [one.id for one in due[:limit]]
    if position.played is not None:
        wanted.append(position.played)
    rows = queries.tracks(session, actor, wanted)
    before = rows.pop(position.played, None) if position.played is not None else None
    items = _items([rows[one.id] for one in due[:limit] if one.id in rows], seeds, before)
    following = None
    if len(due) > limit:
        end = due[limit - 1]
        played = items[-1].track.id if items else position.played
        following = _Position(position.tuning, end.key, end.id, played).encoded()
    return Page[RadioTrack](items=items, next=following, total=None)


def _new_tuning(scores: Sequence[NDArray[np.float32]]) -> Tuning:
    together = np.concatenate(scores) if scores else np.empty(0, np.float32)
    return Tuning(secrets.randbelow(_NUMBERS), spread_of(together))


def _position(cursor: str) -> _Position:
    number, spread, key, after, played = paging.decode(cursor, 5)
    numbers = isinstance(number, int) and isinstance(spread, int | float) and isinstance(key, int | float)
    if not numbers or not 0 <= number < _NUMBERS or not 0 < spread <= 10 or not abs(key) < 1e6:
        raise BadCursor
    try:
        return _Position(Tuning(number, float(spread)), float(key), UUID(str(after)), UUID(str(played)))
    except ValueError as error:
        raise BadCursor from error


def _due(
    shelves: Sequence[Shelf], scores: Sequence[NDArray[np.float32]], seeds: Seeds, position: _Position, count: int
) -> list[_Due]:
    """The next tracks in the order of the radio: by key, and by id where two are equal."""
    own = [one.id for one in seeds.heard]
    due: list[_Due] = []
    for shelf, near in zip(shelves, scores, strict=True):
        keys = turns(shelf, near, position.tuning)
        passed = (keys > position.key) | ((keys == position.key) & (shelf.ids <= np.bytes_(position.after.bytes)))
        keys[passed] = -np.inf
        keys[shelf.places(own)] = -np.inf
        due += [_Due(float(keys[place]), shelf.id_at(place)) for place in best(keys, count)]
    return sorted(due, key=lambda one: (-one.key, one.id.bytes))[:count]


def _items(found: Sequence[Seen], seeds: Seeds, before: Seen | None) -> list[RadioTrack]:
    """The tracks as they are played: each sounds like the one before, and is by somebody else if that can be."""
    heard = [(one, one.vector) for one in found if one.vector is not None]
    if not heard:
        return []
    last = before.vector if before is not None else None
    vectors = np.stack([vector for _, vector in heard])
    items = []
    for place in chained(vectors, [one.row.artist_key for one, _ in heard], last):
        seen, vector = heard[place]
        similarity = shown_likeness(float(alike(seeds.vectors, vector[np.newaxis]).max()))
        reasons = common(before or seeds.heard[0], seen)
        items.append(RadioTrack(track=shown(seen), similarity=similarity, reasons=reasons))
        before = seen
    return items
