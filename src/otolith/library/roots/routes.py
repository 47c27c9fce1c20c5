"""Scans and the folders of a library over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from otolith.accounts.workspaces.service import usual_workspace
from otolith.core.errors import BadRequest, Conflict, NotAllowed, NotFound, NotSignedIn, responses
from otolith.core.http import Ctx, CurrentActor, Reading, Writing
from otolith.core.paging import DEFAULT_LIMIT, Cursor, Limit, Page
from otolith.library.roots import scans, service
from otolith.library.roots.schemas import (
    RootAdded,
    RootChange,
    RootOut,
    RootRemoved,
    RootRequest,
    ScanAllRequest,
    ScanItem,
    ScanReport,
    ScanRequest,
    ScansStarted,
    ScanStarted,
)

router = APIRouter(tags=["library"])

_LISTS = responses(BadRequest, NotSignedIn)
_MISSING = responses(NotSignedIn, NotFound)
_CONTROL = responses(NotSignedIn, NotAllowed, NotFound, Conflict)
Workspace = Annotated[UUID | None, Query(description="Only this workspace's.")]


@router.post("/scans", status_code=202, responses=responses(BadRequest, NotSignedIn, NotAllowed), operation_id="scan")
def start_scan(request: ScanRequest, session: Writing, context: Ctx, actor: CurrentActor) -> ScanStarted:
    """Scan a folder of the server's machine: new files are added, changed ones updated, moved ones recognised."""
    workspace = request.workspace or usual_workspace(session, actor)
    return scans.start_scan(session, context, actor, request.path, workspace)


@router.get("/scans", responses=_LISTS, operation_id="list_scans")
def list_scans(
    session: Reading,
    actor: CurrentActor,
    workspace: Workspace = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Page[ScanItem]:
    """A page of scans with their phases, newest first."""
    return scans.list_scans(session, actor, workspace_id=workspace, cursor=cursor, limit=limit)


@router.get("/scans/{scan_id}", responses=_MISSING, operation_id="scan_report")
def scan_report(
    scan_id: UUID,
    session: Reading,
    actor: CurrentActor,
    listed: Annotated[
        int, Query(ge=0, le=scans.LISTED, description="How many files to name that could not be taken in.")
    ] = scans.LISTED,
) -> ScanReport:
    """What a scan has found so far, how far each of its phases is, and whether it still runs."""
    return scans.scan_report(session, actor, scan_id, listed)


@router.post("/scans/{scan_id}/pause", responses=_CONTROL, operation_id="pause_scan")
def pause_scan(scan_id: UUID, session: Writing, actor: CurrentActor) -> ScanItem:
    """Let a scan rest: what is being read just now is finished, and nothing more begins until it is resumed."""
    return scans.pause_scan(session, actor, scan_id)


@router.post("/scans/{scan_id}/resume", responses=_CONTROL, operation_id="resume_scan")
def resume_scan(scan_id: UUID, session: Writing, actor: CurrentActor) -> ScanItem:
    """Let a paused scan go on where it was."""
    return scans.resume_scan(session, actor, scan_id)


@router.post("/scans/{scan_id}/cancel", responses=_CONTROL, operation_id="cancel_scan")
def cancel_scan(scan_id: UUID, session: Writing, actor: CurrentActor) -> ScanItem:
    """End a scan; what it has stored stays."""
    return scans.cancel_scan(session, actor, scan_id)


@router.post("/scan", status_code=202, responses=_CONTROL, operation_id="scan_roots")
def scan_roots(
    session: Writing, context: Ctx, actor: CurrentActor, request: ScanAllRequest | None = None
) -> ScansStarted:
    """Scan the folders of the library again: all that you may change, those of one workspace, or one."""
    wish = request or ScanAllRequest()
    started = service.scan_roots(session, context, actor, workspace_id=wish.workspace, root_id=wish.root)
    return ScansStarted(items=started)


@router.get("/roots", responses=_LISTS, operation_id="list_roots")
def list_roots(
    session: Reading,
    actor: CurrentActor,
    workspace: Workspace = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Page[RootOut]:
    """The folders that libraries are made of."""
    return service.list_roots(session, actor, workspace_id=workspace, cursor=cursor, limit=limit)


@router.post(
    "/roots",
    status_code=201,
    responses=responses(BadRequest, NotSignedIn, NotAllowed, Conflict),
    operation_id="add_root",
)
def add_root(request: RootRequest, session: Writing, context: Ctx, actor: CurrentActor) -> RootAdded:
    """Make a folder of the server's machine a part of a library: scanned now, by the clock, and as it changes."""
    workspace = request.workspace or usual_workspace(session, actor)
    return service.add_root(session, context, actor, request, workspace)


@router.get("/roots/{root_id}", responses=_MISSING, operation_id="get_root")
def get_root(root_id: UUID, session: Reading, actor: CurrentActor) -> RootOut:
    """One folder of a library."""
    return service.get_root(session, actor, root_id)


@router.patch("/roots/{root_id}", responses=responses(NotSignedIn, NotAllowed, NotFound), operation_id="change_root")
def change_root(root_id: UUID, request: RootChange, session: Writing, actor: CurrentActor) -> RootOut:
    """Rename a folder, or change when it is looked at."""
    return service.change_root(session, actor, root_id, request.model_dump(exclude_unset=True))


@router.delete("/roots/{root_id}", responses=responses(NotSignedIn, NotAllowed, NotFound), operation_id="remove_root")
def remove_root(
    root_id: UUID,
    session: Writing,
    actor: CurrentActor,
    mark_missing: Annotated[
        bool, Query(description="Whether its tracks then count as missing, as far as no other folder holds them.")
    ] = False,
) -> RootRemoved:
    """Let a folder leave the library. Its files are not touched, and its tracks stay unless told otherwise."""
    return service.remove_root(session, actor, root_id, mark_missing=mark_missing)
