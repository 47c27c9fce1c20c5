"""The HTTP routes of stored sound."""

from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse

from otolith.core import paging
from otolith.core.errors import (
    BadRequest,
    NotAllowed,
    NotAvailable,
    NotFound,
    NotSignedIn,
    TooLarge,
    UnsupportedMedia,
    responses,
)
from otolith.core.http import Ctx, CurrentActor, Reading, Writing
from otolith.core.paging import Cursor, Limit, Page
from otolith.core.spool import StorageFull
from otolith.media import lingering, service
from otolith.media.models import Media
from otolith.media.schemas import MediaOut, UploadAnswer, UploadedFile, WaveformOut
from otolith.media.sending import SOUND, BitRate, Download, Form, Start, send
from otolith.media.tus_routes import router as tus_router

bodies = APIRouter(prefix="/media", route_class=lingering.UploadRoute)
plain = APIRouter(prefix="/media")

_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "array",
                            "items": {"type": "string", "contentMediaType": "application/octet-stream"},
                            "description": "One or more sound files.",
                        }
                    },
                }
            },
            "application/octet-stream": {"schema": {"type": "string", "contentMediaType": "audio/*"}},
            "audio/*": {"schema": {"type": "string", "contentMediaType": "audio/*"}},
        },
    },
    "parameters": [
        {
            "name": "X-Filename",
            "in": "header",
            "required": False,
            "schema": {"type": "string"},
            "description": "Name of a raw body, percent-encoded UTF-8; Content-Disposition or `name` will do as well.",
        }
    ],
}

Workspace = Annotated[UUID | None, Query(description="The workspace; left out: the only one you may add to, or Home.")]
MediaId = Annotated[UUID, "Identifier of the media."]


@bodies.post(
    "",
    summary="Upload sound files",
    status_code=201,
    response_model=UploadAnswer,
    openapi_extra=_BODY,
    responses={
        200: {"model": UploadAnswer, "description": "Every file was known already; nothing new was stored."},
        **responses(BadRequest, NotAllowed, NotFound, TooLarge, UnsupportedMedia, NotAvailable, StorageFull),
    },
)
async def upload_media(
    request: Request,
    context: Ctx,
    actor: CurrentActor,
    workspace: Workspace = None,
    name: Annotated[str | None, Query(description="Name of a raw body.")] = None,  # noqa: ARG001 -- Read from the URL.
) -> Response:
    """Store sound files, sent as a form or as the body itself.

    What a file is, is found out by looking into it, whatever it is called. The answer is 201 where a file is new and
    200 where the workspace had all of them before. If no file is taken, it is the first one's error; if only some are,
    theirs stand in `items`. For large files over a bad connection there are resumable uploads under `/media/uploads`.
    """
    received = await service.receive(context, actor, request, workspace_id=workspace)
    refused = [file.refused for file in received if file.refused is not None]
    if len(refused) == len(received):
        raise refused[0]
    answer = UploadAnswer(items=[UploadedFile.of(request, file) for file in received])
    status = 201 if any(file.created for file in received) else 200
    headers = {}
    if len(received) == 1 and received[0].media is not None:
        headers["Location"] = str(request.url_for("get_media", media_id=received[0].media.id).path)
    return JSONResponse(answer.model_dump(mode="json"), status, headers)


@plain.get("", summary="List media")
def list_media(
    session: Reading, actor: CurrentActor, workspace: Workspace = None, cursor: Cursor = None, limit: Limit = 50
) -> Page[MediaOut]:
    """The media that you may see, newest first, of one workspace or of all of yours."""
    before = _position(cursor)
    page = service.list_media(session, actor, workspace_id=workspace, cursor=before, limit=limit)
    following = None if page.cursor is None else paging.encode(str(page.cursor))
    return Page(items=[MediaOut.of(media) for media in page.items], next=following, total=page.total)


