"""Uploads in one request: everything that can be refused is refused before the body is read."""

from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import TYPE_CHECKING, Final
from uuid import UUID

import anyio
from python_multipart.multipart import parse_options_header

from otolith.core.actor import Actor
from otolith.core.context import Context
from otolith.core.errors import BadRequest, UnsupportedMedia
from otolith.media import names
from otolith.media.intake import Received, choose_workspace, take_in
from otolith.media.quota import require_room
from otolith.media.receiving import MultipartReceiver, RawReceiver, Receiver, too_large
from otolith.media.room import Room
from otolith.media.threads import in_thread, pump

if TYPE_CHECKING:
    # The workers load this slice too, and never the web framework.
    from starlette.requests import Request

# What boundaries and headers of a form may add to the files in it.
_FRAMING: Final = 256 << 10
_RAW: Final = ("audio/", "video/", "application/octet-stream", "application/ogg", "application/mp4")


class UploadCutOff(BadRequest):
    """The connection ended before the whole file had arrived; send it again, or use a resumable upload."""


async def receive(
    context: Context,
    actor: Actor,
    request: "Request",
    *,
    workspace_id: UUID | None = None,
) -> list[Received]:
    """Take the files of a request, form or raw, into a workspace; one answer a file, in their order.

    A file that is no sound is answered with its error while its neighbours are taken; what concerns the whole
    request (rights, size, a full disk, a broken form) is raised.
    """
    make = receiver_of(context, request)
    workspace = await in_thread(partial(choose_workspace, context, actor, workspace_id))
    room = Room(context)
    await in_thread(partial(room.require, told_length(request) or 0))
    await in_thread(partial(require_room, context, actor, workspace, told_length(request) or 0))
    receiver = await in_thread(make)

    def feed(data: bytes) -> None:
        room.take(len(data))
        receiver.feed(data)

    try:
        await pump(body_of(request), feed)
        arrived = await in_thread(receiver.finish)
        return [await in_thread(partial(take_in, context, actor, workspace, file)) for file in arrived]
    finally:
        with anyio.CancelScope(shield=True):
            await in_thread(receiver.close)


async def body_of(request: "Request") -> AsyncIterator[bytes]:
    """The pieces of a body as they come; `UploadCutOff` where they stop coming."""
    more = True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise UploadCutOff
        yield message.get("body", b"")
        more = message.get("more_body", False)


def told_length(request: "Request") -> int | None:
    """The length that the headers promise, or None for a body whose end shows only when it comes."""
    text = request.headers.get("content-length")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise BadRequest("The Content-Length header is not a number.")
    return int(text)


def receiver_of(context: Context, request: "Request") -> Callable[[], Receiver]:
    """How to take this request's body, judged by its headers alone."""
    limit = context.settings.media.upload_limit
    spool = context.storage.spool
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    length = told_length(request)
    is_form = kind == b"multipart/form-data"
    if length is not None and length > limit + (_FRAMING if is_form else 0):
        raise too_large(limit)
    if is_form:
        boundary = options.get(b"boundary", b"")
        if not 1 <= len(boundary) <= 200:
            raise BadRequest("The form names no boundary in its Content-Type.")
        return partial(MultipartReceiver, spool, limit, boundary)
    if kind and not kind.decode("latin-1").startswith(_RAW):
        raise UnsupportedMedia(
            f"A body of type {kind.decode('latin-1')} is not taken. Send multipart/form-data with the field `file`, "
            "or the file itself as audio/* or application/octet-stream."
        )
    return partial(RawReceiver, spool, limit, raw_name(request))


def raw_name(request: "Request") -> str:
    """What the sender of a raw body calls it: `X-Filename`, Content-Disposition or `?name=`."""
    if header := request.headers.get("x-filename"):
        return names.from_header(header)
    if header := request.headers.get("content-disposition"):
        return names.from_disposition(header.encode("latin-1"))
    return names.clean(request.query_params.get("name", ""))
