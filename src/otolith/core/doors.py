"""Who comes in at all: the hosts that this server answers for, TLS, and who may see its description and metrics."""

import re
from collections.abc import Callable, Sequence
from typing import Final

from anyio import to_thread
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from otolith.core.actor import Actor
from otolith.core.errors import AppError, NotAllowed, NotFound, NotSignedIn, on_app_error
from otolith.core.settings import Access

# Routes overlook a line break at the end of an address, and those who guard them do not.
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
# Asked by load balancers inside the network, by address and without TLS.
_PROBED: Final = re.compile(r"(/api)?/(health|ready)/?")
_GUARDED: Final = {
    "docs": re.compile(r"(/api)?/(docs|openapi\.json)/?"),
    "metrics": re.compile(r"(/api)?/metrics/?"),
}


class UnknownHost(AppError):
    """This server does not answer for the host that you asked; see OTOLITH_ALLOWED_HOSTS."""

    status = 400


class UnfitAddress(AppError):
    """No address of this server holds control characters."""

    status = 400


class Hosts:
    """Refuses requests for what is not ours, and sends those without TLS to where it is."""

    def __init__(self, app: ASGIApp, *, allowed: Sequence[str] = (), https: bool = False) -> None:
        self.app = app
        self.allowed = [name.lower().rstrip(".") for name in allowed]
        self.https = https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or _PROBED.fullmatch(scope["path"]):
            await self.app(scope, receive, send)
        elif _CONTROL.search(scope["path"]):
            await _refuse(UnfitAddress(), scope, receive, send)
        elif not self._knows(Headers(scope=scope).get("host", "")):
            await _refuse(UnknownHost(), scope, receive, send)
        elif self.https and scope["scheme"] in ("http", "ws"):
            await self._lead_to_tls(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _knows(self, host: str) -> bool:
        if not self.allowed:
            return True
        name = re.sub(r":\d+$", "", host.lower()).rstrip(".")
        return any(
            name.endswith(known[1:]) and name != known[2:] if known.startswith("*.") else name == known
            for known in self.allowed
        )

    async def _lead_to_tls(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await _refuse(NotAllowed("This server speaks only over TLS; use wss://."), scope, receive, send)
            return
        # The port of plain HTTP is not that of TLS.
        url = Request(scope).url.replace(scheme="https", port=None)
        await RedirectResponse(url, 308)(scope, receive, send)


class Guards:
    """Shows the API's description and the metrics only to those whom the settings name."""

    def __init__(self, app: ASGIApp, *, docs: Access, metrics: Access, find: Callable[[HTTPConnection], Actor]) -> None:
        self.app = app
        self.access: dict[str, Access] = {"docs": docs, "metrics": metrics}
        self.find = find

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        level = self._level(scope)
        if level != "everybody":
            try:
                await to_thread.run_sync(self._check, level, HTTPConnection(scope))
            except AppError as error:
                await _refuse(error, scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _level(self, scope: Scope) -> Access:
        if scope["type"] != "http":
            return "everybody"
        named = (name for name, paths in _GUARDED.items() if paths.fullmatch(scope["path"]))
        return self.access[name] if (name := next(named, None)) else "everybody"

    def _check(self, level: Access, connection: HTTPConnection) -> None:
        if level == "nobody":
            raise NotFound
        actor = self.find(connection)
        if actor.kind == "anonymous":
            raise NotSignedIn(headers={"WWW-Authenticate": "Bearer"})
        if level == "admins" and not actor.is_admin:
            raise NotAllowed


async def _refuse(error: AppError, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": error.detail[:100]})
        return
    await on_app_error(Request(scope), error)(scope, receive, send)
