"""Jobs as the API shows them."""

import datetime as dt
from typing import Any, Literal, cast
from uuid import UUID

from pydantic import BaseModel, Field

from otolith.core.actor import ANONYMOUS, Actor
from otolith.jobs.contracts import PRIORITIES, Lane, Priority
from otolith.jobs.feed import Event
from otolith.jobs.models import Job
from otolith.jobs.telling import error_told, told

State = Literal["queued", "running", "waiting", "retrying", "succeeded", "dead", "cancelled"]


class ProgressOut(BaseModel):
    """How far a job is."""

    done: int | None = Field(description="Steps done; null before the job has told any.")
    total: int | None = Field(description="Steps in all; null where that is not known.")
    note: str | None = Field(default=None, description="What it is doing, or why it waits.")
    eta_seconds: float | None = Field(description="Seconds left, as far as the speed up to now tells.")


class ErrorOut(BaseModel):
    """Why the last run of a job did not succeed."""

    kind: str | None = Field(description="The kind of error.")
    detail: str = Field(description="What went wrong.")


class JobOut(BaseModel):
    """One unit of background work."""

    id: UUID = Field(description="The job's id, which the seeds call `task_id`.")
    root_id: UUID = Field(description="The job that this one descends from; its own id for a job without a parent.")
    parent_id: UUID | None = Field(description="The job that waits for this one.")
    workspace_id: UUID | None = Field(description="Whose work it is; null for the system's own.")
    user_id: UUID | None = Field(description="Who asked for it.")
    task: str = Field(description="What is to be done, such as `library.scan`.")
    version: int = Field(description="Version of the task's payload.")
    lane: Lane = Field(description="The queue it stands in.")
    priority: Priority = Field(description="How urgent it is within its lane.")
    state: State = Field(description="Where it stands; `waiting` is for its children, `dead` for its dead letters.")
    attempt: int = Field(description="How many times it was begun.")
    max_attempts: int | None = Field(description="How many times it may be begun; null: as the settings say.")
    cancel_requested: bool = Field(description="Whether it has been asked to end.")
    progress: ProgressOut = Field(description="How far it is.")
    children: int = Field(description="Jobs that it waits for, or waited for.")
    children_done: int = Field(description="How many of those have ended.")
    error: ErrorOut | None = Field(description="Why the last run did not succeed.")
    result: dict[str, Any] | None = Field(description="What it brought forth.")
    worker: str | None = Field(description="The worker that runs it now.")
    created_at: dt.datetime = Field(description="When it was asked for.")
    started_at: dt.datetime | None = Field(description="When its last run began.")
    due_at: dt.datetime | None = Field(description="When it will be tried again, or for the first time.")
    finished_at: dt.datetime | None = Field(description="When it ended.")

    @classmethod
    def of(cls, job: Job, actor: Actor) -> "JobOut":
        return cls(**_fields(job, actor))


class JobDetail(JobOut):
    """One unit of background work, with what it was asked to do."""

    payload: dict[str, Any] = Field(description="What it was asked to do, as its contract says.")

    @classmethod
    def of(cls, job: Job, actor: Actor) -> "JobDetail":
        return cls(**_fields(job, actor), payload=told(job.payload, actor))


_PLAIN = (
    "id", "root_id", "parent_id", "workspace_id", "user_id", "task", "version", "attempt", "max_attempts",
    "cancel_requested", "children", "children_done", "worker", "created_at", "started_at", "due_at",
    "finished_at",
)  # fmt: skip


def _fields(job: Job, actor: Actor) -> dict[str, Any]:
    detail = error_told(job, actor)
    error = None if detail is None else ErrorOut(kind=job.error_kind, detail=detail)
    note = told(job.note, actor)
    progress = ProgressOut(done=job.progress_done, total=job.progress_total, note=note, eta_seconds=job.eta_seconds)
    return {name: getattr(job, name) for name in _PLAIN} | {
        "result": told(job.result, actor),
        "lane": cast("Lane", job.lane),
        "priority": PRIORITIES[job.priority],
        "state": cast("State", job.state),
        "progress": progress,
        "error": error,
    }


class PurgeRequest(BaseModel):
    """Which finished jobs to forget."""

    states: list[Literal["succeeded", "dead", "cancelled"]] = Field(
        default=["dead", "cancelled"], description="The states of those to forget."
    )
    older_than_days: float = Field(
        default=0, ge=0, le=36_500, description="Only those that ended longer ago than this."
    )


class PurgeAnswer(BaseModel):
    """What was forgotten."""

    purged: int = Field(description="How many jobs were forgotten, not counting their children.")


class EventOut(BaseModel):
    """A change of a job; whoever wants to know more fetches the job."""

    id: UUID = Field(description="The job's id.")
    parent_id: UUID | None = Field(description="The job that waits for this one.")
    task: str = Field(description="What the job does.")
    lane: str = Field(description="The queue it stands in.")
    state: State = Field(description="Where it stands now.")
    progress: ProgressOut = Field(description="How far it is.")
    at: dt.datetime = Field(description="When it changed.")

    @classmethod
    def of(cls, event: Event) -> "EventOut":
        progress = ProgressOut(done=event.progress_done, total=event.progress_total, eta_seconds=event.eta_seconds)
        return cls(
            id=event.job_id,
            parent_id=event.parent_id,
            task=event.task,
            lane=event.lane,
            state=cast("State", event.state),
            progress=progress,
            at=event.at,
        )

    @classmethod
    def of_job(cls, job: Job, at: dt.datetime) -> "EventOut":
        # An event is the same for everybody, so it names no path of the server's machine.
        shown = JobOut.of(job, ANONYMOUS)
        return cls(
            id=job.id, parent_id=job.parent_id, task=job.task, lane=job.lane, state=shown.state,
            progress=shown.progress, at=at,
        )  # fmt: skip


class LaneOut(BaseModel):
    """One queue and what stands in it."""

    lane: Lane = Field(description="The queue.")
    jobs: dict[str, int] = Field(description="Unfinished jobs by state.")
    oldest_seconds: float | None = Field(description="How long ago the oldest unfinished job was asked for.")
    paused_until: dt.datetime | None = Field(description="Until when nothing is begun in this queue.")
    paused_reason: str | None = Field(description="Why it is paused.")
