"""The tables of the ledger: jobs, the events of the live feed, paused lanes, schedules and workers."""

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Float,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Text,
    Uuid,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from otolith.core.db import Base, UtcDateTime
from otolith.core.ids import new_id

STATES = ("queued", "running", "waiting", "retrying", "succeeded", "dead", "cancelled")
# A job in one of these will not move by itself any more.
TERMINAL = ("succeeded", "dead", "cancelled")
UNFINISHED = ("queued", "running", "waiting", "retrying")

# JSON, not JSONB: text comes back as it was given, escapes of broken file names included.
_Json = JSON(none_as_null=True)
_BigId = BigInteger().with_variant(Integer, "sqlite")


def _partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    condition = text(where)
    return Index(name, *columns, unique=unique, postgresql_where=condition, sqlite_where=condition)


class Job(Base):
    """One unit of durable background work.

    `queued` jobs with a `due_at` sleep until then. `waiting` jobs have done their own part and wait for their
    children. Only the holder of the present `fence` may write what a run brings forth.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint("state IN ('" + "', '".join(STATES) + "')", name="state"),
        # The claim reads the first entry of one range of this index, however many jobs are queued.
        _partial(
            "ix_jobs_claim", "lane", "priority", "virtual_start", "id", where="state = 'queued' AND due_at IS NULL"
        ),
        # What gives a new job its virtual start: the last one of the same user.
        _partial(
            "ix_jobs_flow",
            "lane",
            "priority",
            "flow_id",
            "virtual_start",
            where="state = 'queued' AND due_at IS NULL",
        ),
        _partial("ix_jobs_due", "due_at", where="due_at IS NOT NULL"),
        _partial("ix_jobs_lease", "lease_until", where="state = 'running'"),
        # No column that changes while a job lives: every index that a change touches makes all jobs slower.
        _partial("ix_jobs_unfinished", "workspace_id", where="finished_at IS NULL"),
        _partial("ix_jobs_root", "root_id", where="finished_at IS NULL"),
        _partial("ix_jobs_finished_at", "finished_at", where="finished_at IS NOT NULL"),
        Index("ix_jobs_parent_id", "parent_id"),
        Index("ix_jobs_workspace_id_id", "workspace_id", "id"),
        _partial(
            "uq_jobs_key",
            "workspace_id",
            "task",
            "idempotency_key",
            where="idempotency_key IS NOT NULL AND workspace_id IS NOT NULL",
            unique=True,
        ),
        _partial(
            "uq_jobs_system_key",
            "task",
            "idempotency_key",
            where="idempotency_key IS NOT NULL AND workspace_id IS NULL",
            unique=True,
        ),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    # The job that all of a fan-out descends from; a job without a parent is its own root.
    root_id: Mapped[UUID] = mapped_column(Uuid)
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), default=None)
    workspace_id: Mapped[UUID | None] = mapped_column(Uuid, default=None)
    user_id: Mapped[UUID | None] = mapped_column(Uuid, default=None)
    # Whose turn the job counts as: the user's, else the workspace's, else the system's.
    flow_id: Mapped[UUID] = mapped_column(Uuid)

    task: Mapped[str] = mapped_column(String(100))
    version: Mapped[int] = mapped_column(Integer)
    payload: Mapped[dict[str, Any]] = mapped_column(_Json)
    lane: Mapped[str] = mapped_column(String(20))
    priority: Mapped[int] = mapped_column(SmallInteger)
    virtual_start: Mapped[int] = mapped_column(BigInteger)
    idempotency_key: Mapped[str | None] = mapped_column(String(200), default=None)
    # The span of whoever submitted it, after W3C Trace Context; what the job does becomes a part of that trace.
    trace_parent: Mapped[str | None] = mapped_column(String(55), default=None)

    state: Mapped[str] = mapped_column(String(12))
    due_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime, default=None)
    attempt: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    max_attempts: Mapped[int | None] = mapped_column(Integer, default=None)
    fence: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    lease_until: Mapped[dt.datetime | None] = mapped_column(UtcDateTime, default=None)
    worker: Mapped[str | None] = mapped_column(String(200), default=None)
    cancel_requested: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())

    checkpoint: Mapped[dict[str, Any] | None] = mapped_column(_Json, default=None)
    result: Mapped[dict[str, Any] | None] = mapped_column(_Json, default=None)
    error: Mapped[str | None] = mapped_column(Text, default=None)
    error_kind: Mapped[str | None] = mapped_column(String(100), default=None)

    progress_done: Mapped[int | None] = mapped_column(BigInteger, default=None)
    progress_total: Mapped[int | None] = mapped_column(BigInteger, default=None)
    note: Mapped[str | None] = mapped_column(String(300), default=None)
    eta_seconds: Mapped[float | None] = mapped_column(Float, default=None)
    children: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    children_done: Mapped[int] = mapped_column(Integer, default=0, server_default="0")

    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime, default=None)
    # When the feed last heard of progress, which keeps it to two events a second.
    told_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime, default=None)
    finished_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime, default=None)


class JobEvent(Base):
    """One change of a job's state or progress, written by a trigger on `jobs` so that no writer can forget it.

    `txid` is PostgreSQL's id of the writing transaction (0 on SQLite, where ids are committed in order).
    """

    __tablename__ = "job_events"
    __table_args__ = (
        Index("ix_job_events_txid_id", "txid", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(_BigId, primary_key=True, autoincrement=True)
    txid: Mapped[int] = mapped_column(BigInteger)
    job_id: Mapped[UUID] = mapped_column(Uuid)
    parent_id: Mapped[UUID | None] = mapped_column(Uuid)
    workspace_id: Mapped[UUID | None] = mapped_column(Uuid)
    task: Mapped[str] = mapped_column(String(100))
    lane: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(12))
    progress_done: Mapped[int | None] = mapped_column(BigInteger)
    progress_total: Mapped[int | None] = mapped_column(BigInteger)
    eta_seconds: Mapped[float | None] = mapped_column(Float)
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class LanePause(Base):
    """A lane that nothing is claimed from for a while, and why."""

    __tablename__ = "job_lane_pauses"

    lane: Mapped[str] = mapped_column(String(20), primary_key=True)
    until: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(Text)


class JobSchedule(Base):
    """When a task that runs by the clock is due next."""

    __tablename__ = "job_schedules"

    task: Mapped[str] = mapped_column(String(100), primary_key=True)
    rule: Mapped[str] = mapped_column(String(100))
    next_due: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    last_due: Mapped[dt.datetime | None] = mapped_column(UtcDateTime, default=None)
    last_job_id: Mapped[UUID | None] = mapped_column(Uuid, default=None)


class Worker(Base):
    """A worker process that is, or was, alive."""

    __tablename__ = "job_workers"

    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    host: Mapped[str] = mapped_column(String(200))
    pid: Mapped[int] = mapped_column(Integer)
    lanes: Mapped[list[str]] = mapped_column(JSON)
    concurrency: Mapped[int] = mapped_column(Integer)
    version: Mapped[str] = mapped_column(String(40))
    started_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class SweepTurn(Base):
    """When the ledger was last swept, so that of all workers one does it each time."""

    __tablename__ = "job_sweeps"

    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    next_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
