"""Transcoding on the fly, in a limited number of processes of its own, at the pace of whoever listens."""

import asyncio
import base64
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Literal

import structlog

from otolith.media.engine.failures import ListenFailure
from otolith.media.engine.limits import Limits
from otolith.media.engine.reader import Path
from otolith.media.listening import died, helper_environment

log = structlog.get_logger(__name__)

FormName = Literal["opus", "mp3"]

MIME: Final[dict[FormName, str]] = {"opus": "audio/ogg; codecs=opus", "mp3": "audio/mpeg"}
_CHUNK: Final = 1 << 16
_REFUSED: Final = 3
_BIT_RATES: Final[dict[FormName, tuple[int, int]]] = {"opus": (6_000, 510_000), "mp3": (8_000, 320_000)}


class TranscoderBusyError(Exception):
    """All transcoders are busy; try again in a few seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__("All transcoders are busy; try again in a few seconds.")
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to make of a file: the form, its bit rate in bit/s (bounded to what the encoder takes), where to begin.

    `metadata` are tags for the new stream ("title", "artist", "album", …).
    """

    form: FormName = "opus"
    bit_rate: int = 128_000
    start: float = 0.0
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def mime(self) -> str:
        return MIME[self.form]

    def bounded_bit_rate(self) -> int:
        low, high = _BIT_RATES[self.form]
        return min(high, max(low, self.bit_rate))


class Transcoding:
    """A stream of encoded sound, made no faster than it is read."""

    def __init__(self, child: asyncio.subprocess.Process, first: bytes, stall_seconds: float) -> None:
        self._child = child
        self._first = first
        self._stall_seconds = stall_seconds

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunk = self._first
        while chunk:
            yield chunk
            chunk = await read(self._child, self._stall_seconds)
        status = await self._child.wait()
        if status:
            # The headers are long sent: all that is left is to end the stream short, and to say so in the log.
            text = await self._child.stderr.read() if self._child.stderr is not None else b""
            log.warning("media.transcode.broke_off", status=status, tail=text[-1000:].decode("utf-8", "replace"))


class TranscoderPool:
    """At most `limit` transcodings at a time; others wait for `patience` seconds and are then told to come again.

    Belongs to the event loop it is first used in. A process ends with its stream, with its reader, and with us.
    """

    def __init__(
        self, limit: int = 2, *, patience: float = 10.0, stall_seconds: float = 60.0, limits: Limits | None = None
    ) -> None:
        self._places = asyncio.Semaphore(limit)
        self._patience = patience
        self._stall_seconds = stall_seconds
        self._limits = limits or Limits()

    @asynccontextmanager
    async def open(self, path: Path, recipe: Recipe) -> AsyncIterator[Transcoding]:
        """A transcoding whose first bytes are there; leaving the context ends it, whatever state it is in.

        Raises `ListenFailure` where the file cannot be heard and `TranscoderBusyError` where no place came free.
        """
        try:
            await asyncio.wait_for(self._places.acquire(), self._patience)
        except TimeoutError:
            raise TranscoderBusyError(max(1.0, self._patience)) from None
        try:
            child, life = await self._start(path, recipe)
            try:
                first = await read(child, self._stall_seconds)
                if not first:
                    raise await refusal(child)
                yield Transcoding(child, first, self._stall_seconds)
            finally:
                await end(child, life)
        finally:
            self._places.release()

    async def _start(self, path: Path, recipe: Recipe) -> tuple[asyncio.subprocess.Process, int]:
        theirs, ours = os.pipe()
        options = {
            "life": theirs,
            "path": base64.b64encode(os.fsencode(path)).decode("ascii"),
            "form": recipe.form,
            "bit_rate": recipe.bounded_bit_rate(),
            "start": max(0.0, recipe.start),
            "metadata": dict(recipe.metadata),
            "limits": self._limits.as_dict(),
        }
        try:
            child = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "otolith.media.engine.encoder", json.dumps(options)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                pass_fds=(theirs,),
                start_new_session=True,
                env=helper_environment(),
                limit=_CHUNK,
            )
        except OSError as error:
            os.close(ours)
            detail = f"The transcoder's process could not be started: {error.strerror}."
            raise ListenFailure("crash", detail) from error
        finally:
            os.close(theirs)
        return child, ours


async def read(child: asyncio.subprocess.Process, stall_seconds: float) -> bytes:
    """The next bytes, nothing at the end; a process that makes nothing for too long is given up."""
    if child.stdout is None:
        return b""
    try:
        return await asyncio.wait_for(child.stdout.read(_CHUNK), stall_seconds)
    except TimeoutError:
        detail = f"Transcoding got stuck: nothing came for {stall_seconds:g} s."
        raise ListenFailure("timeout", detail) from None


async def refusal(child: asyncio.subprocess.Process) -> ListenFailure:
    """Why a process ended without a sound."""
    text = (await child.stderr.read()).decode("utf-8", "replace").strip() if child.stderr is not None else ""
    status = await child.wait()
    if status == _REFUSED:
        kind, detail = json.loads(text.splitlines()[-1])
        return ListenFailure(kind, detail)
    log.warning("media.transcode.died", status=status, tail=text[-1000:])
    return died(status, text)


async def end(child: asyncio.subprocess.Process, life: int) -> None:
    """Stop the process if it still runs, and let go of what ties it to us."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if child.returncode is None:
            os.killpg(child.pid, signal.SIGKILL)
    os.close(life)
    for pipe in (child.stdout, child.stderr):
        # asyncio learns of the end through the pipes, and it had stopped reading the one that nobody emptied.
        while pipe is not None and await pipe.read(_CHUNK):
            continue
    await child.wait()
