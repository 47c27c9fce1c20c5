"""Listening to files in a warm process of its own, which may be killed at any time and never takes us with it."""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, Final, Self

import msgpack
import structlog

from otolith.media.engine import process
from otolith.media.engine.failures import Kind, ListenFailure
from otolith.media.engine.heard import Heard, Note, Sound
from otolith.media.engine.limits import MIB, Limits
from otolith.media.engine.picture import Picture
from otolith.media.engine.reader import Path
from otolith.media.engine.tagging import Tags

__all__ = ["Heard", "Limits", "ListenFailure", "Listener", "Note", "Picture", "Sound", "Tags"]

log = structlog.get_logger(__name__)

OnProgress = Callable[[float, float], None]

_TAGS: Final = Limits(wall_seconds=600.0, memory_bytes=256 * MIB)
_PICTURE: Final = Limits(wall_seconds=60.0, memory_bytes=512 * MIB)
# After these the helper ends by itself, and may be halfway through it when the next call comes.
_LAST_WORDS: Final = ("memory", "crash")
_TICK: Final = 0.25
_TAIL: Final = 4096
# What the interpreter, NumPy, SciPy and FFmpeg take before the first sample.
_RESIDENT: Final = 256 * MIB
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
# The helper meets untrusted files: it is told nothing of our environment that it does not need, no secret above all.
_PASSED: Final = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
_PASSED_TOO: Final = ("LD_LIBRARY_PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX")
_THREADS: Final = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
# glibc hands every freed array back to the kernel and takes it anew page by page, which costs a quarter of an analysis.
# Kept until the end of a call, when the helper gives everything back, it costs nothing.
_ALLOCATOR: Final = {"MALLOC_MMAP_THRESHOLD_": str(32 * MIB), "MALLOC_TRIM_THRESHOLD_": str(64 * MIB)}


def helper_environment() -> dict[str, str]:
    """The environment of a process that meets untrusted files."""
    passed = {name: os.environ[name] for name in _PASSED + _PASSED_TOO if name in os.environ}
    return passed | dict.fromkeys(_THREADS, "1") | _ALLOCATOR


