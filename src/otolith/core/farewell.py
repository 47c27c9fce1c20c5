"""A server that says goodbye: what never ends by itself is told to, before the server waits for it."""

import socket
from collections.abc import Callable

import uvicorn


class PoliteServer(uvicorn.Server):
    """Calls `before_end` when it was told to stop, while its connections are still open.

    uvicorn waits for open answers and cancels what is left; a live feed would always be among that.
    """

    def __init__(self, config: uvicorn.Config, before_end: Callable[[], None]) -> None:
        super().__init__(config)
        self._before_end = before_end

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._before_end()
        await super().shutdown(sockets)
