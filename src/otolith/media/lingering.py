"""Refusing an upload so that its sender hears of it: the answer first, then a while of not slamming the door."""

import time
from collections.abc import Callable, Coroutine
from typing import Any, Final

import anyio
from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import Message, Receive, Scope, Send

from otolith.core.errors import AppError, on_app_error

_SECONDS: Final = 5.0
_BYTES: Final = 64 << 20


class UploadRoute(APIRoute):
    """A route whose errors are answered before the body was read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await answer(request)
            except AppError as error:
                return LingeringResponse(on_app_error(request, error))

        return handle


class LingeringResponse(Response):
    """Sends a whole answer at once, and reads on for a little before the connection ends.

    A server that closes a connection with unread data in it makes the kernel reset it, and the answer is lost with
    it. Where the client waits for `100 Continue` it has sent nothing yet, and is not asked to.
    """

    def __init__(self, answer: Response) -> None:
        self._answer = answer
        self.status_code = answer.status_code
        self.background = None
        self.body = answer.body
        self.raw_headers = answer.raw_headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        length = headers.get(b"content-length", b"")
        has_body = length not in (b"", b"0") or b"transfer-encoding" in headers
        if not has_body:
            await self._answer(scope, receive, send)
            return
        start: Message = {
            "type": "http.response.start",
            "status": self.status_code,
            "headers": [*self.raw_headers, (b"connection", b"close")],
        }
        await send(start)
        await send({"type": "http.response.body", "body": bytes(self.body), "more_body": True})
        if headers.get(b"expect", b"").lower() != b"100-continue":
            with anyio.move_on_after(_SECONDS):
                await _drain(receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _drain(receive: Receive) -> None:
    """Throw away what still comes, up to a limit: an honest client stops when it reads the answer."""
    left = _BYTES
    until = time.monotonic() + _SECONDS
    while left > 0 and time.monotonic() < until:
        message = await receive()
        if message["type"] != "http.request" or not message.get("more_body", False):
            return
        left -= len(message.get("body", b""))
