"""Artists, albums, genres and lyrics over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import JSONResponse

from otolith.core.errors import BadRequest, Conflict, NotAllowed, NotFound, NotSignedIn, responses
from otolith.core.http import CurrentActor, Reading, Writing
from otolith.core.paging import DEFAULT_LIMIT, Cursor, Limit, Page
from otolith.library.catalogue import aliasing, service
from otolith.library.catalogue.models import TermKind
from otolith.library.catalogue.schemas import (
    AlbumDetail,
    AlbumItem,
    AlbumSort,
    AlbumTrack,
    AliasGiven,
    AliasWanted,
    ArtistDetail,
    ArtistItem,
    ArtistMerged,
    ArtistSort,
    GenreItem,
    GenreSort,
    MergeWanted,
    Part,
    Refiling,
    TrackLyrics,
)
from otolith.library.catalogue.service import Asked
from otolith.library.etags import UNCHANGED, Fresh

router = APIRouter(tags=["library"])

_LIST = responses(BadRequest, NotSignedIn) | UNCHANGED
_ONE = responses(NotSignedIn, NotFound) | UNCHANGED
_LIST_OF_ONE = responses(BadRequest, NotSignedIn, NotFound) | UNCHANGED
_CHANGE = responses(BadRequest, NotSignedIn, NotAllowed, NotFound, Conflict)
_LATER = "The name means the other artist from now on; a job files the many tracks again that go by it."

InWorkspace = Annotated[UUID | None, Query(alias="workspace", description="Only this workspace's.")]
Missing = Annotated[bool, Query(description="Also those whose files are all missing.")]


def _asked(
    workspace: InWorkspace = None, missing: Missing = False, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
) -> Asked:
    return Asked(workspace, missing, cursor, limit)


Listing = Annotated[Asked, Depends(_asked)]


@router.get("/artists", responses=_LIST, dependencies=[Fresh], operation_id="list_artists")
def list_artists(
    session: Reading,
    actor: CurrentActor,
    asked: Listing,
    sort: Annotated[
        ArtistSort, Query(description="By name, the newest first, or those of most tracks first.")
    ] = "name",
) -> Page[ArtistItem]:
    """A page of artists, and how many there are in all."""
    return service.list_artists(session, actor, asked, sort=sort)


@router.get("/artists/{artist_id}", responses=_ONE, dependencies=[Fresh], operation_id="get_artist")
def get_artist(artist_id: UUID, session: Reading, actor: CurrentActor) -> ArtistDetail:
    """One artist: the parts taken, and other names. Tracks are at /tracks?artist={id}."""
    return service.get_artist(session, actor, artist_id)


@router.get(
    "/artists/{artist_id}/albums", responses=_LIST_OF_ONE, dependencies=[Fresh], operation_id="list_artist_albums"
)
def list_artist_albums(
    artist_id: UUID,
    session: Reading,
    actor: CurrentActor,
    part: Annotated[Part, Query(description="The artist's own, or those of others with a part of the artist.")] = "own",
    sort: Annotated[
        AlbumSort, Query(description="By date, title or artist, or the newest in the library first.")
    ] = "year",
    missing: Missing = False,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Page[AlbumItem]:
    """A page of an artist's albums, by date."""
    asked = Asked(missing=missing, cursor=cursor, limit=limit)
    return service.list_albums(session, actor, asked, sort=sort, artist_id=artist_id, part=part)


@router.post(
    "/artists/{artist_id}/aliases",
    status_code=201,
    responses=_CHANGE | {202: {"model": AliasGiven, "description": _LATER}},
    operation_id="add_artist_alias",
)
def add_artist_alias(
    artist_id: UUID, request: AliasWanted, response: Response, session: Writing, actor: CurrentActor
) -> AliasGiven:
    """Give an artist another name: whatever is credited so, now and later, goes to the artist."""
    given = aliasing.add_alias(session, actor, artist_id, request.name)
    _tell(response, given)
    return given


@router.delete(
    "/artists/aliases/{alias_id}",
    status_code=204,
    responses=_CHANGE | {202: {"model": Refiling, "description": _LATER}},
    operation_id="remove_artist_alias",
)
def remove_artist_alias(alias_id: UUID, session: Writing, actor: CurrentActor) -> Response:
    """Let a name stand for itself again."""
    job_id = aliasing.remove_alias(session, actor, alias_id)
    if job_id is None:
        return Response(status_code=204)
    return JSONResponse(Refiling(job_id=job_id).model_dump(mode="json"), 202)


@router.post(
    "/artists/{artist_id}/merge",
    responses=_CHANGE | {202: {"model": ArtistMerged, "description": _LATER}},
    operation_id="merge_artists",
)
def merge_artists(
    artist_id: UUID, request: MergeWanted, response: Response, session: Writing, actor: CurrentActor
) -> ArtistMerged:
    """Say that an artist is another one: all names of the one become other names of the other."""
    stays, job_id = aliasing.merge_artists(session, actor, artist_id, request.into)
    merged = ArtistMerged(**dict(service.get_artist(session, actor, stays)), job_id=job_id)
    _tell(response, merged)
    return merged


def _tell(response: Response, refiling: Refiling) -> None:
    if refiling.job_id is not None:
        response.status_code = 202


@router.get("/albums", responses=_LIST, dependencies=[Fresh], operation_id="list_albums")
def list_albums(
    session: Reading,
    actor: CurrentActor,
    asked: Listing,
    sort: Annotated[
        AlbumSort, Query(description="By artist, title or date, or the newest in the library first.")
    ] = "artist",
) -> Page[AlbumItem]:
    """A page of albums, and how many there are in all."""
    return service.list_albums(session, actor, asked, sort=sort)


@router.get("/albums/{album_id}", responses=_ONE, dependencies=[Fresh], operation_id="get_album")
def get_album(album_id: UUID, session: Reading, actor: CurrentActor) -> AlbumDetail:
    """One album with its tracks by disc."""
    return service.get_album(session, actor, album_id)


@router.get("/albums/{album_id}/tracks", responses=_LIST_OF_ONE, dependencies=[Fresh], operation_id="list_album_tracks")
def list_album_tracks(
    album_id: UUID, session: Reading, actor: CurrentActor, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
) -> Page[AlbumTrack]:
    """A page of an album's tracks by disc and number, for albums of any size."""
    return service.album_tracks(session, actor, album_id, cursor=cursor, limit=limit)


@router.get("/genres", responses=_LIST, dependencies=[Fresh], operation_id="list_genres")
def list_genres(
    session: Reading,
    actor: CurrentActor,
    asked: Listing,
    kind: Annotated[TermKind, Query(description="Genres, or moods.")] = "genre",
    sort: Annotated[GenreSort, Query(description="By name, or those of most tracks first.")] = "name",
) -> Page[GenreItem]:
    """A page of genres, or of moods, with the number of their tracks."""
    return service.list_genres(session, actor, asked, kind=kind, sort=sort)


@router.get("/genres/{genre_id}", responses=_ONE, dependencies=[Fresh], operation_id="get_genre")
def get_genre(genre_id: UUID, session: Reading, actor: CurrentActor) -> GenreItem:
    """One genre or mood. Its tracks are at /tracks?genre={id}."""
    return service.get_genre(session, actor, genre_id)


@router.get("/tracks/{track_id}/lyrics", responses=_ONE, dependencies=[Fresh], operation_id="get_lyrics")
def get_lyrics(track_id: UUID, session: Reading, actor: CurrentActor) -> TrackLyrics:
    """The words of a track line by line, with times where the lyrics tell them."""
    return service.lyrics_of(session, actor, track_id)
