"""Refusing an upload so that its sender hears of it: the answer first, then a while of not slamming the door."""

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
    """A route whose errors may be answered before the body was read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def handle(request: Request) -> Response:
            body = _Body(request)
            try:
                return await answer(Request(request.scope, body.receive))
            except AppError as error:
                refusal = on_app_error(request, error)
                return refusal if body.is_over else LingeringResponse(refusal)

        return handle


class _Body:
    """Keeps an eye on whether a request's body has been read to its end."""

    def __init__(self, request: Request) -> None:
        self._receive = request.receive
        headers = request.headers
        self.is_over = headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers

    async def receive(self) -> Message:
        message = await self._receive()
        self.is_over = message["type"] != "http.request" or not message.get("more_body", False)
        return message


class LingeringResponse(Response):
    """Sends a whole answer at once, and reads on for a little before the connection ends.

    A server that closes a connection with unread data in it makes the kernel reset it, and the answer is lost with
    it. Where the client waits for `100 Continue` it has sent nothing yet, and is not asked to.
    """

    def __init__(self, answer: Response) -> None:
        self.status_code = answer.status_code
        self.background = None
        self.body = answer.body
        self.raw_headers = [*answer.raw_headers, (b"connection", b"close")]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": bytes(self.body), "more_body": True})
        if dict(scope["headers"]).get(b"expect", b"").lower() != b"100-continue":
            with anyio.move_on_after(_SECONDS):
                await _drain(receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _drain(receive: Receive) -> None:
    """Throw away what still comes, up to a limit: an honest client stops when it reads the answer."""
    left = _BYTES
    while left > 0:
        message = await receive()
        if message["type"] != "http.request" or not message.get("more_body", False):
            return
        left -= len(message.get("body", b""))
