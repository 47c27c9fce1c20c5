"""Links to single recordings: made and ended in the pages, and the page that they show."""

import datetime as dt
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError
from sqlalchemy.orm import Session

from otolith.core.actor import Actor
from otolith.core.db import now
from otolith.core.errors import AppError, NotAcceptable
from otolith.core.http import Ctx, CurrentActor, Reading, Writing, needs
from otolith.library import service as library
from otolith.library.sharing import service as sharing
from otolith.library.sharing.schemas import ShareIn, ShareOut
from otolith.web import queries
from otolith.web.rendering import API, NO_ADDRESS, Message, Tongue, render, tongue_of
from otolith.web.session import own_address

members = APIRouter(include_in_schema=False, dependencies=[needs("library")])
guests = APIRouter(include_in_schema=False)

PER_PAGE: Final = 50
# How long a new link works, in days; nothing means until it is ended.
LASTS: Final = ("7", "30", "365", "")


@members.get("/shares")
def list_shares(
    request: Request, session: Reading, actor: CurrentActor, cursor: Annotated[str, Query(max_length=500)] = ""
) -> Response:
    tongue, moment = tongue_of(request), now()
    page = sharing.list_shares(session, actor, cursor=cursor or None, limit=PER_PAGE)
    values = {
        "track": None,
        "shares": [_row(share, actor, tongue, moment) for share in page.items],
        "older": f"/shares?cursor={page.next}" if page.next else None,
        "newer": "/shares" if cursor else None,
        "url": "",
    }
    return _render(request, session, actor, values, "/shares")


@members.get("/tracks/{track_id}/share")
def shares_of(request: Request, session: Reading, actor: CurrentActor, track_id: UUID) -> Response:
    return _of_track(request, session, actor, track_id)


def _of_track(
    request: Request, session: Session, actor: Actor, track_id: UUID, *, url: str = "", fault: AppError | None = None
) -> Response:
    tongue, moment = tongue_of(request), now()
    track = library.get_track(session, actor, track_id)
    page = sharing.list_shares(session, actor, track_id=track_id, limit=PER_PAGE)
    say, span = tongue.words.say, tongue.formats.span
    values = {
        "track": {"id": track.id, "title": track.title},
        "may_share": actor.may_edit(track.workspace_id),
        "lasts": [(days, span(int(days) * 86_400) if days else say("until it is ended")) for days in LASTS],
        "shares": [_row(share, actor, tongue, moment) for share in page.items],
        "older": None,
        "newer": None,
        "url": url,
    }
    return _render(request, session, actor, values, f"/tracks/{track_id}/share", fault)


def _render(
    request: Request,
    session: Session,
    actor: Actor,
    values: dict[str, Any],
    address: str,
    fault: AppError | None = None,
) -> Response:
    page = render(
        request,
        "shares.html",
        values,
        actor=actor,
        section="shares",
        working=sum(queries.unfinished_jobs(session, actor).values()),
        messages=[Message("", bad=True, reason=fault.detail)] if fault else [],
        status=fault.status if fault else 200,
        address=address,
    )
    page.headers["Cache-Control"] = "no-store"
    return page


def _row(share: ShareOut, actor: Actor, tongue: Tongue, moment: dt.datetime) -> dict[str, Any]:
    say, formats = tongue.words.say, tongue.formats
    facts = [say("by %(name)s", name=share.username), formats.ago(share.created_at, moment)]
    used = formats.ago(share.used_at, moment) if share.used_at else None
    facts.append(say("last opened %(when)s", when=used) if used else say("never opened"))
    over = share.revoked_at is not None or (share.expires_at is not None and share.expires_at <= moment)
    if share.revoked_at is not None:
        facts.append(say("ended %(when)s", when=formats.ago(share.revoked_at, moment)))
    elif share.expires_at is not None:
        ends = formats.moment(share.expires_at)
        facts.append(say("expired %(when)s", when=ends) if over else say("works until %(when)s", when=ends))
    return {
        "id": share.id,
        "track_id": share.track_id if share.title is not None else None,
        "title": share.title if share.title is not None else say("A recording that is gone"),
        "note": share.note,
        "facts": facts,
        "over": over,
        "may_end": not over and actor.may_edit(share.workspace_id),
    }


@members.post("/tracks/{track_id}/share")
def share(
    request: Request,
    context: Ctx,
    actor: CurrentActor,
    track_id: UUID,
    note: Annotated[str, Form(max_length=1000)] = "",
    days: Annotated[str, Form(max_length=4)] = "30",
) -> Response:
    """Make a link and show it, this once, or show the form again with what was wrong."""
    expires_at = now() + dt.timedelta(days=int(days)) if days in LASTS and days else None
    fault: AppError | None = None
    url = ""
    try:
        wish = ShareIn(note=note, expires_at=expires_at)
        with context.database.write(actor) as session:
            url = sharing.share_track(session, context, actor, track_id, wish).url
    except ValidationError:
        fault = NotAcceptable("A note has at most 200 characters on one line.")
    except AppError as error:
        fault = error
    if url.startswith("/"):
        url = f"{str(request.base_url).rstrip('/')}{url}"
    with context.database.read(actor) as session:
        return _of_track(request, session, actor, track_id, url=url, fault=fault)


@members.post("/shares/{share_id}/end")
def end(
    session: Writing,
    actor: CurrentActor,
    share_id: UUID,
    back: Annotated[str, Form(alias="next", max_length=4096)] = "/shares",
) -> Response:
    sharing.end_share(session, actor, share_id)
    return RedirectResponse(own_address(back), 303)


@guests.get("/shared/{secret}")
def shared(request: Request, context: Ctx, secret: str) -> Response:
    """The one recording that a link shows, for somebody who need not have an account."""
    track, media = sharing.open_track(context, secret)
    stream = f"{API}/shared/{secret}/stream"
    values = {
        "track": track,
        "stream": stream,
        "mime": media.mime or "",
        "fallback": f"{stream}?format=mp3" if context.settings.media.transcoders else "",
        "until": tongue_of(request).formats.moment(track.expires_at) if track.expires_at else "",
    }
    page = render(request, "shared.html", values)
    # The address is the secret: it is told to nobody else, and kept by no cache and no search engine.
    page.headers.update(
        {"Cache-Control": "no-store", "Referrer-Policy": NO_ADDRESS, "X-Robots-Tag": "noindex, nofollow"}
    )
    return page
