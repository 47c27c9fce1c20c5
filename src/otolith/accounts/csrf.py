"""Protection from requests that another site makes in a signed-in browser's name."""

import re
from collections.abc import Collection
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from otolith.accounts.credentials import CSRF_FIELD, CSRF_HEADER, csrf_matches, session_cookies, token_of
from otolith.core.errors import NotAllowed, on_app_error

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# The token field is to be found within this many bytes of a form; in a multipart form it comes first.
FORM_HEAD = 65_536
# The field with its headers is shorter than this, so whatever was looked through before is looked at no further back.
_LONGEST_FIELD = 4096
# Every repetition is bounded and gives nothing back: anybody may send a body that is made to be searched forever.
_MULTIPART_FIELD = re.compile(
    rb'content-disposition:[ \t]{0,9}+form-data;[ \t]{0,9}+name="?' + CSRF_FIELD.encode() + rb'"?[ \t]{0,9}+\r\n'
    rb"(?:[^\r\n]{1,200}+\r\n){0,9}+\r\n([^\r\n]{0,200}+)\r\n",
    re.IGNORECASE,
)


class ForeignOrigin(NotAllowed):
    """Another site asked for this in your browser's name, and that is not allowed."""


class CsrfMissing(NotAllowed):
    """The CSRF token is missing or not right; load the page again, or send it as the X-CSRF-Token header."""


class CsrfGuard:
    """Refuses unsafe requests and WebSockets that come from foreign pages, before any route sees them.

    Three locks: the SameSite cookie, the origin that browsers tell, and a token that only our own pages can read.
    Requests that carry an API token are let through, because no browser adds one by itself.
    """

    def __init__(self, app: ASGIApp, *, origins: Collection[str], sign_in_paths: Collection[str]) -> None:
        self.app = app
        self.origins = frozenset(origins)
        # Signing in happens before there is a session to have a token of; the origin alone protects it.
        self.sign_in_paths = frozenset(sign_in_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._open_socket(scope, receive, send)
        elif scope["type"] != "http" or scope["method"] in SAFE_METHODS or token_of(Headers(scope=scope)):
            await self.app(scope, receive, send)
        elif not self._same_origin(HTTPConnection(scope)):
            await self._refuse(ForeignOrigin(), scope, receive, send)
        else:
            await self._double_submit(scope, receive, send)

    async def _open_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = HTTPConnection(scope)
        if token_of(connection.headers) or self._same_origin(connection):
            await self.app(scope, receive, send)
            return
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": "foreign origin"})

    def _same_origin(self, connection: HTTPConnection) -> bool:
        """Whether the page that asks is ours, as far as the browser tells; programs tell nothing and pass."""
        site = connection.headers.get("sec-fetch-site")
        origin = connection.headers.get("origin")
        if site == "same-origin":
            return True
        if origin is not None:
            return origin in self.origins or _is_own(origin, connection)
        return site in (None, "none")

    async def _double_submit(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = HTTPConnection(scope)
        held = session_cookies(connection.cookies)
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if not held or path in self.sign_in_paths:
            await self.app(scope, receive, send)
            return
        given = connection.headers.get(CSRF_HEADER)
        if given is None:
            head = _Head(receive)
            given = await _form_token(connection.headers.get("content-type", ""), head)
            receive = head.replay
        if given is None or not all(csrf_matches(cookie, given) for cookie in held):
            await self._refuse(CsrfMissing(), scope, receive, send)
            return
        await self.app(scope, receive, send)

    async def _refuse(self, error: NotAllowed, scope: Scope, receive: Receive, send: Send) -> None:
        await on_app_error(Request(scope), error)(scope, receive, send)


def _is_own(origin: str, connection: HTTPConnection) -> bool:
    """Whether the origin names the very host that was asked; the scheme may differ behind a TLS proxy."""
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return False
    default = {"http": 80, "https": 443}[parts.scheme]
    asked = urlsplit(f"//{connection.headers.get('host', '')}")
    try:
        asked_port = asked.port or default
    except ValueError:
        return False
    return parts.hostname == asked.hostname and (port or default) == asked_port


class _Head:
    """The beginning of a body, read to look for the token and then played again to the application."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._messages: list[Message] = []
        self.body = b""
        self.complete = False

    async def more(self) -> bool:
        """Read one more piece; False when there is none or when enough was read."""
        if self.complete or len(self.body) >= FORM_HEAD:
            return False
        message = await self._receive()
        self._messages.append(message)
        self.body += message.get("body", b"")
        self.complete = not message.get("more_body", False)
        return True

    async def replay(self) -> Message:
        return self._messages.pop(0) if self._messages else await self._receive()


async def _form_token(content_type: str, head: _Head) -> str | None:
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        while await head.more():
            continue
        if not head.complete or len(head.body) > FORM_HEAD:
            return None
        fields = parse_qs(head.body.decode("utf-8", "replace"))
        return next(iter(fields.get(CSRF_FIELD, [])), None)
    if kind == "multipart/form-data":
        seen = 0
        while (match := _MULTIPART_FIELD.search(head.body, max(0, seen - _LONGEST_FIELD), FORM_HEAD)) is None:
            seen = len(head.body)
            if not await head.more():
                return None
        return match.group(1).decode("latin-1")
    return None
