"""Jobs over HTTP: what they are, and the two things one can do about them."""

import datetime as dt
from collections.abc import Iterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from sqlalchemy.orm import Session

from otolith.core.db import now
from otolith.core.errors import NotAllowed, NotSignedIn, responses
from otolith.core.http import Ctx, CurrentActor
from otolith.core.paging import DEFAULT_LIMIT, BadCursor, Cursor, Limit, Page
from otolith.jobs import service
from otolith.jobs.contracts import Lane
from otolith.jobs.outcomes import JobNotFound, JobStateConflict
from otolith.jobs.schemas import JobDetail, JobOut, LaneOut, PurgeAnswer, PurgeRequest, State
from otolith.jobs.streams import router as streams

router = APIRouter(tags=["jobs"])


def _reading(context: Ctx, actor: CurrentActor) -> Iterator[Session]:
    with context.database.read(service.acting(actor)) as session:
        yield session


def _writing(context: Ctx, actor: CurrentActor) -> Iterator[Session]:
    with context.database.write(service.acting(actor)) as session:
        yield session


JobReading = Annotated[Session, Depends(_reading, scope="function")]
JobWriting = Annotated[Session, Depends(_writing, scope="function")]


@router.get("/jobs", summary="List jobs", responses=responses(BadCursor, NotSignedIn))
def list_jobs(
    session: JobReading,
    actor: CurrentActor,
    state: Annotated[list[State] | None, Query(description="Only jobs in these states; may be repeated.")] = None,
    lane: Annotated[Lane | None, Query(description="Only jobs of this lane.")] = None,
    task: Annotated[str | None, Query(description="Only jobs of this task.", max_length=100)] = None,
    workspace: Annotated[UUID | None, Query(description="Only this workspace's jobs.")] = None,
    parent: Annotated[UUID | None, Query(description="Only the children of this job.")] = None,
    roots: Annotated[bool, Query(description="Only jobs without a parent.")] = False,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Page[JobOut]:
    """The jobs that you may see, newest first."""
    page = service.list_jobs(
        session,
        actor,
        states=state,
        lane=lane,
        task=task,
        workspace=workspace,
        parent=parent,
        roots_only=roots,
        cursor=cursor,
        limit=limit,
    )
    return Page[JobOut](items=[JobOut.of(job, actor) for job in page.items], next=page.next, total=page.total)


@router.get("/jobs/lanes", summary="The lanes", responses=responses(NotSignedIn, NotAllowed))
def list_lanes(context: Ctx, actor: CurrentActor) -> list[LaneOut]:
    """What stands in each queue of the whole server, and which are paused and why; for administrators."""
    return service.lanes(context.database, actor)


@router.post("/jobs/purge", summary="Forget finished jobs", responses=responses(NotSignedIn, NotAllowed))
def purge_jobs(context: Ctx, actor: CurrentActor, request: PurgeRequest) -> PurgeAnswer:
    """Forget finished jobs for good, with their children; for administrators, among the jobs that they see."""
    service.must_administrate(actor)
    before = now() - dt.timedelta(days=request.older_than_days)
    count = service.purge(context.database, actor, states=request.states, finished_before=before)
    return PurgeAnswer(purged=count)


# Its fixed paths come before the path of one job, which would take them for ids.
router.include_router(streams)


@router.get("/jobs/{job_id}", summary="One job", responses=responses(NotSignedIn, JobNotFound))
def get_job(session: JobReading, actor: CurrentActor, job_id: UUID) -> JobDetail:
    """What is known of one job."""
    return JobDetail.of(service.get_job(session, actor, job_id), actor)


_CONTROL = responses(NotSignedIn, NotAllowed, JobNotFound, JobStateConflict)


@router.post("/jobs/{job_id}/retry", summary="Retry a job", responses=_CONTROL)
def retry_job(session: JobWriting, actor: CurrentActor, job_id: UUID) -> JobDetail:
    """Give a job that is dead, cancelled or waiting for its next attempt a new chance at once."""
    return JobDetail.of(service.retry(session, actor, job_id), actor)


@router.post("/jobs/{job_id}/cancel", summary="Cancel a job", responses=_CONTROL)
def cancel_job(session: JobWriting, actor: CurrentActor, job_id: UUID) -> JobDetail:
    """Cancel a job and its children. What has not begun ends at once; what runs ends when it notices."""
    return JobDetail.of(service.cancel(session, actor, job_id), actor)
