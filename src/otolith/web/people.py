"""One's own account in the pages: profile, password, address, and where one is signed in."""

from collections.abc import Sequence
from typing import Annotated, Any, Final
from uuid import UUID

import segno
from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from markupsafe import Markup
from sqlalchemy.orm import Session

from otolith.accounts.factors import service as factors
from otolith.accounts.links import service as links
from otolith.accounts.models import User, UserSession
from otolith.accounts.sessions import service as sessions
from otolith.core.actor import Actor
from otolith.core.context import Context
from otolith.core.db import now
from otolith.core.errors import AppError
from otolith.core.http import Ctx, CurrentActor, Reading
from otolith.web import queries
from otolith.web.rendering import Message, Tongue, render, tongue_of
from otolith.web.words import mark

router = APIRouter(include_in_schema=False)

Line = Annotated[str, Form(max_length=400)]
Secret = Annotated[str, Form(max_length=4096)]
Done = Annotated[str, Query(max_length=20)]
DONE: Final = {
    "profile": mark("Your profile is changed."),
    "password": mark("Your password is changed, and all other sessions have ended."),
    "address": mark("A link is on its way to the new address; follow it to make the address yours."),
    "codes": mark("Codes are asked for no more."),
    "device": mark("That device is signed out."),
    "devices": mark("All other devices are signed out."),
}


@router.get("/account")
def account(request: Request, context: Ctx, session: Reading, actor: CurrentActor, done: Done = "") -> Response:
    return _page(request, context, session, actor, done=done)


def _page(
    request: Request,
    context: Context,
    session: Session,
    actor: Actor,
    *,
    done: str = "",
    fault: AppError | None = None,
) -> Response:
    tongue = tongue_of(request)
    user = session.get(User, actor.user_id)
    values = {
        "user": user,
        "devices": [_row(seat, actor, tongue) for seat in sessions.devices(session, actor)],
        "codes": factors.state(context, actor),
        "mails": links.sends_mail(context.settings),
        "least": context.settings.accounts.password_length,
    }
    messages = [Message(tongue.words.say(DONE[done]))] if done in DONE else []
    messages += [Message("", bad=True, reason=fault.detail)] if fault else []
    return render(
        request,
        "account.html",
        values,
        actor=actor,
        section="account",
        working=sum(queries.unfinished_jobs(session, actor).values()),
        messages=messages,
        status=fault.status if fault else 200,
        address="/account",
    )


def _row(seat: UserSession, actor: Actor, tongue: Tongue) -> dict[str, Any]:
    say, formats = tongue.words.say, tongue.formats
    facts = [say("signed in %(when)s", when=formats.ago(seat.created_at, now()))]
    facts.append(say("last seen %(when)s", when=formats.ago(seat.seen_at, now())))
    if seat.address:
        facts.append(seat.address)
    return {
        "id": seat.id,
        "name": _device(seat.user_agent) or say("Unknown device"),
        "facts": facts,
        "current": seat.id == actor.session_id,
    }


# Earlier names win, because browsers claim to be one another.
_BROWSERS: Final = (
    *(("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari")),
    *(("curl/", "curl"), ("python", "Python")),
)
_SYSTEMS: Final = (
    *(("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS", "macOS")),
    *(("CrOS", "ChromeOS"), ("Linux", "Linux")),
)


def _device(user_agent: str) -> str:
    """What a browser says it is, in two words people know; nothing where it says none that we do."""
    found = [next((name for sign, name in known if sign in user_agent), "") for known in (_BROWSERS, _SYSTEMS)]
    return " · ".join(name for name in found if name) or user_agent[:60]


def _refused(request: Request, context: Context, actor: Actor, fault: AppError) -> Response:
    with context.database.read(actor) as session:
        return _page(request, context, session, actor, fault=fault)


@router.post("/account/profile")
def change_profile(context: Ctx, actor: CurrentActor, display_name: Line = "") -> Response:
    name = " ".join(display_name.split())[:200]
    links.change_profile(context, actor, "".join(letter for letter in name if letter.isprintable()))
    return RedirectResponse("/account?done=profile", 303)


@router.post("/account/password")
def change_password(
    request: Request, context: Ctx, actor: CurrentActor, current: Secret = "", password: Secret = ""
) -> Response:
    try:
        links.change_password(context, actor, current, password)
    except AppError as fault:
        return _refused(request, context, actor, fault)
    return RedirectResponse("/account?done=password", 303)


@router.post("/account/address")
def change_address(
    request: Request, context: Ctx, actor: CurrentActor, current: Secret = "", email: Line = ""
) -> Response:
    try:
        links.ask_for_address(context, actor, current, email, tongue_of(request).language)
    except AppError as fault:
        return _refused(request, context, actor, fault)
    return RedirectResponse("/account?done=address", 303)


@router.post("/account/codes")
def set_up_codes(request: Request, context: Ctx, actor: CurrentActor, current: Secret = "") -> Response:
    """Show what the app reads, and ask for a code of it."""
    try:
        setup = factors.begin_setup(context, links.confirmed(context, actor, current))
    except AppError as fault:
        return _refused(request, context, actor, fault)
    return _codes_page(request, context, actor, setup=setup)


@router.post("/account/codes/confirm")
def confirm_codes(request: Request, context: Ctx, actor: CurrentActor, code: Line = "") -> Response:
    try:
        kept = factors.finish_setup(context, actor, sessions.in_person(actor), code)
    except AppError as fault:
        return _refused(request, context, actor, fault)
    return _codes_page(request, context, actor, kept=kept)


@router.post("/account/codes/off")
def switch_codes_off(request: Request, context: Ctx, actor: CurrentActor, current: Secret = "") -> Response:
    try:
        factors.switch_off(context, actor, links.confirmed(context, actor, current).id)
    except AppError as fault:
        return _refused(request, context, actor, fault)
    return RedirectResponse("/account?done=codes", 303)


def _codes_page(
    request: Request,
    context: Context,
    actor: Actor,
    *,
    setup: factors.Setup | None = None,
    kept: Sequence[str] = (),
) -> Response:
    picture = Markup(segno.make(setup.address, error="m").svg_inline(scale=5, omitsize=True)) if setup else None  # noqa: S704 -- The library draws it, of squares alone.
    values = {"secret": setup.secret if setup else "", "picture": picture, "kept": kept}
    with context.database.read(actor) as session:
        working = sum(queries.unfinished_jobs(session, actor).values())
    page = render(request, "codes.html", values, actor=actor, section="account", working=working, address="/account")
    page.headers["Cache-Control"] = "no-store"
    return page


@router.post("/account/devices/{session_id}/end")
def end_device(session_id: UUID, context: Ctx, actor: CurrentActor) -> Response:
    sessions.end_device(context, actor, session_id)
    return RedirectResponse("/account?done=device#devices", 303)


@router.post("/account/devices/end")
def end_other_devices(context: Ctx, actor: CurrentActor) -> Response:
    sessions.end_other_devices(context, actor)
    return RedirectResponse("/account?done=devices#devices", 303)
