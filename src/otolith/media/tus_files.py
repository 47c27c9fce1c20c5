"""The file of a resumable upload: appended to by one writer at a time, in whichever process, and durable by steps."""

import fcntl
import hashlib
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from otolith.core.errors import AppError
from otolith.core.spool import Spooled, full_disk_is_plain, sync_folder, write_all

_SUFFIX: Final = ".tus"
_READ: Final = 1 << 20
_REMEMBERED: Final = 256
_POLL: Final = 0.05


class UploadBusy(AppError):
    """Another request is writing to this upload; try again in a moment."""

    status = 423


class UploadGone(AppError):
    """This upload is no longer here: it expired, was cancelled, or its bytes were lost. Start it anew."""

    status = 410


def path_of(folder: Path, upload_id: UUID) -> Path:
    return folder / f"{upload_id}{_SUFFIX}"


def stray_files(folder: Path, older_than: float) -> Iterator[tuple[UUID, Path]]:
    """The files of uploads that nobody touched for so many seconds."""
    newest = time.time() - older_than
    for path in folder.glob(f"*{_SUFFIX}"):
        try:
            if path.stat().st_mtime < newest:
                yield UUID(path.stem), path
        except (ValueError, FileNotFoundError):
            continue


class Digests:
    """SHA-256 computations of uploads that go on with the next request, so that no file is read twice.

    They live in one process; where another one goes on, or this one was restarted, the file is hashed at its end.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[UUID, tuple[int, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, upload_id: UUID, size: int) -> Any | None:
        """The computation over the first `size` bytes of an upload, if this process has it."""
        with self._lock:
            known, digest = self._known.pop(upload_id, (-1, None))
        return hashlib.sha256() if size == 0 else digest if known == size else None

    def keep(self, upload_id: UUID, size: int, digest: Any | None) -> None:
        with self._lock:
            if digest is not None:
                self._known[upload_id] = (size, digest)
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)

    def close(self) -> None:
        self._known.clear()


class PartFile:
    """The bytes received so far, under an exclusive lock that ends with its holder, however that ends."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self.size = 0
        self.digest: Any | None = None

    @classmethod
    @contextmanager
    def locked(cls, path: Path, patience: float = 0.0) -> Iterator["PartFile"]:
        """Hold the file, made if need be; `UploadBusy` if somebody else still does after so many seconds."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with full_disk_is_plain():
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            _lock(descriptor, path, time.monotonic() + patience)
            yield cls(path, descriptor)
        finally:
            os.close(descriptor)

    def start_at(self, size: int, digest: Any | None) -> None:
        """Go on behind `size` durable bytes; what lies beyond them was never promised and is dropped."""
        if os.fstat(self._descriptor).st_size < size:
            raise UploadGone
        os.ftruncate(self._descriptor, size)
        os.lseek(self._descriptor, size, os.SEEK_SET)
        if size == 0:
            sync_folder(self.path.parent)
        self.size, self.digest = size, digest

    def append(self, data: bytes) -> None:
        if self.digest is not None:
            self.digest.update(data)
        with full_disk_is_plain():
            write_all(self._descriptor, memoryview(data))
        self.size += len(data)

    def content(self) -> Iterator[bytes]:
        """The bytes received so far; `UploadGone` where some of them are lost."""
        at = 0
        while at < self.size:
            data = os.pread(self._descriptor, min(_READ, self.size - at), at)
            if not data:
                raise UploadGone
            at += len(data)
            yield data

    def sync(self) -> None:
        with full_disk_is_plain():
            os.fdatasync(self._descriptor)

    def spooled(self) -> Spooled:
        """The whole file; read once more where its hash was not computed while it came."""
        digest = self.digest
        if digest is None:
            digest = hashlib.sha256()
            place = 0
            while data := os.pread(self._descriptor, _READ, place):
                digest.update(data)
                place += len(data)
        return Spooled(self.path, digest.hexdigest(), self.size)

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)


def _lock(descriptor: int, path: Path, until: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= until:
                raise UploadBusy(headers={"Retry-After": "1"}) from error
            time.sleep(_POLL)
            continue
        # Whoever held the lock before may have removed the file: then this descriptor is of a file without a name.
        try:
            same = os.path.samestat(path.stat(), os.fstat(descriptor))
        except FileNotFoundError:
            same = False
        if not same:
            raise UploadGone
        return
