"""Bounds on the head of a request, which is read before any of our code is asked.

uvicorn's fast parser keeps whatever headers a caller sends, for as long as they come, and waits for a head without end.
"""

from asyncio import BaseTransport, TimerHandle
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

LONGEST_HEAD: Final = 65_536
PATIENCE: Final = 30.0
_REFUSAL: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-type: text/plain; charset=utf-8\r\n"
    b"content-length: 41\r\n\r\nThe headers of this request are too long."
)


class BoundedHeads(HttpToolsProtocol):
    """A connection that ends when a head is longer than `longest` bytes, or not whole after `patience` seconds.

    What comes in one piece from the network is not cut, so a head that is whole then may be longer.
    """

    longest = LONGEST_HEAD
    patience = PATIENCE

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._heads = 0
        self._in_head = False
        self._length = 0
        self._late: TimerHandle | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type] # As above.
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        # The one head, if any, that all of these bytes belong to.
        head = self._heads if self._in_head else self._heads + 1 if self._is_idle() else None
        super().data_received(data)
        if not self._in_head or self.transport.is_closing():
            return
        if self._heads == head:
            self._length += len(data)
        if self._length > self.longest:
            self._refuse()
        elif self._late is None:
            self._wait()

    def on_message_begin(self) -> None:
        self._heads += 1
        self._in_head, self._length = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._stop_waiting()
        super().on_headers_complete()

    def _wait(self) -> None:
        self._late = self.loop.call_later(self.patience, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _is_idle(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete

    def _refuse(self) -> None:
        # Behind a request that is still being answered, a second answer would end up inside the first.
        if self._is_idle():
            self.transport.write(_REFUSAL)
        self.transport.close()
