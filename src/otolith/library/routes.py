"""The library over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from otolith.core.errors import BadRequest, NotFound, NotSignedIn, responses
from otolith.core.http import CurrentActor, Reading
from otolith.core.paging import DEFAULT_LIMIT, Cursor, Limit, Page
from otolith.library import service
from otolith.library.etags import UNCHANGED, Fresh
from otolith.library.schemas import AllTrackFeatures, Sort, TrackBeats, TrackDetail, TrackItem, TracksRead, TracksWanted

router = APIRouter(tags=["library"])

_MISSING = responses(NotSignedIn, NotFound)


@router.get(
    "/tracks",
    responses=responses(BadRequest, NotSignedIn) | UNCHANGED,
    dependencies=[Fresh],
    operation_id="list_tracks",
)
def list_tracks(
    session: Reading,
    actor: CurrentActor,
    sort: Annotated[Sort, Query(description="Newest first, by title, or by artist.")] = "added",
    workspace: Annotated[UUID | None, Query(description="Only this workspace's.")] = None,
    album: Annotated[UUID | None, Query(description="Only this album's.")] = None,
    artist: Annotated[UUID | None, Query(description="Only those in which this artist has a part.")] = None,
    genre: Annotated[UUID | None, Query(description="Only those of this genre or mood.")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Page[TrackItem]:
    """A page of tracks with their features, and how many there are in all."""
    return service.list_tracks(
        session,
        actor,
        sort=sort,
        workspace_id=workspace,
        album_id=album,
        artist_id=artist,
        genre_id=genre,
        cursor=cursor,
        limit=limit,
    )


@router.post("/tracks/batch", responses=responses(NotSignedIn), operation_id="read_tracks")
def read_tracks(request: TracksWanted, session: Reading, actor: CurrentActor) -> TracksRead:
    """Read many tracks by their ids at once, in the order asked for."""
    return service.read_tracks(session, actor, request.ids)


@router.get("/tracks/{track_id}", responses=_MISSING | UNCHANGED, dependencies=[Fresh], operation_id="get_track")
def get_track(track_id: UUID, session: Reading, actor: CurrentActor) -> TrackDetail:
    """One track: its tags, its file, how it sounds, and which engines heard it."""
    return service.get_track(session, actor, track_id)


@router.get("/tracks/{track_id}/beats", responses=_MISSING | UNCHANGED, dependencies=[Fresh], operation_id="get_beats")
def get_beats(track_id: UUID, session: Reading, actor: CurrentActor) -> TrackBeats:
    """The beats of a track in seconds."""
    return service.get_beats(session, actor, track_id)


@router.get(
    "/tracks/{track_id}/features", responses=_MISSING | UNCHANGED, dependencies=[Fresh], operation_id="get_features"
)
def get_features(track_id: UUID, session: Reading, actor: CurrentActor) -> AllTrackFeatures:
    """Everything that was heard in a track: numbers, parts, timbre and its embedding."""
    return service.get_features(session, actor, track_id)
