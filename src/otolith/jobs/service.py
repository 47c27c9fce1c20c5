"""The ledger as other slices see it."""

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from otolith.core import paging
from otolith.core.actor import SYSTEM, Actor
from otolith.core.db import Database
from otolith.core.errors import NotAllowed
from otolith.jobs import ledger, queries
from otolith.jobs.bells import Ringer, connect_bells
from otolith.jobs.contracts import LANES, PRIORITIES, Contract, Handler, Handlers, Lane, Priority, handles
from otolith.jobs.inline import Progress, follow, run_inline
from otolith.jobs.models import STATES, TERMINAL, UNFINISHED, Job, Worker
from otolith.jobs.outcomes import (
    Draining,
    Interrupted,
    JobCancelled,
    JobNotFound,
    JobStateConflict,
    LeaseLost,
    PauseLane,
    Postponed,
    RetryLater,
    TimeIsUp,
)
from otolith.jobs.queries import Filter
from otolith.jobs.rights import tell_rights_changed
from otolith.jobs.running import Run
from otolith.jobs.schemas import LaneOut
from otolith.jobs.submitting import NEWS, promise, submit, submit_many
from otolith.jobs.workers import live_workers, probe

__all__ = [
    "LANES",
    "PRIORITIES",
    "STATES",
    "TERMINAL",
    "UNFINISHED",
    "Contract",
    "Draining",
    "Filter",
    "Handler",
    "Handlers",
    "Interrupted",
    "JobCancelled",
    "JobNotFound",
    "JobPage",
    "JobStateConflict",
    "Lane",
    "LeaseLost",
    "PauseLane",
    "Postponed",
    "Priority",
    "Progress",
    "RetryLater",
    "Ringer",
    "Run",
    "TimeIsUp",
    "Worker",
    "acting",
    "cancel",
    "cancel_all",
    "connect_bells",
    "follow",
    "get_job",
    "handles",
    "hold",
    "lanes",
    "list_jobs",
    "live_workers",
    "may_control",
    "must_administrate",
    "probe",
    "purge",
    "release",
    "retry",
    "run_inline",
    "submit",
    "submit_many",
    "tell_rights_changed",
]

_PURGE_BATCH = 200


@dataclass(frozen=True, slots=True)
class JobPage:
    """One page of jobs, with the cursor of the next page and the length of the whole list."""

    items: list[Job]
    next: str | None
    total: int


def acting(actor: Actor) -> Actor:
    """In whose name to open a transaction on the ledger.

    Administrators see the jobs of the system, which the row policies show to the system alone; the conditions of
    `queries` keep everything else from them that they may not see.
    """
    return SYSTEM if actor.is_admin else actor


def list_jobs(
    session: Session,
    actor: Actor,
    *,
    states: Collection[str] | None = None,
    lane: str | None = None,
    task: str | None = None,
    workspace: UUID | None = None,
    parent: UUID | None = None,
    roots_only: bool = False,
    routine: bool = True,
    cursor: str | None = None,
    limit: int = paging.DEFAULT_LIMIT,
) -> JobPage:
    """The jobs that the caller may see, newest first, and how many there are in all."""
    wanted = Filter(states or (), lane, task, workspace, parent, roots_only, routine)
    rows = queries.list_jobs(session, actor, wanted, _position(cursor), limit + 1)
    items, following = paging.cut(rows, limit, lambda job: (str(job.id),))
    total = queries.count_jobs(session, actor, wanted)
    return JobPage(items, following, total)


def _position(cursor: str | None) -> UUID | None:
    if cursor is None:
        return None
    try:
        return UUID(str(paging.decode(cursor, 1)[0]))
    except ValueError as error:
        raise paging.BadCursor from error


def get_job(session: Session, actor: Actor, job_id: UUID) -> Job:
    job = queries.get_job(session, actor, job_id)
    if job is None:
        raise JobNotFound
    return job


def may_control(actor: Actor, job: Job) -> bool:
    """Whether the caller may retry and cancel the job."""
    return actor.is_admin if job.workspace_id is None else actor.may_edit(job.workspace_id)


