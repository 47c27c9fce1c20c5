"""Where requests meet their limits: at the door for signing in, and behind the check of who calls for the rest."""

import hashlib
import ipaddress
import re
from collections.abc import Callable
from typing import Final, Literal

from anyio import to_thread
from fastapi.requests import HTTPConnection
from limits import RateLimitItem, parse
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from otolith.accounts.limits.counting import Allowance, Counting
from otolith.accounts.limits.stores import store_of
from otolith.core.actor import Actor
from otolith.core.context import Context
from otolith.core.errors import NotSignedIn, TooManyRequests, on_app_error
from otolith.core.settings import PREFIX, BadSettings, LimitSettings

Kind = Literal["sign_in", "anonymous", "token", "session"]

# What a page or a player asks for many times by itself: ranges of sound, pictures and streams of events.
UNCOUNTED: Final = re.compile(
    r"/media/[^/]+/(stream|waveform)|/shared/[^/]+/stream"
    r"|/(tracks|albums)/[^/]+/cover|/artists/[^/]+/image|/jobs/events|/ws/.*|/static/.*|/events(/.*)?"
)
# Ending a session or exchanging a refresh cookie guesses nothing: its secret has 256 bits.
_NO_GUESS: Final = frozenset({"/auth/logout", "/auth/refresh", "/auth/csrf"})
_STATE: Final = "otolith_allowance"
_GUESSED: Final = re.compile(r"/auth/.*|/sign-in(/.*)?|/(forgot|register|account/password)(/.*)?")


def limit_of(name: str, text: str) -> RateLimitItem:
    """The limit that a setting writes as `100/minute`, or as `100`, which means a minute."""
    try:
        limit = parse(f"{text.strip()}/minute" if text.strip().isdecimal() else text)
    except ValueError:
        limit = None
    if limit is None or limit.amount < 1:
        detail = f"{PREFIX}LIMITS_{name} holds {text!r}, which is no limit such as 100/minute."
        raise BadSettings(detail)
    return limit


def limits_of(settings: LimitSettings) -> dict[Kind, RateLimitItem]:
    """The limit of each kind of caller."""
    general = str(settings.per_minute)
    return {
        "sign_in": limit_of("SIGN_IN", settings.sign_in),
        "anonymous": limit_of("ANONYMOUS", settings.anonymous or general),
        "token": limit_of("TOKEN", settings.token or general),
        "session": limit_of("SESSION", settings.session),
    }


def network_of(address: str) -> str:
    """The address, or of IPv6 the network of 64 bits that one subscriber has."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv4Address):
        return str(known)
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return str(ipaddress.ip_network((known, 64), strict=False).network_address)


def path_of(scope: Scope) -> str:
    """The path as the API knows it, whatever prefix led here."""
    path: str = scope["path"].removeprefix(scope.get("root_path", ""))
    return path.removeprefix("/api")


def allowance_of(connection: HTTPConnection) -> Allowance | None:
    """What the caller of this request has left, where it was counted."""
    found: Allowance | None = connection.scope.get("state", {}).get(_STATE)
    return found


class RequestLimits:
    """The limits of one process: who asked, and what that leaves them."""

    def __init__(self, context: Context) -> None:
        self.enabled = context.settings.limits.enabled
        self._limits = limits_of(context.settings.limits)
        self._counting = Counting(store_of(context)) if self.enabled else None

    def take(self, kind: Kind, subject: str) -> Allowance | None:
        """Count one request of this caller; raises `TooManyRequests` when that is one too many."""
        if self._counting is None:
            return None
        return self._counting.take(_key(kind, subject), self._limits[kind])

    def refuse_spent(self, kind: Kind, subject: str) -> None:
        """Raise what `take` would, where this process already knows; it asks nobody, so it never waits."""
        if self._counting is not None:
            self._counting.refuse_spent(_key(kind, subject), self._limits[kind])

    def authenticated(self, authenticate: Callable[[HTTPConnection], Actor]) -> Callable[[HTTPConnection], Actor]:
        """`authenticate`, and then the limit of whoever it found; wrong credentials count for their network."""

        def find(connection: HTTPConnection) -> Actor:
            try:
                actor = authenticate(connection)
            except NotSignedIn:
                self._count(connection, "anonymous", _network(connection.scope))
                raise
            if actor.token_id is not None:
                self._count(connection, "token", str(actor.token_id))
            elif actor.user_id is not None:
                self._count(connection, "session", str(actor.user_id))
            else:
                self._count(connection, "anonymous", _network(connection.scope))
            return actor

        return find if self.enabled else authenticate

    def _count(self, connection: HTTPConnection, kind: Kind, subject: str) -> None:
        scope = connection.scope
        if scope["type"] != "http" or UNCOUNTED.fullmatch(path_of(scope)) or _STATE in scope.get("state", {}):
            return
        allowance = self.take(kind, subject)
        scope.setdefault("state", {})[_STATE] = allowance


class LimitedDoor:
    """Counts attempts to sign in by network before anything else looks at them, and tells callers what is left."""

    def __init__(self, app: ASGIApp, limits: RequestLimits) -> None:
        self.app = app
        self.limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self.limits.enabled:
            await self.app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        if _guesses(scope):
            try:
                self.limits.refuse_spent("sign_in", _network(scope))
                state[_STATE] = await to_thread.run_sync(self.limits.take, "sign_in", _network(scope))
            except TooManyRequests as error:
                await on_app_error(Request(scope), error)(scope, receive, send)
                return

        async def sending(message: Message) -> None:
            allowance: Allowance | None = state.get(_STATE)
            if message["type"] == "http.response.start" and allowance is not None:
                headers = MutableHeaders(scope=message)
                for name, value in allowance.headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, sending)


def _key(kind: Kind, subject: str) -> bytes:
    return hashlib.sha256(f"{kind}\0{subject}".encode("utf-8", "replace")).digest()


def _guesses(scope: Scope) -> bool:
    path = path_of(scope)
    return scope["method"] == "POST" and path not in _NO_GUESS and _GUESSED.fullmatch(path) is not None


def _network(scope: Scope) -> str:
    client = scope.get("client")
    return network_of(client[0]) if client else "unix"
