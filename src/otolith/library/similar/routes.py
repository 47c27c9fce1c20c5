"""What sounds alike, over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from otolith.core.errors import BadRequest, Conflict, NotAvailable, NotFound, NotSignedIn, responses
from otolith.core.http import Ctx, CurrentActor, Reading
from otolith.core.paging import Cursor, Page
from otolith.library.similar import radio, service, ways
from otolith.library.similar.naming import track_named
from otolith.library.similar.schemas import Neighbours, RadioTrack, Way
from otolith.library.similar.seeding import MOST_NAMED, Asked

router = APIRouter(tags=["library"])

_ERRORS = responses(BadRequest, NotSignedIn, NotFound, Conflict, NotAvailable)

Tracks = Annotated[list[UUID], Query(alias="track", max_length=MOST_NAMED, description="Tracks to start from.")]
Albums = Annotated[list[UUID], Query(alias="album", max_length=MOST_NAMED, description="Albums to start from.")]
Artists = Annotated[list[UUID], Query(alias="artist", max_length=MOST_NAMED, description="Artists to start from.")]
Named = Annotated[
    list[Annotated[str, Field(max_length=500)]],
    Query(max_length=10, description="Tracks to start from, by words of title and artist."),
]
InWorkspace = Annotated[UUID | None, Query(alias="workspace", description="Only this workspace's tracks.")]
Most = Annotated[int, Query(ge=1, le=service.LARGEST, description="The most tracks to answer.")]
Spread = Annotated[bool, Query(description="Let artists and albums take turns; false: purely the nearest.")]


@router.get("/tracks/{track_id}/similar", responses=_ERRORS, operation_id="similar_tracks")
def similar_tracks(
    track_id: UUID,
    session: Reading,
    context: Ctx,
    actor: CurrentActor,
    workspace: InWorkspace = None,
    limit: Most = 20,
    spread: Spread = True,
) -> Neighbours:
    """What sounds like a track, and why; tracks whose files are missing are left out."""
    asked = Asked(tracks=[track_id])
    return service.similar(session, context, actor, asked, workspace_id=workspace, limit=limit, spread=spread)


@router.get("/similar", responses=_ERRORS, operation_id="similar")
def similar(
    session: Reading,
    context: Ctx,
    actor: CurrentActor,
    tracks: Tracks = [],  # noqa: B006 -- FastAPI copies it.
    albums: Albums = [],  # noqa: B006
    artists: Artists = [],  # noqa: B006
    named: Named = [],  # noqa: B006
    workspace: InWorkspace = None,
    limit: Most = 20,
    spread: Spread = True,
) -> Neighbours:
    """What sounds like several tracks, albums and artists together; none of their own tracks is among the answers."""
    asked = Asked([*tracks, *(track_named(session, actor, name) for name in named)], albums, artists)
    return service.similar(session, context, actor, asked, workspace_id=workspace, limit=limit, spread=spread)


@router.get("/radio", responses=_ERRORS, operation_id="play_radio")
def play_radio(
    session: Reading,
    context: Ctx,
    actor: CurrentActor,
    tracks: Tracks = [],  # noqa: B006
    albums: Albums = [],  # noqa: B006
    artists: Artists = [],  # noqa: B006
    workspace: InWorkspace = None,
    cursor: Cursor = None,
    limit: Most = 20,
) -> Page[RadioTrack]:
    """What to play after these tracks, albums and artists; with `next` it goes on, outward, and repeats nothing."""
    asked = Asked(tracks, albums, artists)
    return radio.play(session, context, actor, asked, workspace_id=workspace, cursor=cursor, limit=limit)


@router.get("/path", responses=_ERRORS, operation_id="find_path")
def find_path(
    session: Reading,
    context: Ctx,
    actor: CurrentActor,
    start: Annotated[UUID, Query(alias="from", description="The track to begin with.")],
    end: Annotated[UUID, Query(alias="to", description="The track to end with.")],
    steps: Annotated[int, Query(ge=1, le=ways.MOST_STEPS, description="Steps from the first to the last.")] = 10,
    workspace: InWorkspace = None,
) -> Way:
    """A smooth way from one track to another, each step to something that sounds like the last."""
    return ways.way(session, context, actor, start, end, steps=steps, workspace_id=workspace)
