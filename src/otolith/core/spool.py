"""Files on their way into the storage: hashed while they are written, and swept when nobody finishes them."""

import ctypes
import errno
import fcntl
import hashlib
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import structlog

from otolith.core.errors import AppError
from otolith.core.ids import new_id

log = structlog.get_logger(__name__)

_SYNC_FILE_RANGE_WRITE: Final = 2
_sync_file_range = getattr(ctypes.CDLL(None), "sync_file_range", None) if sys.platform.startswith("linux") else None
if _sync_file_range is not None:
    _sync_file_range.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)

SUFFIX: Final = ".incoming"
# Between making a file and locking it, another process must not take it for abandoned.
_YOUNG_SECONDS: Final = 60.0
# What was written is handed to the disk in such portions, so that the final flush has little left to wait for.
_FLUSH_BYTES: Final = 32 << 20


class StorageFull(AppError):
    """The server's disk is full; free some space and try again. Nothing of this was kept."""

    status = 507


@contextmanager
def full_disk_is_plain() -> Iterator[None]:
    """Turn the operating system's word for a full disk, or a used-up quota, into ours."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull from error
        raise


@dataclass(frozen=True, slots=True)
class Spooled:
    """A whole file in the spool, durable and of known content, not yet in the storage."""

    path: Path
    sha256: str
    size: int


class Incoming:
    """One file being received; used in a `with` block, at whose end the temporary name is gone.

    The lock held on it tells a sweep, in whatever process, that somebody is still at work.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self._hash = hashlib.sha256()
        self._unflushed = 0
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with full_disk_is_plain():
            self._descriptor = os.open(path, flags, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append and hash; call it from a thread, since both take their time."""
        view = memoryview(data)
        self._hash.update(view)
        self.size += len(view)
        with full_disk_is_plain():
            write_all(self._descriptor, view)
        self._unflushed += len(view)
        if self._unflushed >= _FLUSH_BYTES:
            start_flush(self._descriptor, self.size - self._unflushed, self._unflushed)
            self._unflushed = 0

    def finish(self) -> Spooled:
        """Make what was written durable and say what it is."""
        with full_disk_is_plain():
            os.fdatasync(self._descriptor)
        return Spooled(self.path, self._hash.hexdigest(), self.size)

    def discard(self) -> None:
        """Forget the file; what was placed in the storage meanwhile stays there."""
        if self._descriptor >= 0:
            self.path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.discard()


def write_all(descriptor: int, view: memoryview) -> None:
    """Write every byte; the system may take fewer than it is given."""
    while view:
        view = view[os.write(descriptor, view) :]


def start_flush(descriptor: int, start: int, size: int) -> None:
    """Ask the kernel to begin writing these bytes to disk, and do not wait for it; only Linux knows how."""
    if _sync_file_range is not None:
        # A refusal costs nothing: the flush at the end waits for whatever was not written by then.
        _sync_file_range(descriptor, start, size, _SYNC_FILE_RANGE_WRITE)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Spool:
    """The folder of files on their way in; it lies on the file system of the storage, so that moving is renaming."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def incoming(self) -> Incoming:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Incoming(self.folder / f"{new_id()}{SUFFIX}")

    def free_space(self) -> int:
        """Bytes that this process may still write."""
        return shutil.disk_usage(self.folder if self.folder.is_dir() else self.folder.parent).free

    def require_space(self, size: int, spare: int) -> None:
        """Refuse what would leave less than `spare` bytes free, before any of it is received."""
        free = self.free_space()
        if free - size < spare:
            detail = (
                f"The server's disk has {free // 1_000_000:,} MB free, and {spare // 1_000_000:,} MB are to stay so. "
                "Free some space and try again."
            )
            raise StorageFull(detail)

    def sweep(self, now: float | None = None) -> int:
        """Remove what no living process is receiving; the number of files removed."""
        removed = 0
        moment = time.time() if now is None else now
        for path in self.folder.glob(f"*{SUFFIX}"):
            removed += self._remove_abandoned(path, moment)
        return removed

    def _remove_abandoned(self, path: Path, moment: float) -> bool:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return False
        try:
            if moment - os.fstat(descriptor).st_mtime < _YOUNG_SECONDS:
                return False
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
        except BlockingIOError:
            return False
        finally:
            os.close(descriptor)
        log.info("storage.spool.swept", name=path.name)
        return True
