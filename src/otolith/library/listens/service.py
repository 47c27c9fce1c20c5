"""Plays and ratings: each person's own, of every track that the person may see."""

import datetime as dt
from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from otolith.core import paging
from otolith.core.actor import Actor
from otolith.core.db import now
from otolith.core.errors import NotAcceptable, NotAllowed, NotFound
from otolith.core.paging import BadCursor, Page
from otolith.library.listens import queries
from otolith.library.listens.models import Listening
from otolith.library.listens.schemas import ListeningOut, ListenItem, ListenSort

_AHEAD: Final = dt.timedelta(minutes=5)
_SORTINGS: Final[dict[ListenSort, queries.Sorting]] = {
    "played": (Listening.played_at, Listening.track_id),
    "plays": (Listening.plays, Listening.track_id),
    "rating": (Listening.rating, Listening.track_id),
}


class NoSuchTrack(NotFound):
    """There is no such track, or you may not see it."""


class MayNotListen(NotAllowed):
    """This account may only read; plays and ratings are kept for accounts of people."""


class NotYet(NotAcceptable):
    """A track cannot have been played in the future; is the clock of the player right?"""


def note_play(session: Session, actor: Actor, track_id: UUID, played_at: dt.datetime | None) -> ListeningOut:
    """Count that the caller played a track."""
    user_id, workspace_id = _who_and_whose(session, actor, track_id)
    moment = played_at or now()
    if moment > now() + _AHEAD:
        raise NotYet
    queries.add_play(session, user_id, track_id, workspace_id, moment)
    return get(session, actor, track_id)


def rate(session: Session, actor: Actor, track_id: UUID, rating: int | None) -> ListeningOut:
    """Keep what the caller thinks of a track, or forget it."""
    user_id, workspace_id = _who_and_whose(session, actor, track_id)
    queries.set_rating(session, user_id, track_id, workspace_id, rating, now())
    return get(session, actor, track_id)


def _who_and_whose(session: Session, actor: Actor, track_id: UUID) -> tuple[UUID, UUID]:
    workspace_id = queries.workspace_of(session, actor, track_id)
    if workspace_id is None:
        raise NoSuchTrack
    if actor.user_id is None or actor.role == "readonly":
        raise MayNotListen
    return actor.user_id, workspace_id


def get(session: Session, actor: Actor, track_id: UUID) -> ListeningOut:
    """What the caller makes of a track, which may be nothing yet."""
    if queries.workspace_of(session, actor, track_id) is None:
        raise NoSuchTrack
    return mine(session, actor, [track_id])[track_id]


def mine(session: Session, actor: Actor, track_ids: Collection[UUID]) -> dict[UUID, ListeningOut]:
    """What the caller makes of each of these tracks, for lists of them."""
    found = queries.mine(session, actor, track_ids)
    nothing = {"plays": 0, "rating": None, "played_at": None, "rated_at": None}
    return {
        track_id: ListeningOut(**_values(found[track_id]))
        if track_id in found
        else ListeningOut(track_id=track_id, **nothing)
        for track_id in track_ids
    }


def _values(row: Listening) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ListeningOut.model_fields}


def list_mine(
    session: Session, actor: Actor, *, sort: ListenSort = "played", cursor: str | None = None, limit: int = 50
) -> Page[ListenItem]:
    """What the caller played last, played most, or rated best."""
    sorting = _SORTINGS[sort]
    rows = queries.page(session, actor, sorting, _position(cursor, sort), limit + 1)
    page, following = paging.cut(rows, limit, lambda row: (sort, *_place(row[0], sorting)))
    names = ("title", "artist", "album", "album_id", "cover_key")
    items = [ListenItem(**_values(row), **{name: getattr(track, name) for name in names}) for row, track in page]
    return Page[ListenItem](items=items, next=following, total=queries.count(session, actor, sorting))


def _place(row: Listening, sorting: queries.Sorting) -> tuple[paging.Value, ...]:
    value = getattr(row, sorting[0].key)
    return value.isoformat() if isinstance(value, dt.datetime) else value, str(row.track_id)


def _position(cursor: str | None, sort: ListenSort) -> tuple[Any, ...] | None:
    if cursor is None:
        return None
    made_for, value, track_id = paging.decode(cursor, 3)
    try:
        last = dt.datetime.fromisoformat(str(value)) if sort == "played" else value
        if made_for != sort or (last.tzinfo is None if isinstance(last, dt.datetime) else not isinstance(last, int)):
            raise BadCursor
        return last, UUID(str(track_id))
    except ValueError as error:
        raise BadCursor from error
