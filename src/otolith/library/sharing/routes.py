"""Links to recordings over HTTP: made and ended by members, opened by whoever holds one."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from otolith.core.errors import BadRequest, NotFound, responses
from otolith.core.http import Ctx, CurrentActor, Reading, Writing, needs
from otolith.core.paging import DEFAULT_LIMIT, Cursor, Limit, Page
from otolith.library.sharing import service
from otolith.library.sharing.schemas import NewShareOut, SharedTrack, ShareIn, ShareOut
from otolith.media.models import Media
from otolith.media.sending import SOUND, BitRate, Download, Form, Start, send

members = APIRouter(dependencies=[needs("library")])
guests = APIRouter()

Secret = Annotated[str, Path(max_length=100, description="The last part of the link.")]


@members.post("/tracks/{track_id}/shares", summary="Share a recording", status_code=201, responses=responses(NotFound))
def share_track(track_id: UUID, body: ShareIn, session: Writing, context: Ctx, actor: CurrentActor) -> NewShareOut:
    """A link that shows this one recording to whoever holds it, without an account.

    It ends when you say so, at its time, and with your membership.
    """
    return service.share_track(session, context, actor, track_id, body)


@members.get("/shares", summary="List shared links", responses=responses(BadRequest))
def list_shares(
    session: Reading,
    actor: CurrentActor,
    track: Annotated[UUID | None, Query(description="Only links to this recording.")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Page[ShareOut]:
    """Those of your workspaces, newest first, without their secrets; ended ones stay in the list."""
    return service.list_shares(session, actor, track_id=track, cursor=cursor, limit=limit)


@members.delete("/shares/{share_id}", summary="End a shared link", responses=responses(NotFound))
def end_share(share_id: UUID, session: Writing, actor: CurrentActor) -> ShareOut:
    """The link shows nothing from the next request on."""
    return service.end_share(session, actor, share_id)


@guests.get("/shared/{secret}", summary="What a link shows", responses=responses(NotFound))
def get_shared(secret: Secret, context: Ctx) -> SharedTrack:
    """For whoever holds the link."""
    return service.open_track(context, secret)[0]


def _shared(secret: Secret, context: Ctx) -> Media:
    return service.open_track(context, secret)[1]


Shared = Annotated[Media, Depends(_shared)]


@guests.head("/shared/{secret}/stream", summary="What streaming would send", response_class=Response, responses=SOUND)
async def head_shared(
    request: Request,
    context: Ctx,
    media: Shared,
    download: Download = False,
    form: Form = None,
    bit_rate: BitRate = 128,
    start: Start = 0.0,
) -> Response:
    """The headers of `GET /shared/{secret}/stream`."""
    return await send(request, context, media, download=download, form=form, bit_rate=bit_rate, start=start)


@guests.get("/shared/{secret}/stream", summary="Play what a link shows", response_class=Response, responses=SOUND)
async def stream_shared(
    request: Request,
    context: Ctx,
    media: Shared,
    download: Download = False,
    form: Form = None,
    bit_rate: BitRate = 128,
    start: Start = 0.0,
) -> Response:
    """As `GET /media/{media_id}/stream`, for whoever holds the link."""
    return await send(request, context, media, download=download, form=form, bit_rate=bit_rate, start=start)


router = APIRouter(tags=["library"])
router.include_router(members)
router.include_router(guests)
