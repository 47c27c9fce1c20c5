"""What is read of the ledger for people: lists, single jobs, and the state of the lanes."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Table, and_, delete, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from otolith.core.actor import Actor, visible_to
from otolith.jobs.clauses import clock
from otolith.jobs.models import Job, LanePause

_JOBS: Table = Job.__table__  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which jobs of those visible are meant; an empty part means all."""

    states: Collection[str] = ()
    lane: str | None = None
    task: str | None = None
    workspace: UUID | None = None
    parent: UUID | None = None
    roots_only: bool = False
    # Whether what the system does by the clock is shown as well where it went well.
    routine: bool = True


# What the system does by the clock, and nobody asked for.
_ROUTINE = and_(Job.workspace_id.is_(None), Job.user_id.is_(None), Job.state == "succeeded")


def visible(actor: Actor) -> ColumnElement[bool]:
    """The jobs that the caller may see; those of the system are for administrators."""
    own = visible_to(actor, Job.workspace_id)
    return or_(own, Job.workspace_id.is_(None)) if actor.is_admin else own


def _chosen(actor: Actor, wanted: Filter) -> list[ColumnElement[bool]]:
    conditions = [visible(actor)]
    if wanted.states:
        conditions.append(Job.state.in_(list(wanted.states)))
    for column, value in (
        (Job.lane, wanted.lane),
        (Job.task, wanted.task),
        (Job.workspace_id, wanted.workspace),
        (Job.parent_id, wanted.parent),
    ):
        if value is not None:
            conditions.append(column == value)
    if wanted.roots_only:
        conditions.append(Job.parent_id.is_(None))
    if not wanted.routine:
        conditions.append(~_ROUTINE)
    return conditions


def list_jobs(session: Session, actor: Actor, wanted: Filter, before: UUID | None, limit: int) -> list[Job]:
    """The newest jobs first, from the one after `before` on."""
    query: Select[tuple[Job]] = select(Job).where(*_chosen(actor, wanted)).order_by(Job.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Job.id < before)
    return list(session.execute(query).scalars())


def count_jobs(session: Session, actor: Actor, wanted: Filter) -> int:
    return session.execute(select(func.count()).select_from(Job).where(*_chosen(actor, wanted))).scalar_one()


def get_job(session: Session, actor: Actor, job_id: UUID) -> Job | None:
    """One job as it is now, even if this session has seen it before."""
    query = select(Job).where(Job.id == job_id, visible(actor)).execution_options(populate_existing=True)
    return session.execute(query).scalar_one_or_none()


def unfinished_roots(session: Session, workspace_id: UUID) -> list[UUID]:
    """The jobs of a workspace that are not over and have no parent."""
    mine = (Job.workspace_id == workspace_id, Job.finished_at.is_(None), Job.parent_id.is_(None))
    return list(session.execute(select(Job.id).where(*mine)).scalars())


def count_of_tree(session: Session, root: UUID) -> dict[str, int]:
    """How many jobs of a fan-out are in each state, its root included."""
    rows = session.execute(select(Job.state, func.count()).where(Job.root_id == root).group_by(Job.state))
    return dict(rows.tuples().all())


def purge(
    session: Session,
    actor: Actor,
    states: Collection[str],
    finished_before: dt.datetime | None,
    limit: int,
    *,
    routine_only: bool = False,
) -> int:
    """Delete up to `limit` finished trees of jobs whose root is in one of these states."""
    roots = select(Job.id).where(visible(actor), Job.parent_id.is_(None), Job.state.in_(list(states)))
    if routine_only:
        roots = roots.where(_ROUTINE)
    # What failed by itself may have children that still work.
    child = aliased(Job)
    at_work = exists().where(child.root_id == Job.id, child.finished_at.is_(None))
    roots = roots.where(Job.finished_at.is_not(None), ~at_work)
    if finished_before is not None:
        roots = roots.where(Job.finished_at < finished_before)
    ids = list(session.execute(roots.order_by(Job.finished_at).limit(limit)).scalars())
    if ids:
        # Children go with their parents by the foreign key.
        session.execute(delete(_JOBS).where(_JOBS.c.id.in_(ids)))
    return len(ids)


@dataclass(frozen=True, slots=True)
class Depth:
    """How many jobs of a lane are in a state, and how long the oldest of them has been there or waited."""

    lane: str
    state: str
    count: int
    oldest: dt.datetime


def depths(session: Session) -> tuple[list[Depth], dt.datetime]:
    """The unfinished jobs by lane and state, with the database's time to reckon ages by."""
    query = (
        select(Job.lane, Job.state, func.count(), func.min(Job.created_at))
        .where(Job.finished_at.is_(None))
        .group_by(Job.lane, Job.state)
    )
    found = [Depth(*row) for row in session.execute(query).tuples()]
    return found, session.execute(select(clock())).scalar_one()


def pauses(session: Session) -> list[LanePause]:
    return list(session.execute(select(LanePause).where(LanePause.until > clock())).scalars())
