"""Resumable uploads over HTTP: the tus protocol, version 1.0, with the extensions that `OPTIONS` lists."""

from collections.abc import Callable, Coroutine
from email.utils import format_datetime
from functools import partial
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from otolith.core.context import Context
from otolith.core.errors import (
    BadRequest,
    Conflict,
    NotAllowed,
    NotAvailable,
    NotFound,
    TooLarge,
    UnsupportedMedia,
    responses,
)
from otolith.core.http import Ctx, CurrentActor
from otolith.core.spool import StorageFull
from otolith.media import lingering, tus, tus_headers
from otolith.media.models import Upload
from otolith.media.threads import in_thread
from otolith.media.tus_files import UploadBusy, UploadGone
from otolith.media.tus_headers import TusVersionUnknown
from otolith.media.tus_joining import PartsMissing, join
from otolith.media.uploads import body_of, told_length

_METHODS: Final = "OPTIONS, POST, HEAD, PATCH, DELETE"


class TusRoute(lingering.UploadRoute):
    """A route whose every answer names the protocol, and which answers nobody who speaks another version."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def handle(request: Request) -> Response:
            response = await answer(request)
            response.headers["Tus-Resumable"] = tus_headers.VERSION
            if response.status_code == TusVersionUnknown.status:
                response.headers["Tus-Version"] = tus_headers.VERSION
            return response

        return handle


_HEADERS: Final[list[dict[str, Any]]] = [
    {"name": name, "in": "header", "required": required, "schema": {"type": "string"}, "description": description}
    for name, required, description in (
        ("Tus-Resumable", True, "The version of the protocol: `1.0.0`."),
        ("Upload-Length", False, "Bytes of the whole file."),
        ("Upload-Defer-Length", False, "`1` where the length is not known yet."),
        ("Upload-Offset", False, "The offset that the bytes of this request begin at."),
        ("Upload-Metadata", False, "`filename` and its Base64, separated by a space."),
        ("Upload-Concat", False, "`partial`, or `final;` and the addresses of the parts, separated by spaces."),
        ("Upload-Checksum", False, "`sha1` or `sha256` and the Base64 of the digest of this request's bytes."),
    )
]


def _asks(*names: str, body: bool = False) -> dict[str, Any]:
    extra: dict[str, Any] = {"parameters": [header for header in _HEADERS if header["name"] in names]}
    if body:
        schema = {"type": "string", "contentMediaType": "audio/*"}
        extra["requestBody"] = {"required": False, "content": {tus_headers.CONTENT_TYPE: {"schema": schema}}}
    return extra


router = APIRouter(prefix="/media/uploads", route_class=TusRoute, responses=responses(TusVersionUnknown))


@router.options("", summary="What the resumable uploads can do", status_code=204, response_class=Response)
@router.options("/{upload_id}", include_in_schema=False, status_code=204, response_class=Response)
def upload_options(context: Ctx) -> Response:
    """The version, extensions and limits of the tus protocol here, as headers."""
    return Response(
        status_code=204,
        headers={
            "Allow": _METHODS,
            "Tus-Version": tus_headers.VERSION,
            "Tus-Extension": tus_headers.EXTENSIONS,
            "Tus-Max-Size": str(context.settings.media.upload_limit),
            "Tus-Checksum-Algorithm": ",".join(tus_headers.ALGORITHMS),
        },
    )


@router.post(
    "",
    summary="Begin a resumable upload",
    status_code=201,
    response_class=Response,
    openapi_extra=_asks(
        *("Tus-Resumable", "Upload-Length", "Upload-Defer-Length", "Upload-Metadata", "Upload-Concat"),
        "Upload-Checksum",
        body=True,
    ),
    responses=responses(
        *(BadRequest, NotAllowed, NotFound, PartsMissing, UploadGone, TooLarge, UnsupportedMedia, UploadBusy),
        *(NotAvailable, StorageFull),
    ),
)
async def begin_upload(
    request: Request,
    context: Ctx,
    actor: CurrentActor,
    workspace: Annotated[UUID | None, Query(description="The workspace; left out: the only one, or Home.")] = None,
) -> Response:
    """Announce a file; its address is in `Location`. The first bytes may come along (creation-with-upload).

    With `Upload-Concat` the upload is a part of another one, or is joined from parts that are complete.
    """
    tus_headers.require_version(request.headers)
    parts = tus_headers.concat(request.headers)
    told = told_length(request)
    has_body = bool(told) or "transfer-encoding" in request.headers
    if has_body:
        tus_headers.require_bytes(request.headers)
    checksum = tus_headers.checksum(request.headers)
    if parts:
        if has_body:
            raise BadRequest("An upload that is joined from parts takes no bytes of its own.")
        progress = await in_thread(partial(join, context, actor, request.headers, parts, workspace))
        return _answer(progress, 201, {"Location": _address(request, progress.upload.id)})
    upload = await in_thread(partial(tus.create, context, actor, request.headers, workspace_id=workspace, told=told))
    progress = tus.Progress(upload)
    if has_body or upload.size == 0:
        progress = await tus.append(context, actor, upload.id, body_of(request), offset=0, told=told, checksum=checksum)
    return _answer(progress, 201, {"Location": _address(request, upload.id)})


def _address(request: Request, upload_id: UUID) -> str:
    return str(request.url_for("head_upload", upload_id=upload_id).path)


@router.head(
    "/{upload_id}",
    summary="How far a resumable upload is",
    response_class=Response,
    openapi_extra=_asks("Tus-Resumable"),
    responses=responses(NotFound, UploadGone, NotAvailable),
)
async def head_upload(request: Request, context: Ctx, actor: CurrentActor, upload_id: UUID) -> Response:
    """The offset to go on from, in the header `Upload-Offset`: the bytes that are safe on disk."""
    return await _tell(request, context, actor, upload_id)


async def _tell(request: Request, context: Context, actor: CurrentActor, upload_id: UUID) -> Response:
    tus_headers.require_version(request.headers)
    upload = await in_thread(partial(tus.find, context, actor, upload_id))
    progress = tus.Progress(upload)
    if tus.is_whole(upload) and upload.media_id is None and actor.may_edit(upload.workspace_id):
        # The server was stopped, or its storage was out, between the last byte and the filing: now is the time.
        progress = await in_thread(partial(tus.finish, context, actor, upload_id))
    headers = {"Cache-Control": "no-store"}
    if upload.size is None:
        headers["Upload-Defer-Length"] = "1"
    else:
        headers["Upload-Length"] = str(upload.size)
    if upload.told.get("metadata"):
        headers["Upload-Metadata"] = str(upload.told["metadata"])
    if tus.is_part(upload):
        headers["Upload-Concat"] = tus.PART
    elif parts := tus.parts_of(upload):
        headers["Upload-Concat"] = "final;" + " ".join(_address(request, part) for part in parts)
    return _answer(progress, 200, headers)


@router.patch(
    "/{upload_id}",
    summary="Go on with a resumable upload",
    status_code=204,
    response_class=Response,
    openapi_extra=_asks("Tus-Resumable", "Upload-Offset", "Upload-Length", "Upload-Checksum", body=True),
    responses={
        460: {"description": "The bytes did not match Upload-Checksum and were dropped."},
        **responses(
            BadRequest,
            NotAllowed,
            NotFound,
            Conflict,
            UploadGone,
            TooLarge,
            UnsupportedMedia,
            UploadBusy,
            NotAvailable,
            StorageFull,
        ),
    },
)
async def continue_upload(request: Request, context: Ctx, actor: CurrentActor, upload_id: UUID) -> Response:
    """Add bytes at the offset. With the last one the file is looked into and filed, as `POST /media` does.

    The answer to the last one names the media in the header `Otolith-Media`, and where they were made, the track and
    the job in `Otolith-Track` and `Otolith-Job`.
    """
    return await _append(request, context, actor, upload_id)


async def _append(request: Request, context: Context, actor: CurrentActor, upload_id: UUID) -> Response:
    tus_headers.require_version(request.headers)
    tus_headers.require_bytes(request.headers)
    offset = tus_headers.number(request.headers, "upload-offset")
    if offset is None:
        raise BadRequest("Say where the bytes belong with Upload-Offset.")
    progress = await tus.append(
        context,
        actor,
        upload_id,
        body_of(request),
        offset=offset,
        size=tus_headers.number(request.headers, "upload-length"),
        told=told_length(request),
        checksum=tus_headers.checksum(request.headers),
    )
    return _answer(progress, 204, {})


@router.delete(
    "/{upload_id}",
    summary="Give a resumable upload up",
    status_code=204,
    response_class=Response,
    openapi_extra=_asks("Tus-Resumable"),
    responses=responses(NotAllowed, NotFound, UploadBusy),
)
async def terminate_upload(request: Request, context: Ctx, actor: CurrentActor, upload_id: UUID) -> Response:
    """Forget an upload and its bytes; a media that it became stays."""
    return await _terminate(request, context, actor, upload_id)


async def _terminate(request: Request, context: Context, actor: CurrentActor, upload_id: UUID) -> Response:
    tus_headers.require_version(request.headers)
    await in_thread(partial(tus.terminate, context, actor, upload_id))
    return Response(status_code=204)


@router.post(
    "/{upload_id}",
    summary="Go on with a resumable upload, for clients without PATCH",
    status_code=204,
    response_class=Response,
    openapi_extra=_asks("Tus-Resumable", "Upload-Offset", "Upload-Length", "Upload-Checksum", body=True),
    responses=responses(BadRequest, NotAllowed, NotFound, Conflict, UploadGone, TooLarge, UnsupportedMedia, UploadBusy),
)
async def override_upload(request: Request, context: Ctx, actor: CurrentActor, upload_id: UUID) -> Response:
    """What the header `X-HTTP-Method-Override` names: `PATCH`, `HEAD` or `DELETE`."""
    methods = {"PATCH": _append, "HEAD": _tell, "DELETE": _terminate}
    method = methods.get(request.headers.get("x-http-method-override", "").upper())
    if method is None:
        raise BadRequest("Name PATCH, HEAD or DELETE in X-HTTP-Method-Override.")
    return await method(request, context, actor, upload_id)


def _answer(progress: tus.Progress, status: int, headers: dict[str, str]) -> Response:
    upload: Upload = progress.upload
    told = {**headers, "Upload-Offset": str(upload.received)}
    if upload.media_id is None:
        told["Upload-Expires"] = format_datetime(upload.expires_at, usegmt=True)
    else:
        told["Otolith-Media"] = str(upload.media_id)
    if progress.received is not None:
        told |= {f"Otolith-{name.title()}": str(made) for name, made in progress.received.made.items()}
    return Response(status_code=status, headers=told)