@dataclass(slots=True)
class _Helper:
    """One running helper process and our ends of its pipes."""

    child: subprocess.Popen[bytes]
    life: int
    owner: int = field(default_factory=os.getpid)
    unpacker: Any = field(default_factory=process.unpacker)
    tail: bytes = b""

    @classmethod
    def start(cls, idle_seconds: float, extra: Sequence[str]) -> Self:
        theirs, ours = os.pipe()
        options = json.dumps({"life": theirs, "idle": idle_seconds, "extra": list(extra)})
        try:
            child = subprocess.Popen(  # noqa: S603 - our own module, by our own interpreter
                [sys.executable, "-P", "-m", "otolith.media.engine.helper", options],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(theirs,),
                start_new_session=True,
                env=helper_environment(),
                bufsize=0,
            )
        except OSError:
            os.close(ours)
            raise
        finally:
            os.close(theirs)
        return cls(child, ours)

    @property
    def alive(self) -> bool:
        return self.owner == os.getpid() and self.child.poll() is None

    def resident(self) -> int:
        """Bytes of memory in use, 0 where that cannot be told."""
        try:
            return int(FilePath(f"/proc/{self.child.pid}/statm").read_text(encoding="ascii").split()[1]) * _PAGE
        except (OSError, IndexError, ValueError):
            return 0

    def end(self, *, kill: bool = True) -> int | None:
        """Stop the process and everything it may have started, and let go of the pipes; the exit status."""
        if self.owner != os.getpid():
            return None
        if kill:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.child.pid, signal.SIGKILL)
        for pipe in (self.child.stdin, self.child.stdout, self.child.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        with contextlib.suppress(OSError):
            os.close(self.life)
        return self.child.wait()


@dataclass(slots=True)
class _Deadlines:
    """When one call has taken too long, or has been silent for too long."""

    limits: Limits
    begun: float = field(default_factory=time.monotonic)
    heard: float = field(default_factory=time.monotonic)

    def check(self, resident: int) -> None:
        now, limits = time.monotonic(), self.limits
        if now - self.begun > limits.wall_seconds:
            raise ListenFailure("timeout", f"The file took longer than {limits.wall_seconds:g} s, which is the limit.")
        if now - self.heard > limits.stall_seconds:
            raise ListenFailure("timeout", f"Decoding got stuck: no progress for {limits.stall_seconds:g} s.")
        if resident > limits.memory_bytes + _RESIDENT:
            raise ListenFailure("memory", "Analysing this file needs more memory than a sound file may have.")


class Listener:
    """The way to have files heard, probed and their tags read: one warm helper process, one call at a time.

    The helper starts with the first call, is started again after it was killed or crashed, and ends by itself
    when nothing is asked for `idle_seconds`. Calls from several threads wait for each other; `cancel` may be called
    from any thread. `extra_modules` names modules outside Otolith whose engines may run (for tests and plug-ins).
    """

    def __init__(self, *, idle_seconds: float = 60.0, extra_modules: Sequence[str] = ()) -> None:
        self._idle_seconds = idle_seconds
        self._extra = tuple(extra_modules)
        self._helper: _Helper | None = None
        self._turn = threading.Lock()
        self._cancelled = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The helper's process id while there is one."""
        helper = self._helper
        return helper.child.pid if helper is not None and helper.alive else None

    def listen(
        self,
        path: Path,
        engines: Sequence[str],
        limits: Limits | None = None,
        on_progress: OnProgress | None = None,
    ) -> Heard:
        """Decode a file once and let the engines, named "module:Class", hear it.

        `on_progress` gets the share of the file read (0 to 1) and the seconds decoded, a few times a second; an
        exception it raises kills the helper and comes out of here. Raises `ListenFailure`.
        """
        for name in engines:
            if not process.allowed_engine(name, self._extra):
                raise ListenFailure("engine", f"{name!r} is not an engine of Otolith's.")
        request = {"call": "listen", "path": os.fsencode(path), "engines": list(engines)}
        return Heard.from_dict(self._call(request, limits or Limits(), on_progress))

    def probe(self, path: Path, limits: Limits | None = None) -> Sound:
        """What a file really is, from its headers and its first frame. Raises `ListenFailure`."""
        request = {"call": "probe", "path": os.fsencode(path)}
        return Sound.from_dict(self._call(request, limits or Limits(wall_seconds=60.0), None))

    def tags(self, path: Path, limits: Limits | None = None) -> Tags:
        """A file's tags. Raises `ListenFailure` where the file cannot be read; broken tags are no failure."""
        answer = self.tags_many([path], limits)[0]
        if isinstance(answer, ListenFailure):
            raise answer
        return answer

    def tags_many(
        self, paths: Sequence[Path], limits: Limits | None = None, on_progress: OnProgress | None = None
    ) -> list[Tags | ListenFailure]:
        """The tags of many files in one exchange, in their order, each with its own failure.

        A file that brings the helper down gets that as its own failure, and the others are read all the same.
        """
        raw = [os.fsencode(path) for path in paths]
        if not raw:
            return []
        try:
            answers = self._call({"call": "tags", "paths": raw}, limits or _TAGS, on_progress)
        except ListenFailure as failure:
            if failure.kind == "cancelled" or len(raw) == 1:
                return [failure for _ in raw]
            half = len(raw) // 2
            return self.tags_many(raw[:half], limits, on_progress) + self.tags_many(raw[half:], limits, on_progress)
        return [
            Tags.from_dict(answer["done"]) if "done" in answer else ListenFailure(*answer["failed"])
            for answer in answers
        ]

    def cover(self, path: Path, limits: Limits | None = None) -> tuple[str, bytes] | None:
        """The embedded picture's true media type and its bytes, or None. Raises `ListenFailure`."""
        found = self._call({"call": "cover", "path": os.fsencode(path)}, limits or _TAGS, None)
        return None if found is None else (found[0], found[1])

    def picture(self, path: Path, *, embedded: bool, limits: Limits | None = None) -> Picture | None:
        """The picture in a sound file (`embedded`), or that a file is, with its thumbnails. Raises `ListenFailure`."""
        request = {"call": "picture", "path": os.fsencode(path), "embedded": embedded}
        found = self._call(request, limits or _PICTURE, None)
        return None if found is None else Picture.from_dict(found)

    def sound_digest(self, path: Path, limits: Limits | None = None) -> str:
        """A hash of a file's encoded sound alone, which stays when its tags change. Raises `ListenFailure`."""
        found: str = self._call({"call": "sound", "path": os.fsencode(path)}, limits or _TAGS, None)
        return found

    def cancel(self) -> None:
        """End the call that is running, from another thread; it raises `ListenFailure("cancelled")`."""
        self._cancelled.set()

    def close(self) -> None:
        """Let the helper go, at once; the next call would start another."""
        self._cancelled.set()
        with self._turn:
            self._stop()

    def _stop(self) -> int | None:
        helper, self._helper = self._helper, None
        return None if helper is None else helper.end()

    def _call(self, request: dict[str, Any], limits: Limits, on_progress: OnProgress | None) -> Any:
        data = process.pack({**request, "limits": limits.as_dict()})
        with self._turn:
            self._cancelled.clear()
            try:
                for attempt in range(2):
                    fresh = self._ready()
                    reply = self._exchange(data, _Deadlines(limits), on_progress, may_be_gone=not fresh and not attempt)
                    if reply is not None:
                        break
                    self._stop()
            except BaseException:
                self._stop()
                raise
            if reply is None or reply.get("failed", [None])[0] in _LAST_WORDS:
                self._stop()
        if reply is None or "failed" in reply:
            raise ListenFailure(*(reply["failed"] if reply else ("crash", "The decoder could not be started.")))
        return reply["done"]

    def _ready(self) -> bool:
        """See that there is a helper; True where it is a new one."""
        if self._helper is not None and self._helper.alive:
            return False
        self._stop()
        try:
            self._helper = _Helper.start(self._idle_seconds, self._extra)
        except OSError as error:
            raise ListenFailure("crash", f"The decoder's process could not be started: {error.strerror}.") from error
        return True

    def _exchange(
        self, data: bytes, deadlines: _Deadlines, on_progress: OnProgress | None, *, may_be_gone: bool
    ) -> dict[str, Any] | None:
        """Send a request and wait for its reply; None where a warm helper proves to be gone, and another may try."""
        helper = self._helper
        if helper is None or helper.child.stdin is None:
            return None
        try:
            process.write_all(helper.child.stdin.fileno(), data)
        except BrokenPipeError:
            if may_be_gone:
                return None
            raise self._post_mortem(helper) from None
        spoken = False
        for message in self._messages(helper, deadlines):
            if message is None:
                if may_be_gone and not spoken:
                    return None
                raise self._post_mortem(helper)
            spoken = True
            if "progress" not in message:
                return message
            if on_progress is not None:
                on_progress(*message["progress"])
        return None

    def _messages(self, helper: _Helper, deadlines: _Deadlines) -> Iterator[dict[str, Any] | None]:
        """Messages as they come, and None when the helper's end of the pipe closed."""
        out, err = helper.child.stdout, helper.child.stderr
        if out is None or err is None:
            return
        open_ends = [out.fileno(), err.fileno()]
        while True:
            for descriptor in select.select(open_ends, [], [], _TICK)[0]:
                data = os.read(descriptor, 1 << 18)
                if descriptor == err.fileno():
                    helper.tail = (helper.tail + data)[-_TAIL:]
                    if not data:
                        open_ends.remove(descriptor)
                elif data:
                    deadlines.heard = time.monotonic()
                    yield from self._understood(helper, data)
                else:
                    yield None
                    return
            if self._cancelled.is_set():
                raise ListenFailure("cancelled", "Listening to this file was cancelled.")
            deadlines.check(helper.resident())

    def _understood(self, helper: _Helper, data: bytes) -> Iterator[dict[str, Any]]:
        """The messages in the bytes of a pipe; a helper that talks nonsense was taken over by its file."""
        try:
            helper.unpacker.feed(data)
            for message in helper.unpacker:
                if not isinstance(message, dict):
                    raise ValueError("not a message")
                yield message
        except (ValueError, msgpack.UnpackException) as error:
            raise ListenFailure("crash", "The decoder gave an answer that makes no sense.") from error

    def _post_mortem(self, helper: _Helper) -> ListenFailure:
        """Why the helper died on us."""
        status = helper.end(kill=False)
        self._helper = None
        text = helper.tail.decode("utf-8", "replace").strip()
        log.warning("media.helper.died", status=status, tail=text[-1000:])
        return died(status, text)


def died(status: int | None, text: str) -> ListenFailure:
    """What the end of a helper process means, by its exit status and its last words."""
    kind: Kind = "crash"
    if status is not None and status < 0:
        name = signal.Signals(-status).name if -status in signal.valid_signals() else f"signal {-status}"
        if name == "SIGKILL":
            return ListenFailure(
                kind, "The decoder was killed from outside, most likely because the machine ran out of memory."
            )
        return ListenFailure(kind, f"The decoder crashed on this file ({name}).")
    if "MemoryError" in text or "bad_alloc" in text or "Cannot allocate memory" in text:
        return ListenFailure("memory", "Analysing this file needs more memory than a sound file may have.")
    return ListenFailure(kind, f"The decoder ended unexpectedly (exit status {status}).")
