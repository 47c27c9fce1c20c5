"""Reading the live feed: events in an order in which none can appear behind a reader's back."""

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import BigInteger, Text, cast, column, func, literal, select, table, tuple_
from sqlalchemy.orm import Session

from otolith.core.actor import Actor
from otolith.core.errors import BadRequest
from otolith.jobs.models import TERMINAL, JobEvent

_LAST = 2**62
# No column holds more.
_LARGEST = 2**63 - 1
BATCH = 500


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the feed, written ``<transaction>-<event>``."""

    txid: int
    id: int

    def __str__(self) -> str:
        return f"{self.txid}-{self.id}"

    @classmethod
    def parse(cls, text: str) -> "Position":
        first, _, second = text.partition("-")
        if text.isascii() and first.isdecimal() and second.isdecimal() and len(text) < 50:
            place = cls(int(first), int(second))
            if max(place.txid, place.id) <= _LARGEST:
                return place
        detail = "Last-Event-ID is not one that this server gave."
        raise BadRequest(detail)


@dataclass(frozen=True, slots=True)
class Event:
    """One change of a job."""

    position: Position
    job_id: UUID
    parent_id: UUID | None
    workspace_id: UUID | None
    task: str
    lane: str
    state: str
    progress_done: int | None
    progress_total: int | None
    eta_seconds: float | None
    at: dt.datetime

    @property
    def is_last(self) -> bool:
        return self.state in TERMINAL

    def visible_to(self, actor: Actor) -> bool:
        return actor.is_admin if self.workspace_id is None else actor.may_see(self.workspace_id)


_SEQUENCE = table("sqlite_sequence", column("name"), column("seq"))
# Transactions from this number on may still commit events with smaller ids than those already there.
_HORIZON = cast(cast(func.pg_snapshot_xmin(func.pg_current_snapshot()), Text), BigInteger)


def _is_postgres(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def position_now(session: Session) -> Position:
    """The place from which on nothing is missed that is not committed yet."""
    if _is_postgres(session):
        horizon: int = session.execute(select(_HORIZON)).scalar_one()
        return Position(horizon - 1, _LAST)
    # The counter and not the table, whose last rows may have been pruned.
    last = session.execute(select(func.max(JobEvent.id))).scalar()
    counter = session.execute(select(_SEQUENCE.c.seq).where(_SEQUENCE.c.name == JobEvent.__tablename__)).scalar()
    return Position(0, max(last or 0, counter or 0))


def events_after(session: Session, after: Position, *, job: UUID | None = None, limit: int = BATCH) -> list[Event]:
    """The next events that are there for good, in order; all of them in time, whatever commits when."""
    query = select(
        JobEvent.txid, JobEvent.id, JobEvent.job_id, JobEvent.parent_id, JobEvent.workspace_id, JobEvent.task,
        JobEvent.lane, JobEvent.state, JobEvent.progress_done, JobEvent.progress_total, JobEvent.eta_seconds,
        JobEvent.at,
    ).order_by(JobEvent.txid, JobEvent.id)  # fmt: skip
    query = query.where(tuple_(JobEvent.txid, JobEvent.id) > tuple_(literal(after.txid), literal(after.id)))
    if _is_postgres(session):
        query = query.where(JobEvent.txid < _HORIZON)
    if job is not None:
        query = query.where(JobEvent.job_id == job)
    rows = session.execute(query.limit(limit)).all()
    return [Event(Position(row[0], row[1]), *row[2:]) for row in rows]


def has_gap(session: Session, after: Position) -> bool:
    """Whether events after this place may have been pruned already, or it lies beyond all that there ever was.

    The oldest event that is left is the newest that pruning would have taken, or the first that ever was. A place in
    the future is one of another database, such as the one before a backup was restored.
    """
    if after > position_now(session):
        return True
    query = select(JobEvent.txid, JobEvent.id).order_by(JobEvent.txid, JobEvent.id).limit(1)
    first = session.execute(query).first()
    if first is None or first.id in (1, after.id + 1):
        return False
    return Position(first.txid, first.id) > after
