"""Signing in and out, and the choice of language and colours."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from otolith.accounts.credentials import clear_cookies, session_cookies, set_cookies
from otolith.accounts.factors.service import CodeWanted, WrongCode
from otolith.accounts.limits.browsers import browser_of, keep_browser
from otolith.accounts.links import service as links
from otolith.accounts.sessions import service as sessions
from otolith.accounts.sessions.signing import ChallengeOver, Seat, WrongPassword, answer
from otolith.accounts.sessions.signing import sign_in as begin_session
from otolith.accounts.workspaces.service import home_of
from otolith.core.actor import Actor
from otolith.core.context import Context
from otolith.core.errors import NotSignedIn
from otolith.core.http import Ctx, MaybeActor
from otolith.core.i18n import LANGUAGE_COOKIE, LANGUAGES
from otolith.web.rendering import SHORTCUTS_COOKIE, THEME_COOKIE, THEMES, render, tongue_of

router = APIRouter(include_in_schema=False)

Text = Annotated[str, Form(max_length=4096)]
Back = Annotated[str, Form(alias="next", max_length=4096)]
YEAR = 31_536_000


def own_address(address: str) -> str:
    """The address if it leads to this very server, else the first page: a form may name any."""
    plain = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if plain and address.isprintable() else "/"


def own_workspace(session: Session, actor: Actor) -> UUID | None:
    """Where what somebody does in the pages goes: Home where they may change it, else the first that they may."""
    home = home_of(session, actor)
    editable = [one for one in sorted(actor.workspaces) if actor.may_edit(one)]
    if home in editable:
        return home
    return editable[0] if editable else None


@router.get("/sign-in")
def sign_in_page(
    request: Request, context: Ctx, actor: MaybeActor, back: Annotated[str, Query(alias="next", max_length=4096)] = "/"
) -> Response:
    if actor.kind != "anonymous":
        return RedirectResponse(own_address(back), 303)
    return _form(request, context, back)


def _form(request: Request, context: Context, back: str, username: str = "", fault: str | None = None) -> Response:
    values = {
        "next": own_address(back),
        "username": username,
        "fault": fault,
        "mails": links.sends_mail(context.settings),
        "registers": context.settings.accounts.registration,
    }
    return render(request, "sign_in.html", values, status=401 if fault else 200, address="/sign-in" if fault else None)


@router.post("/sign-in")
def sign_in(
    request: Request,
    context: Ctx,
    username: Text = "",
    password: Text = "",
    remember: Text = "",
    back: Back = "/",
) -> Response:
    try:
        signed_in = begin_session(
            context,
            username,
            password,
            address=request.client.host if request.client else "",
            user_agent=request.headers.get("user-agent", ""),
            remember=bool(remember),
            replaces=session_cookies(request.cookies),
            browser=browser_of(request),
        )
    except CodeWanted as asked:
        return _code_form(request, str(asked.extra["challenge"]), back)
    except WrongPassword:
        fault = tongue_of(request).words.say("The user name or the password is not right.")
        return _form(request, context, back, username, fault)
    response = RedirectResponse(own_address(back), 303)
    keep_browser(context, request, response, signed_in.user_id)
    set_cookies(response, context.settings, signed_in)
    return response


def _code_form(request: Request, challenge: str, back: str, *, fault: NotSignedIn | None = None) -> Response:
    values = {"challenge": challenge, "next": own_address(back), "fault": fault.detail if fault else None}
    page = render(request, "code.html", values, status=401 if fault else 200, address="/sign-in")
    page.headers["Cache-Control"] = "no-store"
    return page


@router.post("/sign-in/code")
def give_code(request: Request, context: Ctx, challenge: Text = "", code: Text = "", back: Back = "/") -> Response:
    seat = Seat(
        address=request.client.host if request.client else "",
        user_agent=request.headers.get("user-agent", ""),
        replaces=session_cookies(request.cookies),
    )
    try:
        signed_in = answer(context, challenge, code, seat, browser=browser_of(request))
    except WrongCode as fault:
        return _code_form(request, challenge, back, fault=fault)
    except ChallengeOver as over:
        return _form(request, context, back, fault=tongue_of(request).words.say(over.detail))
    response = RedirectResponse(own_address(back), 303)
    keep_browser(context, request, response, signed_in.user_id)
    set_cookies(response, context.settings, signed_in)
    return response


@router.post("/sign-out")
def sign_out(request: Request, context: Ctx) -> Response:
    sessions.sign_out(context, session_cookies(request.cookies))
    response = RedirectResponse("/sign-in", 303)
    clear_cookies(response, context.settings)
    return response


@router.post("/preferences")
def choose(
    context: Ctx,
    language: Text = "",
    theme: Text = "",
    shortcuts: Text = "",
    back: Back = "/",
) -> Response:
    """Keep what was chosen in cookies, which work before anybody signs in; what is unknown is left as it was."""
    response = RedirectResponse(own_address(back), 303)
    chosen = (
        (LANGUAGE_COOKIE, language, LANGUAGES),
        (THEME_COOKIE, theme, THEMES),
        (SHORTCUTS_COOKIE, shortcuts, ("on", "off")),
    )
    for name, value, known in chosen:
        if value in known:
            response.set_cookie(
                name, value, max_age=YEAR, path="/", samesite="lax", secure=context.settings.production_mode
            )
    return response
