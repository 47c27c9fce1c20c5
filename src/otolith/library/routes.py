"""The library over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from otolith.accounts.service import home_workspace
from otolith.core.errors import BadRequest, NotAllowed, NotFound, NotSignedIn, responses
from otolith.core.http import Ctx, CurrentActor, Reading, Writing
from otolith.core.paging import DEFAULT_LIMIT, Cursor, Limit, Page
from otolith.library import service
from otolith.library.schemas import ScanReport, ScanRequest, ScanStarted, Sort, TrackBeats, TrackDetail, TrackItem

router = APIRouter(tags=["library"])

_MISSING = responses(NotSignedIn, NotFound)


@router.post("/scans", status_code=202, responses=responses(BadRequest, NotSignedIn, NotAllowed), operation_id="scan")
def start_scan(request: ScanRequest, session: Writing, context: Ctx, actor: CurrentActor) -> ScanStarted:
    """Scan a folder of the server's machine: new files are added, changed ones updated, moved ones recognised."""
    workspace = request.workspace or home_workspace(session).id
    return service.start_scan(session, context, actor, request.path, workspace)


@router.get("/scans/{scan_id}", responses=_MISSING, operation_id="scan_report")
def scan_report(scan_id: UUID, session: Reading, actor: CurrentActor) -> ScanReport:
    """What a scan has found so far, and whether it still runs."""
    return service.scan_report(session, actor, scan_id)


@router.get("/tracks", responses=responses(BadRequest, NotSignedIn), operation_id="list_tracks")
def list_tracks(
    session: Reading,
    actor: CurrentActor,
    sort: Annotated[Sort, Query(description="Newest first, by title, or by artist.")] = "added",
    workspace: Annotated[UUID | None, Query(description="Only this workspace's.")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Page[TrackItem]:
    """A page of tracks with their features, and how many there are in all."""
    return service.list_tracks(session, actor, sort=sort, workspace_id=workspace, cursor=cursor, limit=limit)


@router.get("/tracks/{track_id}", responses=_MISSING, operation_id="get_track")
def get_track(track_id: UUID, session: Reading, actor: CurrentActor) -> TrackDetail:
    """One track: its tags, its file, how it sounds, and which engines heard it."""
    return service.get_track(session, actor, track_id)


@router.get("/tracks/{track_id}/beats", responses=_MISSING, operation_id="get_beats")
def get_beats(track_id: UUID, session: Reading, actor: CurrentActor) -> TrackBeats:
    """The beats of a track in seconds."""
    return service.get_beats(session, actor, track_id)
