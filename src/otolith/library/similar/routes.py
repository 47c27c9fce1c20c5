"""What sounds alike, over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from otolith.core.errors import BadRequest, Conflict, NotAllowed, NotAvailable, NotFound, NotSignedIn, responses
from otolith.core.http import Ctx, CurrentActor, Reading, Writing
from otolith.core.paging import Cursor, Page
from otolith.library.similar import maps, meaning, radio, service, ways
from otolith.library.similar.engine.atlas import Box
from otolith.library.similar.naming import track_named
from otolith.library.similar.schemas import (
    DescribingStarted,
    MapPart,
    MapStarted,
    Neighbours,
    RadioTrack,
    TextMatches,
    Way,
)
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


Edge = Annotated[float, Query(ge=-2, le=2, allow_inf_nan=False, description="A side of the part, from -1 to 1.")]


@router.get("/map", responses=_ERRORS, operation_id="look_at_map")
def look_at_map(
    session: Reading,
    context: Ctx,
    actor: CurrentActor,
    left: Edge = -1,
    top: Edge = -1,
    right: Edge = 1,
    bottom: Edge = 1,
    workspace: Annotated[UUID | None, Query(description="Whose map; unset: Home's.")] = None,
    limit: Annotated[int, Query(ge=1, le=maps.MOST_PLACES, description="The most tracks to answer.")] = 500,
) -> MapPart:
    """A part of the map on which what sounds alike lies together; come nearer to see more of it."""
    box = Box(left=left, top=top, right=right, bottom=bottom)
    return maps.part(session, context, actor, box, workspace_id=workspace, limit=limit)


@router.post("/map", status_code=202, responses=responses(NotSignedIn, NotAllowed, NotFound), operation_id="draw_map")
def draw_map(
    session: Writing,
    actor: CurrentActor,
    workspace: Annotated[UUID | None, Query(description="Whose map; unset: Home's.")] = None,
    anew: Annotated[bool, Query(description="Forget the old map instead of putting new tracks into it.")] = False,
) -> MapStarted:
    """Have the map drawn now; it is drawn by itself too, some minutes after the library has changed."""
    return maps.start_drawing(session, actor, workspace_id=workspace, anew=anew)


@router.get("/similar/text", responses=_ERRORS, operation_id="similar_to_text")
def similar_to_text(
    context: Ctx,
    actor: CurrentActor,
    q: Annotated[str, Query(min_length=1, max_length=500, description="Such as: slow sad piano.")],
    workspace: InWorkspace = None,
    limit: Most = 20,
) -> TextMatches:
    """What sounds as somebody says; through a language model where one is set, and the answer tells if not."""
    return meaning.by_text(context, actor, meaning.Question(q, workspace, limit))


@router.post(
    "/similar/text",
    status_code=202,
    responses=responses(NotSignedIn, NotAllowed, NotFound, Conflict),
    operation_id="describe_tracks",
)
def describe_tracks(
    session: Writing,
    context: Ctx,
    actor: CurrentActor,
    workspace: Annotated[UUID | None, Query(description="Only this workspace's tracks.")] = None,
    anew: Annotated[bool, Query(description="Forget all that the model ever gave first; for administrators.")] = False,
) -> DescribingStarted:
    """Have tracks described to the language model now; new and changed ones are described by themselves too."""
    return meaning.start_describing(session, context, actor, workspace_id=workspace, anew=anew)