def _position(cursor: str | None) -> UUID | None:
    if cursor is None:
        return None
    try:
        return UUID(str(paging.decode(cursor, 1)[0]))
    except ValueError as error:
        raise paging.BadCursor from error


@plain.get("/{media_id}", summary="One media", responses=responses(NotFound))
def get_media(session: Reading, actor: CurrentActor, media_id: UUID) -> MediaOut:
    """What is known of one sound file."""
    return MediaOut.of(service.get_media(session, actor, media_id))


@plain.delete(
    "/{media_id}",
    summary="Delete a media",
    status_code=204,
    response_class=Response,
    responses=responses(NotAllowed, NotFound),
)
def delete_media(session: Writing, context: Ctx, actor: CurrentActor, media_id: UUID) -> None:
    """Forget a media and what was derived from it. An uploaded file is removed; a library file is never touched."""
    service.delete_media(context, session, actor, media_id)


def _visible(context: Ctx, actor: CurrentActor, media_id: UUID) -> Media:
    """The media of the path, read in a transaction of its own that is over before any byte is sent."""
    with context.database.read(actor) as session:
        return service.get_media(session, actor, media_id)


Visible = Annotated[Media, Depends(_visible)]


@plain.head("/{media_id}/stream", summary="What streaming would send", response_class=Response, responses=SOUND)
async def head_stream(
    request: Request,
    context: Ctx,
    media: Visible,
    download: Download = False,
    form: Form = None,
    bit_rate: BitRate = 128,
    start: Start = 0.0,
) -> Response:
    """The headers of `GET /media/{media_id}/stream`."""
    return await send(request, context, media, download=download, form=form, bit_rate=bit_rate, start=start)


@plain.get("/{media_id}/stream", summary="Play or download", response_class=Response, responses=SOUND)
async def stream_media(
    request: Request,
    context: Ctx,
    media: Visible,
    download: Download = False,
    form: Form = None,
    bit_rate: BitRate = 128,
    start: Start = 0.0,
) -> Response:
    """The file as it is, whole or in ranges (RFC 9110; several come as multipart/byteranges), or transcoded.

    A transcoded stream has no length and no ranges: to seek, ask again with another `start`. Only so many are made at
    once; others are answered 503 with Retry-After.
    """
    return await send(request, context, media, download=download, form=form, bit_rate=bit_rate, start=start)


class NotYetAnalysed(NotFound):
    """The recording has not been analysed yet, so there is no waveform; ask again in a moment."""


@plain.get(
    "/{media_id}/waveform",
    summary="The waveform for drawing",
    response_model=WaveformOut,
    responses={304: {"description": "The picture is the one you have."}, **responses(NotFound)},
)
def get_waveform(
    request: Request,
    session: Reading,
    actor: CurrentActor,
    media_id: UUID,
    points: Annotated[int, Query(ge=1, le=20_000, description="How many points to draw at most.")] = 800,
    format: Annotated[  # noqa: A002 -- The name of the parameter in the API.
        Literal["otolith", "audiowaveform"], Query(description="`audiowaveform`: the JSON form of that program, v2.")
    ] = "otolith",
) -> Response:
    """The lowest and highest sample and the mean level of so many equal parts of the recording."""
    media = service.get_media(session, actor, media_id)
    picture = service.waveform(session, media.sha256, points) if media.sha256 else None
    if picture is None:
        raise NotYetAnalysed(headers={"Retry-After": "5"})
    etag = f'"{media.sha256}-{picture.version}-{points}-{format}"'
    headers = {"ETag": etag, "Cache-Control": "private, max-age=86400, immutable"}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    document = WaveformOut.of(picture).model_dump() if format == "otolith" else picture.to_audiowaveform()
    return JSONResponse(document, headers=headers)


router = APIRouter(tags=["media"], responses=responses(NotSignedIn))
router.include_router(tus_router)
router.include_router(bodies)
router.include_router(plain)