def _controlled(session: Session, actor: Actor, job_id: UUID) -> Job:
    job = get_job(session, actor, job_id)
    if not may_control(actor, job):
        detail = "Only owners and editors of its workspace may retry or cancel a job."
        raise NotAllowed(detail)
    return job


def retry(session: Session, actor: Actor, job_id: UUID) -> Job:
    """Give a job that ended badly, or waits for its next attempt, a new chance at once."""
    job = _controlled(session, actor, job_id)
    asleep = job.state in ("queued", "retrying") and job.due_at is not None
    if job.state not in ("dead", "cancelled") and not asleep:
        detail = f"This job is {job.state}; only dead, cancelled and sleeping jobs can be retried."
        raise JobStateConflict(detail)
    for lane in ledger.requeue(session.connection(), job.id):
        promise(session, lane)
    return get_job(session, actor, job_id)


def cancel(session: Session, actor: Actor, job_id: UUID) -> Job:
    """Cancel a job and its children: at once what has not begun, and what runs at its next heartbeat."""
    job = _controlled(session, actor, job_id)
    if job.state in ("succeeded", "dead"):
        detail = f"This job is {job.state}, so there is nothing to cancel."
        raise JobStateConflict(detail)
    ledger.cancel_tree(session.connection(), job.id)
    session.info[NEWS] = True
    return get_job(session, actor, job_id)


def cancel_all(session: Session, workspace_id: UUID) -> int:
    """Cancel everything of a workspace that is not over, as when it is deleted; how many jobs there were."""
    roots = queries.unfinished_roots(session, workspace_id)
    for root in roots:
        ledger.cancel_tree(session.connection(), root)
    session.info[NEWS] = True
    return len(roots)


def hold(session: Session, actor: Actor, job_id: UUID) -> None:
    """Begin nothing more of this job and its children until `release`; stopping what runs is for its handler."""
    job = _controlled(session, actor, job_id)
    if job.state in TERMINAL:
        raise JobStateConflict(f"This job is {job.state}, so there is nothing to hold.")
    ledger.hold(session.connection(), job.root_id)
    session.info[NEWS] = True


def release(session: Session, actor: Actor, job_id: UUID) -> None:
    """Let a job and its children go on that were held."""
    job = _controlled(session, actor, job_id)
    for lane in ledger.release(session.connection(), job.root_id):
        promise(session, lane)


def purge(
    database: Database,
    actor: Actor,
    *,
    states: Iterable[str] = ("dead", "cancelled"),
    finished_before: dt.datetime | None = None,
    routine_only: bool = False,
) -> int:
    """Forget finished jobs for good, with their children; how many trees of jobs were forgotten.

    With `routine_only` those alone that the system did by the clock and that went well.
    """
    wanted = [state for state in states if state in TERMINAL]
    total = 0
    while True:
        with database.write(acting(actor)) as session:
            count = queries.purge(session, actor, wanted, finished_before, _PURGE_BATCH, routine_only=routine_only)
        total += count
        if count < _PURGE_BATCH:
            return total


def must_administrate(actor: Actor) -> None:
    if not actor.is_admin:
        detail = "Only administrators may do this."
        raise NotAllowed(detail)


def lanes(database: Database, actor: Actor) -> list[LaneOut]:
    """Every lane with what stands in it."""
    must_administrate(actor)
    with database.read(SYSTEM) as session:
        depths, at = queries.depths(session)
        paused = {pause.lane: pause for pause in queries.pauses(session)}
    found = []
    for lane in LANES:
        mine = [depth for depth in depths if depth.lane == lane]
        oldest = min((depth.oldest for depth in mine), default=None)
        pause = paused.get(lane)
        found.append(
            LaneOut(
                lane=lane,
                jobs={depth.state: depth.count for depth in mine},
                oldest_seconds=None if oldest is None else max(0.0, (at - oldest).total_seconds()),
                paused_until=pause.until if pause else None,
                paused_reason=pause.reason if pause else None,
            )
        )
    return found
