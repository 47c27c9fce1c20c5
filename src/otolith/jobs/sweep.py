"""What any worker does every few seconds: free expired leases, wake what is due, end parents, prune the feed."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Connection, Table, case, delete, func, literal, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.db import system_clock
from otolith.jobs.clauses import clock, clock_after
from otolith.jobs.clockwork import due_times
from otolith.jobs.contracts import Handler
from otolith.jobs.lanes import end_pauses
from otolith.jobs.ledger import HEAD_OF_LINE, JOBS, cancel_tree, count_done, settle
from otolith.jobs.metrics import LEASE_LOSSES
from otolith.jobs.models import JobEvent, JobSchedule, SweepTurn
from otolith.jobs.quiet import keep_quiet, quiet_hours
from otolith.jobs.submitting import NEWS, promise, submit

log = structlog.get_logger(__name__)

_TURNS: Table = SweepTurn.__table__  # type: ignore[assignment]
_SCHEDULES: Table = JobSchedule.__table__  # type: ignore[assignment]
_EVENTS: Table = JobEvent.__table__  # type: ignore[assignment]

_COMPLETE = select(JOBS.c.id).where(
    JOBS.c.state == "waiting", JOBS.c.finished_at.is_(None), JOBS.c.children_done >= JOBS.c.children
)
LOST = "WorkerLost"
# As many rows as a transaction may hold up others for.
BATCH = 500
EVENT_HOURS = 24.0
_LATER = dt.timedelta(minutes=1)
PRUNE_SECONDS = 60.0


def sweep(context: Context, handlers: Iterable[Handler], *, always: bool = False) -> bool:
    """Do what is due, if it is this caller's turn; whether it was."""
    settings = context.settings.jobs
    if not always and not _take_turn(context, "sweep", settings.sweep_seconds):
        return False
    # One transaction after another, so that many that come due together hold nobody up and still all come.
    while _in_one_transaction(context, lambda session: free_leases(session, settings.max_attempts)) == BATCH:
        continue
    while _in_one_transaction(context, wake_due) == BATCH:
        continue
    hours = None if always else quiet_hours(settings)
    with context.database.write(SYSTEM) as session:
        if hours is not None:
            # Not by a command that does its own jobs: whoever gave it waits for them.
            keep_quiet(session, hours)
        resume_lanes(session)
    with context.database.read(SYSTEM) as session:
        # Reading first, because this looks at all that is unfinished and SQLite has one writer.
        forgotten = session.execute(_COMPLETE.limit(1)).first() is not None
    if forgotten:
        with context.database.write(SYSTEM) as session:
            settle_parents(session)
    run_schedules(context, handlers)
    if _take_turn(context, "prune", PRUNE_SECONDS):
        prune_events(context)
    return True


def _in_one_transaction(context: Context, do: Callable[[Session], int]) -> int:
    with context.database.write(SYSTEM) as session:
        return do(session)


def _take_turn(context: Context, name: str, seconds: float) -> bool:
    # Reading first keeps the many who are too early from queueing for the writer's place.
    with context.database.read(SYSTEM) as session:
        # No turn lies further ahead than this; where one does, the clock was set back since.
        furthest = clock_after(2 * seconds)
        early = select(literal(1)).where(_TURNS.c.name == name, _TURNS.c.next_at.between(clock(), furthest))
        if session.execute(early).first() is not None:
            return False
    with context.database.write(SYSTEM) as session:
        is_due = (_TURNS.c.next_at <= clock()) | (_TURNS.c.next_at > clock_after(2 * seconds))
        mine = update(_TURNS).where(_TURNS.c.name == name, is_due)
        if session.execute(mine.values(next_at=clock_after(seconds))).rowcount == 1:  # type: ignore[attr-defined]
            return True
        first = _insert_once(session.connection())
        return bool(session.execute(first.values(name=name, next_at=clock_after(seconds))).first())


def _insert_once(connection: Connection) -> Any:
    insert = postgres_insert if connection.dialect.name == "postgresql" else sqlite_insert
    return insert(_TURNS).on_conflict_do_nothing().returning(_TURNS.c.name)


