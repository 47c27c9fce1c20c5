"""The statements about plays and ratings; each takes the person whose they are."""

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, case, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstrumentedAttribute, Session

from otolith.core import paging
from otolith.core.actor import Actor, visible_to
from otolith.library.listens.models import Listening
from otolith.library.models import Track

Sorting = tuple[InstrumentedAttribute[Any], ...]


def workspace_of(session: Session, actor: Actor, track_id: UUID) -> UUID | None:
    """Whose a track is, if the caller may see it."""
    return session.scalar(select(Track.workspace_id).where(visible_to(actor, Track.workspace_id), Track.id == track_id))


def add_play(session: Session, user_id: UUID, track_id: UUID, workspace_id: UUID, moment: dt.datetime) -> None:
    """Count a play, unless it is the very one that was counted last; the latest moment stays."""
    statement = _dialect(session).insert(Listening)
    values = {"user_id": user_id, "track_id": track_id, "workspace_id": workspace_id, "played_at": moment, "plays": 1}
    later = or_(Listening.played_at.is_(None), Listening.played_at < statement.excluded.played_at)
    session.execute(
        statement.values(values).on_conflict_do_update(
            index_elements=["user_id", "track_id"],
            set_={
                "plays": Listening.plays + 1,
                "played_at": case((later, statement.excluded.played_at), else_=Listening.played_at),
            },
            where=or_(Listening.played_at.is_(None), Listening.played_at != statement.excluded.played_at),
        )
    )


def set_rating(
    session: Session, user_id: UUID, track_id: UUID, workspace_id: UUID, rating: int | None, moment: dt.datetime
) -> None:
    statement = _dialect(session).insert(Listening)
    values = {"rating": rating, "rated_at": moment if rating is not None else None}
    keys = {"user_id": user_id, "track_id": track_id, "workspace_id": workspace_id, "plays": 0}
    session.execute(
        statement.values(**keys, **values).on_conflict_do_update(index_elements=["user_id", "track_id"], set_=values)
    )


def _dialect(session: Session) -> Any:
    return sqlite if session.get_bind().dialect.name == "sqlite" else postgresql


def mine(session: Session, actor: Actor, track_ids: Collection[UUID]) -> dict[UUID, Listening]:
    """What the caller makes of these tracks, as it is now."""
    found = session.scalars(
        select(Listening).where(
            visible_to(actor, Listening.workspace_id),
            Listening.user_id == actor.user_id,
            Listening.track_id.in_(list(track_ids)),
        ),
        execution_options={"populate_existing": True},
    )
    return {row.track_id: row for row in found}


def page(
    session: Session, actor: Actor, sorting: Sorting, after: tuple[Any, ...] | None, limit: int
) -> Sequence[Row[tuple[Listening, Track]]]:
    """A page of what the caller played or rated, the highest of the sorting first."""
    statement = (
        select(Listening, Track)
        .join(Track, Track.id == Listening.track_id)
        .where(visible_to(actor, Listening.workspace_id), Listening.user_id == actor.user_id, _is_there(sorting[0]))
        .order_by(*(column.desc() for column in sorting))
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(paging.after(sorting, after, descending=True))
    return session.execute(statement).all()


def count(session: Session, actor: Actor, sorting: Sorting) -> int:
    statement = select(func.count()).select_from(Listening)
    condition = visible_to(actor, Listening.workspace_id), Listening.user_id == actor.user_id, _is_there(sorting[0])
    return session.scalar(statement.where(*condition)) or 0


def _is_there(column: InstrumentedAttribute[Any]) -> Any:
    return column > 0 if column.key == "plays" else column.is_not(None)
