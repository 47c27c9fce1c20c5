"""The only way to a file's bytes: opened without ever blocking, hashed as they pass, counted, windowed."""

import contextlib
import errno
import hashlib
import io
import os
import stat
from typing import Final

from otolith.media.engine.failures import ListenFailure, from_os_error

Path = str | bytes | os.PathLike[str] | os.PathLike[bytes]

_READ: Final = 1 << 18
_NOT_A_FILE: Final[dict[int, str]] = {
    stat.S_IFDIR: "This is a folder, not a sound file.",
    stat.S_IFIFO: "This is a pipe (FIFO), not a sound file.",
    stat.S_IFSOCK: "This is a socket, not a sound file.",
    stat.S_IFCHR: "This is a device, not a sound file.",
    stat.S_IFBLK: "This is a device, not a sound file.",
}


def require_regular(mode: int) -> None:
    """Refuse what is not a regular file, with its own sentence."""
    if not stat.S_ISREG(mode):
        kind = _NOT_A_FILE.get(stat.S_IFMT(mode), "This is not a regular file.")
        raise ListenFailure("not_a_file", kind)


def open_regular(path: Path) -> int:
    """A descriptor of a regular file, or a `ListenFailure`; never waits for a FIFO's other end.

    The path is looked at before it is opened, because opening a device may already do something, and again
    afterwards, because it may have been exchanged in between.
    """
    try:
        raw = os.fsencode(path)
        if b"\0" in raw:
            raise OSError(errno.EINVAL, "embedded null byte")
        require_regular(os.stat(raw).st_mode)  # noqa: PTH116 - pathlib takes no bytes, and names may be any bytes
        descriptor = os.open(raw, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError as error:
        raise from_os_error(error) from error
    try:
        require_regular(os.fstat(descriptor).st_mode)
    except ListenFailure:
        os.close(descriptor)
        raise
    return descriptor


class SoundFile(io.RawIOBase):
    """A regular file as FFmpeg reads it: from `offset` to `end`, so that leading tags never reach the demuxer.

    The SHA-256 of the *whole* file is computed from the reads themselves: a read that covers the first byte not
    yet hashed moves that frontier on, and `sha256` reads whatever the demuxer never asked for. A failed read is
    kept in `failure`, because FFmpeg reports it as its own error, or as the end of the file.
    """

    def __init__(self, path: Path, *, hashed: bool = True) -> None:
        super().__init__()
        self._descriptor = -1
        self._descriptor = open_regular(path)
        status = os.fstat(self._descriptor)
        self._stamp = (status.st_size, status.st_mtime_ns)
        self.size = status.st_size
        self.offset = 0
        self.end = self.size
        self.failure: ListenFailure | None = None
        self._position = 0
        self._hash = hashlib.sha256()
        # A frontier that no read ever reaches leaves the bytes unhashed.
        self._hashed = 0 if hashed else self.size + 1

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move; an impossible target is answered by a negative error number, which is what FFmpeg expects."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.end - self.offset}.get(whence)
        if base is None or base + offset < 0:
            return -errno.EINVAL
        self._position = base + offset
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        wanted = _READ if size is None or size < 0 else size
        try:
            left = max(0, self.end - self.offset - self._position)
            data = self.read_at(self.offset + self._position, min(wanted, left))
        except ListenFailure as failure:
            self.failure = failure
            raise OSError(errno.EIO, failure.detail) from failure
        self._position += len(data)
        return data

    def read_at(self, start: int, size: int) -> bytes:
        """Bytes at an absolute place of the file; fewer at its end."""
        try:
            data = os.pread(self._descriptor, size, start)
        except OSError as error:
            raise from_os_error(error) from error
        if start <= self._hashed < start + len(data):
            self._hash.update(memoryview(data)[self._hashed - start :])
            self._hashed = start + len(data)
        return data

    @property
    def passed(self) -> float:
        """The share of the file that has been read in order, 0 to 1."""
        return min(1.0, self._hashed / self.size) if self.size else 1.0

    def sha256(self) -> str:
        """The digest of the whole file; what the demuxer left out is read now."""
        while self.read_at(self._hashed, _READ * 4):
            continue
        return self._hash.hexdigest()

    def require_unchanged(self) -> None:
        """Refuse a result about bytes that were exchanged while they were being read."""
        status = os.fstat(self._descriptor)
        if (status.st_size, status.st_mtime_ns) != self._stamp or self._hashed > self.size:
            raise ListenFailure("changed", "The file was changed while Otolith was reading it; try again.")

    def close(self) -> None:
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            with contextlib.suppress(OSError):
                os.close(descriptor)
        super().close()