def free_leases(session: Session, max_attempts: int) -> int:
    """Take jobs from workers that have been silent for longer than their lease."""
    connection = session.connection()
    expired = (
        select(JOBS.c.id)
        # Written out, because SQLite takes a partial index only where it reads its very condition.
        .where(JOBS.c.state == literal_column("'running'"), JOBS.c.lease_until < clock())
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    ids = list(connection.execute(expired).scalars())
    if not ids:
        return 0
    mine = JOBS.c.id.in_(ids) & (JOBS.c.state == "running")
    spent = func.coalesce(JOBS.c.max_attempts, max_attempts) <= JOBS.c.attempt
    let_go = {"lease_until": None, "worker": None, "eta_seconds": None}
    message = "Its worker fell silent or died before it was done."
    over = connection.execute(
        update(JOBS)
        .where(mine, spent | JOBS.c.cancel_requested)
        .values(
            state=case((JOBS.c.cancel_requested, "cancelled"), else_="dead"),
            error=message,
            error_kind=LOST,
            finished_at=clock(),
            fence=JOBS.c.fence + 1,
            cancel_requested=False,
            **let_go,
        )
        .returning(JOBS.c.id, JOBS.c.parent_id, JOBS.c.state)
    ).all()
    freed = connection.execute(
        update(JOBS)
        .where(mine)
        .values(
            state="queued",
            error=message,
            error_kind=LOST,
            virtual_start=HEAD_OF_LINE,
            fence=JOBS.c.fence + 1,
            **let_go,
        )
        .returning(JOBS.c.lane)
    ).all()
    for row in over:
        if row.state == "cancelled":
            cancel_tree(connection, row.id)
    count_done(connection, Counter(row.parent_id for row in over if row.parent_id is not None))
    for row in freed:
        promise(session, row.lane)
    session.info[NEWS] = True
    LEASE_LOSSES.inc(len(ids))
    log.warning("jobs.leases.expired", freed=len(freed), dead=len(over))
    return len(ids)


def wake_due(session: Session) -> int:
    """Put the jobs whose pause is over, or whose time has come, into the queue."""
    due = (
        select(JOBS.c.id)
        .where(JOBS.c.due_at <= clock(), JOBS.c.state.in_(("queued", "retrying")))
        .order_by(JOBS.c.due_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    ids = list(session.execute(due).scalars())
    if not ids:
        return 0
    wake = (
        update(JOBS)
        .where(JOBS.c.id.in_(ids), JOBS.c.due_at.is_not(None))
        .values(state="queued", due_at=None, virtual_start=HEAD_OF_LINE)
        .returning(JOBS.c.lane)
    )
    for row in session.execute(wake).all():
        promise(session, row.lane)
    return len(ids)


def resume_lanes(session: Session) -> None:
    for lane in end_pauses(session.connection()):
        promise(session, lane)
        log.info("jobs.lane.resumed", lane=lane)


def settle_parents(session: Session) -> None:
    """End parents whose last child ended while nobody could tell them."""
    found = list(session.execute(_COMPLETE.limit(BATCH).with_for_update(skip_locked=True)).scalars())
    if found:
        settle(session.connection(), found)
        session.info[NEWS] = True


def run_schedules(context: Context, handlers: Iterable[Handler]) -> int:
    """Submit the tasks that are due by the clock; each due time gives one job, however many workers look.

    A time that comes while the job of the last one is not over yet gives none.
    """
    ruled = {handler.contract.task: handler for handler in handlers if handler.rule is not None}
    if not ruled:
        return 0
    with context.database.read(SYSTEM) as session:
        at = system_clock(session)
        known = {row.task: row for row in session.execute(select(_SCHEDULES)).all()}
    due = [
        handler
        for task, handler in ruled.items()
        if task not in known or known[task].rule != handler.rule or _has_come(known[task].next_due, handler, at)
    ]
    if not due:
        return 0
    with context.database.write(SYSTEM) as session:
        return sum(_run_schedule(session, handler, at) for handler in due)


def _has_come(due: dt.datetime, handler: Handler, at: dt.datetime) -> bool:
    """Whether a due time has come, or lies further ahead than the rule says because the clock was set back since."""
    # Another worker may have looked at the clock a little later than we.
    return due <= at or due > due_times(handler.rule or "")(at + _LATER)


def _run_schedule(session: Session, handler: Handler, at: dt.datetime) -> bool:
    contract = handler.contract
    rule = handler.rule or ""
    following = due_times(rule)(at)
    mine = _SCHEDULES.c.task == contract.task
    row = session.execute(select(_SCHEDULES).where(mine).with_for_update()).one_or_none()
    if row is None or row.rule != rule:
        # A task that is new, or whose rule changed, begins with its next time.
        session.execute(delete(_SCHEDULES).where(mine))
        insert = postgres_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
        values = {"task": contract.task, "rule": rule, "next_due": following}
        session.execute(insert(_SCHEDULES).values(**values).on_conflict_do_nothing())
        return False
    if not _has_come(row.next_due, handler, at):
        return False
    if _is_unfinished(session, row.last_job_id):
        # Another beside it would do the same once more, or only wait behind it.
        session.execute(update(_SCHEDULES).where(mine).values(next_due=following))
        return False
    # The job before it tells apart two moments that a clock which was set back shows as one.
    key = f"schedule {row.next_due.isoformat()} {row.last_job_id}"
    # Times that passed while nobody worked are made up for by one run.
    job = submit(session, contract, contract.payload(), idempotency_key=key)
    session.execute(update(_SCHEDULES).where(mine).values(next_due=following, last_due=row.next_due, last_job_id=job))
    return True


def _is_unfinished(session: Session, job_id: UUID | None) -> bool:
    known = select(JOBS.c.id).where(JOBS.c.id == job_id, JOBS.c.finished_at.is_(None))
    return job_id is not None and session.execute(known).first() is not None


def prune_events(context: Context) -> int:
    """Forget events that nobody will resume from any more, but for the newest of them.

    That one stays as a mark: who has seen it, or anything after it, has missed nothing.
    """
    oldest = (
        select(_EVENTS.c.id, (_EVENTS.c.at < clock_after(-EVENT_HOURS * 3600)).label("is_old"))
        .order_by(_EVENTS.c.txid, _EVENTS.c.id)
        .limit(BATCH)
    )
    total = 0
    while True:
        with context.database.write(SYSTEM) as session:
            rows = session.execute(oldest).all()
            old = [row.id for row in rows if row.is_old]
            # All old, so there may be more; else the last of them is the mark.
            doomed = old if len(old) == BATCH else old[:-1]
            if len(doomed) > 1:
                session.execute(delete(_EVENTS).where(_EVENTS.c.id.in_(doomed[:-1] if doomed is old else doomed)))
        total += len(doomed)
        if len(old) < BATCH:
            return total
