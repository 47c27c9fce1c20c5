"""Sending the sound of one media to whoever may hear it, for every route that does: as it is, or transcoded."""

from typing import Annotated, Any, Final, Literal

from fastapi import Query, Request, Response

from otolith.core.context import Context
from otolith.core.errors import Conflict, NotAvailable, NotFound, responses
from otolith.media import streaming, transcoding
from otolith.media.models import Media
from otolith.media.streaming import RangeNotThere, WrongVersion
from otolith.media.threads import in_thread
from otolith.media.transcode import Recipe
from otolith.media.transcoding import CannotTranscode, TranscodingOff

SOUND: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The whole file.", "content": {"audio/*": {"schema": {"type": "string"}}}},
    206: {"description": "The parts asked for.", "content": {"audio/*": {"schema": {"type": "string"}}}},
    304: {"description": "The file is the one you have."},
    **responses(NotFound, Conflict, WrongVersion, RangeNotThere, CannotTranscode, TranscodingOff, NotAvailable),
}
Download = Annotated[bool, Query(description="Offer it for saving instead of playing it.")]
Form = Annotated[
    Literal["opus", "mp3"] | None, Query(alias="format", description="Transcode to this form; left out: as it is.")
]
BitRate = Annotated[int, Query(alias="bitrate", ge=8, le=510, description="Of the transcoded form, in kbit/s.")]
Start = Annotated[float, Query(ge=0, le=10_000_000, description="Where the transcoded form begins, in seconds.")]


async def send(
    request: Request,
    context: Context,
    media: Media,
    *,
    download: bool,
    form: Literal["opus", "mp3"] | None,
    bit_rate: int,
    start: float,
) -> Response:
    is_head = request.method == "HEAD"
    if form is not None:
        recipe = Recipe(form, bit_rate * 1000, start)
        return await transcoding.transcode(context, media, recipe, is_head=is_head)
    recording = await in_thread(lambda: streaming.open_recording(context, media))
    return streaming.respond(recording, request.headers, is_head=is_head, download=download)
