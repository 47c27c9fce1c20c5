"""A limit on request bodies, applied before the first byte is read wherever the length is told."""

from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from otolith.core.errors import AppError, TooLarge, on_app_error

DEFAULT_LIMIT = 1_000_000


class LengthUnclear(AppError):
    """The Content-Length header is not a number."""

    status = 400


class BodyLimit:
    """Refuses bodies above `limit`, except under the `uploads` prefixes, whose routes have limits of their own."""

    def __init__(self, app: ASGIApp, *, limit: int = DEFAULT_LIMIT, uploads: Sequence[str] = ()) -> None:
        self.app = app
        self.limit = limit
        self.uploads = tuple(uploads)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._is_upload(scope["path"].removeprefix(scope.get("root_path", ""))):
            await self.app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "0")
        if not (length.isascii() and length.isdigit()):
            await self._refuse(LengthUnclear(), scope, receive, send)
        elif int(length) > self.limit:
            await self._refuse(self._too_large(), scope, receive, send)
        else:
            await self._count(scope, receive, send)

    async def _count(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the body on until it turns out too long, as one without a told length may."""
        read = 0

        async def receiving() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self.limit:
                raise self._too_large()
            return message

        async def sending(message: Message) -> None:
            # What the application makes of a body that was cut off is not its answer.
            if read <= self.limit:
                await send(message)

        try:
            await self.app(scope, receiving, sending)
        except TooLarge:
            if read <= self.limit:
                raise
        if read > self.limit:
            await self._refuse(self._too_large(), scope, receive, send)

    def _is_upload(self, path: str) -> bool:
        return any(path == prefix or path.startswith(f"{prefix}/") for prefix in self.uploads)

    def _too_large(self) -> TooLarge:
        detail = f"The body of this request may have {self.limit} bytes at most."
        return TooLarge(detail, headers={"Connection": "close"})

    async def _refuse(self, error: AppError, scope: Scope, receive: Receive, send: Send) -> None:
        await on_app_error(Request(scope), error)(scope, receive, send)
