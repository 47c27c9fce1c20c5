"""File work beside the event loop: in threads of its own, so that it takes none from the database's."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterator
from functools import partial
from typing import Final, TypeVar

import anyio
from anyio.lowlevel import RunVar
from anyio.to_thread import run_sync

T = TypeVar("T")

BATCH: Final = 1 << 20
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
    """Hand a stream to `feed` in batches of about 1 MiB, in a thread, while the next batch is being received.

    No more than two batches are in memory, so a slow disk slows the sender down. `feed` is never called twice at
    once and has returned when this ends, however it ends.
    """
    feeding: asyncio.Task[None] | None = None
    try:
        async for batch in _batches(chunks):
            if feeding is not None:
                await feeding
            feeding = asyncio.create_task(in_thread(partial(feed, batch)))
        if feeding is not None:
            await feeding
    finally:
        if feeding is not None:
            await asyncio.wait([feeding])
            # Where another failure ended this, the one of the last batch counts as known.
            _ = feeding.cancelled() or feeding.exception()


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
