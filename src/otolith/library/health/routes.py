"""The health of the library over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from otolith.accounts.workspaces.service import usual_workspace
from otolith.core.errors import Conflict, NotAllowed, NotFound, NotSignedIn, responses
from otolith.core.http import Ctx, CurrentActor, Reading, Writing
from otolith.core.paging import DEFAULT_LIMIT, BadCursor, Cursor, Limit, Page
from otolith.library.health import purging, service
from otolith.library.health.kinds import Field, Kind
from otolith.library.health.schemas import (
    CheckRequest,
    CheckStarted,
    HealthFinding,
    HealthSummary,
    PurgedMissing,
    PurgeMissing,
)

router = APIRouter(tags=["library"])

Workspace = Annotated[UUID | None, Query(description="Only this workspace's.")]


@router.get("/library/health", responses=responses(NotSignedIn), operation_id="library_health")
def library_health(session: Reading, context: Ctx, actor: CurrentActor, workspace: Workspace = None) -> HealthSummary:
    """What is wrong with the library: how often each kind of finding occurs, what it means and what to do."""
    return service.summary(session, context, actor, workspace)


@router.get(
    "/library/health/{kind}", responses=responses(BadCursor, NotSignedIn), operation_id="library_health_findings"
)
def library_health_findings(
    kind: Kind,
    session: Reading,
    context: Ctx,
    actor: CurrentActor,
    field: Annotated[Field | None, Query(description="Of missing tags, only those who lack this one.")] = None,
    workspace: Workspace = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Page[HealthFinding]:
    """A page of the findings of one kind, each with its tracks, the reason and what to do."""
    return service.findings(
        session, context, actor, kind, field=field, workspace_id=workspace, cursor=cursor, limit=limit
    )


@router.post(
    "/library/check",
    status_code=202,
    responses=responses(NotSignedIn, NotAllowed, NotFound),
    operation_id="check_library",
)
def check_library(session: Writing, actor: CurrentActor, request: CheckRequest | None = None) -> CheckStarted:
    """Compare the recordings of a library with each other now; without being asked it happens every ten minutes."""
    workspace = (request.workspace if request else None) or usual_workspace(session, actor)
    return CheckStarted(job_id=service.start_check(session, actor, workspace))


@router.post(
    "/library/missing/purge",
    responses=responses(NotSignedIn, NotAllowed, NotFound, Conflict),
    operation_id="purge_missing",
)
def purge_missing(session: Writing, actor: CurrentActor, request: PurgeMissing | None = None) -> PurgedMissing:
    """Remove the tracks whose files are gone, for good, with their plays and ratings; at most 2,000 a call."""
    asked = request or PurgeMissing()
    workspace = asked.workspace or usual_workspace(session, actor)
    if asked.dry_run:
        return purging.missing(session, actor, workspace)
    return purging.purge_missing(session, actor, workspace, asked.expected)
