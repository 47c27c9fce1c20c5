"""Who is behind the cookies of a request, and what its answer has to tell the browser about them."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from otolith.accounts.actors import actor_with_session
from otolith.accounts.credentials import (
    REFRESH_COOKIE,
    SESSION_COOKIE,
    digest,
    session_cookies,
    set_cookies,
)
from otolith.accounts.sessions import queries
from otolith.accounts.sessions.secrets import SignedIn
from otolith.accounts.sessions.service import current_refresh, renew
from otolith.accounts.touching import TOUCH_EVERY, touch
from otolith.core.actor import ANONYMOUS, SYSTEM, Actor
from otolith.core.context import Context
from otolith.core.db import now
from otolith.core.settings import Settings

_RENEWAL = "otolith_renewal"


@dataclass(slots=True)
class _Renewal:
    """Whether the answer can still carry cookies, and those that it is to carry."""

    open: bool = True
    renewed: SignedIn | None = None


class SessionRenewal:
    """Lets a browser keep its session: where a request had to renew it, the answer brings the new cookies.

    It has to stand outside of whatever answers errors, so that no answer is without them.
    """

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        self.app = app
        self.settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not session_cookies(HTTPConnection(scope).cookies):
            await self.app(scope, receive, send)
            return
        renewal = _Renewal()
        scope.setdefault("state", {})[_RENEWAL] = renewal

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                renewal.open = False
                self._bring(renewal.renewed, message)
            await send(message)

        await self.app(scope, receive, sending)

    def _bring(self, renewed: SignedIn | None, message: Message) -> None:
        headers = MutableHeaders(scope=message)
        given = headers.getlist("set-cookie")
        # Signing in and out set cookies of their own, which are newer.
        if renewed is None or any(cookie.startswith(f"{SESSION_COOKIE}=") for cookie in given):
            return
        carrier = Response()
        set_cookies(carrier, self.settings, renewed)
        for cookie in carrier.headers.getlist("set-cookie"):
            headers.append("set-cookie", cookie)


def actor_of_browser(context: Context, connection: HTTPConnection) -> Actor:
    """The caller behind the cookies of a request; whoever was let in by them is asked about by the session's id.

    So a stream goes on when its cookies are renewed by other requests, and ends when its session does.
    """
    known: Actor | None = getattr(connection.state, "actor", None)
    if known is not None and known.session_id is not None:
        return _actor_of_id(context, known.session_id)
    secret = connection.cookies.get(SESSION_COOKIE)
    actor = actor_of_session(context, secret) if secret else ANONYMOUS
    refresh = connection.cookies.get(REFRESH_COOKIE)
    if actor.kind == "anonymous" and refresh:
        return _actor_of_refresh(context, connection, refresh)
    return actor


def actor_of_session(context: Context, secret: str) -> Actor:
    """The caller behind a session's secret; nobody when it has to be renewed or its user was deactivated."""
    with context.database.read(SYSTEM) as session:
        rows = queries.seat_by_secret(session, digest(secret), now())
    return _actor(context, rows)


def _actor_of_id(context: Context, session_id: UUID) -> Actor:
    with context.database.read(SYSTEM) as session:
        return _actor(context, queries.seat_by_id(session, session_id, now()))


def _actor_of_refresh(context: Context, connection: HTTPConnection, refresh: str) -> Actor:
    renewal: _Renewal | None = getattr(connection.state, _RENEWAL, None)
    if renewal is not None and renewal.open:
        renewal.renewed = renew(context, refresh)
        return _actor_of_id(context, renewal.renewed.session_id) if renewal.renewed else ANONYMOUS
    # A WebSocket cannot bring cookies, so what it came with stays as it is.
    at = now()
    with context.database.read(SYSTEM) as session:
        return _actor(context, queries.seat_by_refresh(session, current_refresh(session, refresh, at), at))


def _actor(context: Context, rows: Sequence[queries.SeatRow]) -> Actor:
    if not rows:
        return ANONYMOUS
    seat, user = rows[0][0], rows[0][1]
    at = now()
    if at - seat.seen_at > TOUCH_EVERY:
        touch(context, lambda session: queries.touch_session(session, seat.id, at))
    memberships = {workspace: role for _, _, workspace, role in rows if workspace is not None and role is not None}
    return actor_with_session(user, memberships, seat.id, context.settings.accounts)
