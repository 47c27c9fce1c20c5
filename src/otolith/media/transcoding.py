"""Sending a recording in another form, made while it is heard."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Final

import anyio
from anyio.lowlevel import RunVar
from starlette.responses import Response, StreamingResponse
from starlette.types import Send

from otolith.core.context import Context
from otolith.core.errors import AppError, NotAvailable
from otolith.media import names
from otolith.media.listening import Limits, ListenFailure
from otolith.media.models import Media
from otolith.media.streaming import GUARD, open_unchanged
from otolith.media.threads import in_thread
from otolith.media.transcode import Recipe, TranscoderBusyError, TranscoderPool, Transcoding

# A listener waits a little for a place, and then hears that there is none.
_PATIENCE: Final = 3.0
_pool: RunVar[TranscoderPool] = RunVar("otolith.media.transcoders")


class TranscodingOff(AppError):
    """This server does not transcode; play the file as it is."""

    status = 501


class CannotTranscode(AppError):
    """The recording cannot be decoded."""

    status = 415


def _pool_of(context: Context) -> TranscoderPool:
    """The transcoders of this event loop, which is the server's one and only."""
    try:
        return _pool.get()
    except LookupError:
        settings = context.settings.media
        limits = Limits(max_seconds=settings.max_hours * 3600)
        pool = TranscoderPool(settings.transcoders, patience=_PATIENCE, limits=limits)
        _pool.set(pool)
        return pool


@contextmanager
def _file_of(context: Context, media: Media) -> Iterator[Path]:
    if media.path is None:
        with context.storage.local(media.stored or "") as path:
            yield path
    else:
        os.close(open_unchanged(media))
        yield Path(os.fsdecode(media.path))


async def transcode(context: Context, media: Media, recipe: Recipe, *, is_head: bool) -> Response:
    """The recording in another form from `recipe.start` seconds on, as fast as it is read and no faster."""
    if context.settings.media.transcoders == 0:
        raise TranscodingOff
    stem = media.name.rpartition(".")[0] or media.name
    headers = {
        **GUARD,
        "Content-Type": recipe.mime,
        "Accept-Ranges": "none",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": names.disposition(f"{stem}.{recipe.form}", attachment=False),
    }
    if is_head:
        # A response without a body of its own would promise a length of 0.
        return StreamingResponse(_nothing(), headers=headers)
    async with AsyncExitStack() as stack:
        holding = _file_of(context, media)
        path = await in_thread(holding.__enter__)
        stack.callback(holding.__exit__, None, None, None)
        try:
            stream = await stack.enter_async_context(_pool_of(context).open(path, recipe))
        except TranscoderBusyError as error:
            detail = "Every transcoder is busy. Try again in a moment, or play the file as it is."
            raise NotAvailable(detail, headers={"Retry-After": str(round(error.retry_after))}) from error
        except ListenFailure as failure:
            raise CannotTranscode(failure.detail, reason=failure.kind) from failure
        return _Transcoded(stream, headers, stack.pop_all())


async def _nothing() -> AsyncIterator[bytes]:
    for nothing in tuple[bytes, ...]():
        yield nothing


class _Transcoded(StreamingResponse):
    """A stream whose process ends with it, also when the listener goes away."""

    def __init__(self, stream: Transcoding, headers: dict[str, str], running: AsyncExitStack) -> None:
        super().__init__(stream, headers=headers)
        self._running = running

    async def stream_response(self, send: Send) -> None:
        try:
            await super().stream_response(send)
        finally:
            with anyio.CancelScope(shield=True):
                await self._running.aclose()
