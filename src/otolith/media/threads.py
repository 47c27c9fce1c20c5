"""File work beside the event loop: in threads of its own, so that it takes none from the database's."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterator
from typing import Final, TypeVar

import anyio
from anyio.lowlevel import RunVar
from anyio.to_thread import run_sync

T = TypeVar("T")

BATCH: Final = 1 << 20
_AHEAD: Final = 4
_AT_ONCE: Final = 40
_limiter: RunVar[anyio.CapacityLimiter] = RunVar("otolith.media.threads")


def limiter() -> anyio.CapacityLimiter:
    """The threads for file work of this event loop."""
    try:
        return _limiter.get()
    except LookupError:
        made = anyio.CapacityLimiter(_AT_ONCE)
        _limiter.set(made)
        return made


async def in_thread(function: Callable[[], T]) -> T:
    return await run_sync(function, limiter=limiter())


async def pump(chunks: AsyncIterable[bytes], feed: Callable[[bytes], None]) -> None:
    """Hand a stream to `feed` in batches of about 1 MiB, in a thread, while the next ones are being received.

    Only a few batches wait in memory, so a slow disk slows the sender down. `feed` is never called twice at once and
    has returned when this ends, however it ends.
    """
    feeder = _Feeder(feed)
    try:
        async for batch in _batches(chunks):
            await feeder.put(batch)
        await feeder.finish()
    finally:
        await feeder.abandon()


class _Feeder:
    """Feeds batches in their order, in a thread that is taken when there are some and given back when there are not.

    So a slow sender holds no thread, and a fast one does not wait for a thread to wake up for each batch.
    """

    def __init__(self, feed: Callable[[bytes], None]) -> None:
        self._feed = feed
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[bytes] = deque()
        self._places = asyncio.Semaphore(_AHEAD)
        self._running: asyncio.Task[None] | None = None
        self._error: BaseException | None = None

    async def put(self, batch: bytes) -> None:
        await self._places.acquire()
        self._raise()
        self._waiting.append(batch)
        self._start()

    async def finish(self) -> None:
        """Wait until everything is fed."""
        while self._running is not None:
            await asyncio.wait([self._running])
        self._raise()

    async def abandon(self) -> None:
        """Forget what was not fed yet, and wait for the batch that is just being fed."""
        self._waiting.clear()
        while self._running is not None:
            await asyncio.wait([self._running])

    def _start(self) -> None:
        if self._running is None and self._waiting:
            self._running = asyncio.create_task(in_thread(self._drain))
            self._running.add_done_callback(self._ended)

    def _drain(self) -> None:
        while True:
            try:
                batch = self._waiting.popleft()
            except IndexError:
                return
            self._feed(batch)
            self._loop.call_soon_threadsafe(self._places.release)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running = None
        self._error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if self._error is None:
            # A batch may have come while the thread was on its way out.
            self._start()
        else:
            self._waiting.clear()
            self._places.release()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error


async def _batches(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    held: list[bytes] = []
    size = 0
    async for chunk in chunks:
        if not chunk:
            continue
        held.append(chunk)
        size += len(chunk)
        if size >= BATCH:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)


async def iterate(chunks: Iterator[bytes]) -> AsyncGenerator[bytes, None]:
    """What a generator of file contents yields, each step in a thread; it is closed at the end."""
    try:
        while (chunk := await in_thread(lambda: next(chunks, None))) is not None:
            yield chunk
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            with anyio.CancelScope(shield=True):
                await in_thread(close)
