"""A process of its own for untrusted sound: its limits, its ties to its parent, and how it talks."""

import contextlib
import ctypes
import fcntl
import os
import re
import resource
import signal
from pathlib import Path
from typing import Any, Final

import msgpack

from otolith.core.audio import Engine
from otolith.media.engine.failures import ListenFailure

_STATUS: Final = Path("/proc/self/status")
_ENGINE: Final = re.compile(r"otolith\.(?:[a-z_]+\.)+engine\.[a-z_.]+:[A-Za-z]\w*", re.ASCII)
_libc = ctypes.CDLL(None)


def allowed_engine(name: str, extra: tuple[str, ...] = ()) -> bool:
    """Whether an import path ("module:Class") may be run: an engine of Otolith's, or of a module named outright."""
    return bool(_ENGINE.fullmatch(name)) or name.partition(":")[0] in extra


def die_with_parent(life: int) -> None:
    """End, without the interpreter's help, as soon as the parent's end of the pipe `life` closes.

    The kernel sends SIGIO, whose default action ends the process, even while native code holds the interpreter.
    PR_SET_PDEATHSIG would fire when the *thread* ends that started us, which need not be the end of anything.
    """
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(life, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(life, fcntl.F_SETFL, fcntl.fcntl(life, fcntl.F_GETFL) | os.O_ASYNC | os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        if not os.read(life, 1):
            raise SystemExit(0)


def confine(*, files: int, written: int) -> None:
    """No core dumps, few files, hardly anything written, last in line for the processor, first for the OOM killer."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    resource.setrlimit(resource.RLIMIT_FSIZE, (written, written))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        os.nice(5)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")


def bound_memory(size: int) -> None:
    """Let this process allocate at most `size` bytes more than it has now."""
    with contextlib.suppress(OSError):
        found = re.search(r"^VmData:\s+(\d+) kB", _STATUS.read_text(encoding="ascii"), re.MULTILINE)
        base = int(found[1]) << 10 if found else 1 << 30
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        soft = base + size if hard == resource.RLIM_INFINITY else min(base + size, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def give_memory_back() -> None:
    """Return freed memory to the system, so that a warm process is a small one."""
    with contextlib.suppress(AttributeError):
        _libc.malloc_trim(0)


def pack(message: dict[str, Any]) -> bytes:
    """A message as it goes through a pipe; NumPy's scalars become plain numbers."""
    packed: bytes = msgpack.packb(message, use_bin_type=True, default=_plain)
    return packed


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot cross a process boundary")


def unpacker() -> Any:
    """What turns the bytes of a pipe back into messages; paths stay bytes and text may hold any code point."""
    return msgpack.Unpacker(raw=False, unicode_errors="surrogateescape", max_buffer_size=1 << 29)


def write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def engine_class(name: str, extra: tuple[str, ...], load: Any) -> type[Engine]:
    """The engine of an import path, which must be one of ours."""
    if not allowed_engine(name, extra):
        raise ListenFailure("engine", f"{name!r} is not an engine of Otolith's.")
    module, _, attribute = name.partition(":")
    try:
        found: type[Engine] = getattr(load(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ListenFailure("engine", f"The engine {name!r} cannot be loaded: {error}.") from error
    return found
