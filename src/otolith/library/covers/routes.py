"""Covers over HTTP."""

from dataclasses import dataclass
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from otolith.core.errors import NotAvailable, NotFound, NotSignedIn, responses
from otolith.core.http import Ctx, CurrentActor
from otolith.library.covers import service
from otolith.library.covers.queries import Pictured
from otolith.media.engine.picture import SIZES

router = APIRouter(tags=["library"])

Size = Annotated[
    int,
    Query(ge=1, le=10_000, description=f"Pixels of the longer edge wanted; kept are {', '.join(map(str, SIZES))}."),
]
Version = Annotated[
    str | None,
    Query(alias="v", max_length=64, description="The beginning of `cover_key`; with it the answer never grows old."),
]
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The picture; for a browser's image without one, a drawing that stands in for it.",
        "content": {"image/webp": {"schema": {"type": "string"}}, "image/svg+xml": {"schema": {"type": "string"}}},
    },
    304: {"description": "The picture is the one you have."},
    **responses(NotSignedIn, NotFound, NotAvailable),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request for a picture says beside whose it is."""

    request: Request
    context: Ctx
    size: Size = 320
    version: Version = None

    def of(self, shown: Pictured, *, is_head: bool = False) -> Response:
        return service.answer(self.context, self.request.headers, shown, self.size, self.version, is_head=is_head)


def _album(context: Ctx, actor: CurrentActor, album_id: UUID) -> Pictured:
    """What is shown of the album, read in a transaction that is over before the picture is."""
    with context.database.read(actor) as session:
        return service.pictured_album(session, actor, album_id)


def _track(context: Ctx, actor: CurrentActor, track_id: UUID) -> Pictured:
    with context.database.read(actor) as session:
        return service.pictured_track(session, actor, track_id)


def _artist(context: Ctx, actor: CurrentActor, artist_id: UUID) -> Pictured:
    with context.database.read(actor) as session:
        return service.pictured_artist(session, actor, artist_id)


Picture = Annotated[Wanted, Depends()]
Album = Annotated[Pictured, Depends(_album)]
Track = Annotated[Pictured, Depends(_track)]
Artist = Annotated[Pictured, Depends(_artist)]


@router.get("/albums/{album_id}/cover", response_class=Response, responses=_ANSWERS, operation_id="album_cover")
def album_cover(picture: Picture, shown: Album) -> Response:
    """An album's picture, as WebP in the nearest size kept that is not smaller, if there is one.

    Without a picture a program gets 404, and a browser that wants an image a drawing made of the title.
    """
    return picture.of(shown)


@router.head("/albums/{album_id}/cover", response_class=Response, responses=_ANSWERS, operation_id="head_album_cover")
def head_album_cover(picture: Picture, shown: Album) -> Response:
    """The headers of `GET /albums/{album_id}/cover`."""
    return picture.of(shown, is_head=True)


@router.get("/tracks/{track_id}/cover", response_class=Response, responses=_ANSWERS, operation_id="track_cover")
def track_cover(picture: Picture, shown: Track) -> Response:
    """A track's own picture, or its album's; otherwise as for albums."""
    return picture.of(shown)


@router.head("/tracks/{track_id}/cover", response_class=Response, responses=_ANSWERS, operation_id="head_track_cover")
def head_track_cover(picture: Picture, shown: Track) -> Response:
    """The headers of `GET /tracks/{track_id}/cover`."""
    return picture.of(shown, is_head=True)


@router.get("/artists/{artist_id}/image", response_class=Response, responses=_ANSWERS, operation_id="artist_image")
def artist_image(picture: Picture, shown: Artist) -> Response:
    """An artist's picture, from an `artist.jpg` in the artist's folder; otherwise as for albums."""
    return picture.of(shown)


@router.head(
    "/artists/{artist_id}/image", response_class=Response, responses=_ANSWERS, operation_id="head_artist_image"
)
def head_artist_image(picture: Picture, shown: Artist) -> Response:
    """The headers of `GET /artists/{artist_id}/image`."""
    return picture.of(shown, is_head=True)
