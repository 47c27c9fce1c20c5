"""Signing in and out over HTTP, renewing a session, and the devices that one is signed in on."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from otolith.accounts.credentials import REFRESH_COOKIE, clear_cookies, csrf_of, session_cookies, set_cookies
from otolith.accounts.limits.browsers import browser_of, keep_browser
from otolith.accounts.models import UserSession
from otolith.accounts.sessions import service
from otolith.accounts.sessions.schemas import CodeIn, Credentials, CsrfOut, SessionOut, SessionsOut, SignedInOut
from otolith.accounts.sessions.secrets import SignedIn
from otolith.accounts.sessions.signing import Seat, answer
from otolith.accounts.sessions.signing import sign_in as begin_session
from otolith.core.actor import Actor
from otolith.core.context import Context
from otolith.core.errors import NotFound, NotSignedIn, responses
from otolith.core.http import Ctx, CurrentActor, Reading

router = APIRouter(tags=["accounts"])


def _told(response: Response, context: Context, signed_in: SignedIn) -> SignedInOut:
    set_cookies(response, context.settings, signed_in)
    return SignedInOut(
        username=signed_in.user_name,
        csrf_token=signed_in.csrf_token,
        access_until=signed_in.access_until,
        expires_at=signed_in.expires_at,
    )


@router.post("/auth/login", summary="Sign in", responses=responses(NotSignedIn))
def sign_in(body: Credentials, request: Request, response: Response, context: Ctx) -> SignedInOut:
    """Begin a session. It lives in cookies that scripts cannot read; another cookie holds the CSRF token."""
    signed_in = begin_session(
        context,
        body.username,
        body.password,
        address=request.client.host if request.client else "",
        user_agent=request.headers.get("user-agent", ""),
        remember=body.remember,
        replaces=session_cookies(request.cookies),
        browser=browser_of(request),
    )
    keep_browser(context, request, response, signed_in.user_id)
    return _told(response, context, signed_in)


@router.post("/auth/login/code", summary="Sign in with a code", responses=responses(NotSignedIn))
def give_code(body: CodeIn, request: Request, response: Response, context: Ctx) -> SignedInOut:
    """After a problem `code-wanted`, whose `challenge` works for five minutes and five tries."""
    seat = Seat(
        address=request.client.host if request.client else "",
        user_agent=request.headers.get("user-agent", ""),
        replaces=session_cookies(request.cookies),
    )
    signed_in = answer(context, body.challenge, body.code, seat, browser=browser_of(request))
    keep_browser(context, request, response, signed_in.user_id)
    return _told(response, context, signed_in)


@router.post("/auth/refresh", summary="Renew your session", responses=responses(NotSignedIn))
def renew_session(request: Request, response: Response, context: Ctx) -> SignedInOut:
    """New secrets for this session. Browsers need not ask: any request renews a session where it has to be."""
    refresh = request.cookies.get(REFRESH_COOKIE)
    renewed = service.renew(context, refresh) if refresh else None
    if renewed is None:
        raise service.SessionOver
    return _told(response, context, renewed)


@router.post("/auth/logout", summary="Sign out", status_code=204)
def sign_out(request: Request, response: Response, context: Ctx) -> None:
    """End this session and forget its cookies. Signing out twice is no error."""
    service.sign_out(context, session_cookies(request.cookies))
    clear_cookies(response, context.settings)


@router.get("/auth/csrf", summary="The CSRF token of this session")
def csrf_token(request: Request, actor: CurrentActor) -> CsrfOut:
    """For a page that lost the readable cookie. An API token needs no CSRF token and gets none."""
    held = session_cookies(request.cookies)
    if actor.session_id is None or not held:
        detail = "Only a session has a CSRF token; an API token needs none."
        raise NotSignedIn(detail)
    return CsrfOut(csrf_token=csrf_of(held[0]))


@router.get("/sessions", summary="Where you are signed in")
def list_sessions(session: Reading, actor: CurrentActor) -> SessionsOut:
    """Your browsers and devices, the one last seen first."""
    items = [_shown(seat, actor) for seat in service.devices(session, actor)]
    return SessionsOut(items=items, total=len(items))


@router.delete("/sessions", summary="Sign out everywhere else", status_code=204)
def end_other_sessions(context: Ctx, actor: CurrentActor) -> None:
    """End all your sessions but the one that asks; API tokens stay."""
    service.end_other_devices(context, actor)


@router.delete("/sessions/{session_id}", summary="Sign out one device", status_code=204, responses=responses(NotFound))
def end_session(session_id: UUID, context: Ctx, actor: CurrentActor) -> None:
    """The browser is signed out at once, with what it follows live."""
    service.end_device(context, actor, session_id)


def _shown(seat: UserSession, actor: Actor) -> SessionOut:
    return SessionOut(
        id=seat.id,
        user_agent=seat.user_agent,
        address=seat.address,
        remembered=seat.remembered,
        current=seat.id == actor.session_id,
        created_at=seat.created_at,
        seen_at=seat.seen_at,
        expires_at=seat.expires_at,
    )
