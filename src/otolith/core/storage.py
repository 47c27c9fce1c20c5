"""Where stored media and covers lie: content-addressed and atomic, in the data folder or, by setting, in S3."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final, Literal, Protocol

from otolith.core.errors import NotAvailable, NotFound
from otolith.core.ids import new_id
from otolith.core.settings import Settings
from otolith.core.spool import SUFFIX, Incoming, Spool, Spooled, full_disk_is_plain, sync_folder

# What is kept apart, because each shelf has its own idea of what nobody needs any more.
Shelf = Literal["media", "covers"]
CHUNK: Final = 1 << 18
_KEY = re.compile(r"(?:media|covers)/([0-9a-f]{2})/([0-9a-f]{2})/(\1\2[0-9a-f]{60})\.[a-z0-9]{1,8}")


class StoredFileMissing(NotFound):
    """The file is no longer in the storage, although the database knows it; restore it from a backup."""


class StorageUnavailable(NotAvailable):
    """The storage does not answer; try again in a moment."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in the storage; `modified` in seconds since 1970."""

    key: str
    size: int
    modified: float


def key_of(sha256: str, extension: str, shelf: Shelf = "media") -> str:
    """The key under which a content lies: two levels of folders keep each small."""
    key = f"{shelf}/{sha256[:2]}/{sha256[2:4]}/{sha256}.{extension}"
    require_key(key)
    return key


def require_key(key: str) -> None:
    """Refuse whatever is no key of ours, so that no name from outside ever becomes a path."""
    if _KEY.fullmatch(key) is None:
        message = f"not a storage key: {key!r}"
        raise ValueError(message)


class Storage(Protocol):
    """The one interface to stored files. Every call may wait for a disk or a network, so none belongs in a loop of
    events."""

    spool: Spool

    def incoming(self) -> Incoming:
        """A new file to be received into the spool."""

    def place(self, spooled: Spooled, extension: str, shelf: Shelf = "media") -> str:
        """Bring a received file to its key and return it; doing so again changes nothing.

        What is there already is trusted if its size is right, because nothing gets there before it is whole.
        """

    def stat(self, key: str) -> StoredFile | None:
        """What lies at `key`, or None."""

    def read_range(self, key: str, start: int, end: int) -> Iterator[bytes]:
        """The bytes from `start` up to and without `end`, in chunks; the first one tells if the file is missing."""

    def local(self, key: str) -> AbstractContextManager[Path]:
        """A real path with the content of `key` for the length of the block; nobody may write to it."""

    def delete(self, key: str) -> None:
        """Take a file away; there need not be one."""

    def keys(self, older_than: float = 0.0, shelf: Shelf = "media") -> Iterator[str]:
        """Every key of a shelf, of files that have lain there for at least `older_than` seconds."""

    def free_space(self) -> int:
        """Bytes that may still be received."""

    def trouble(self) -> str | None:
        """What keeps the storage from working, as a sentence, or None."""

    def healthy(self) -> bool:
        """Whether files can be stored and read now."""


class LocalStorage:
    """The storage in the data folder."""

    def __init__(self, root: Path, spool: Spool) -> None:
        self.root = root
        self.spool = spool

    def incoming(self) -> Incoming:
        return self.spool.incoming()

    def path_of(self, key: str) -> Path:
        require_key(key)
        return self.root / key

    def place(self, spooled: Spooled, extension: str, shelf: Shelf = "media") -> str:
        key = key_of(spooled.sha256, extension, shelf)
        target = self.path_of(key)
        present = self.stat(key)
        if present is not None and present.size == spooled.size:
            return key
        with full_disk_is_plain():
            self._make_folder(target.parent)
            _move(spooled.path, target)
            sync_folder(target.parent)
        return key

    def _make_folder(self, folder: Path) -> None:
        if folder.is_dir():
            return
        self._make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        sync_folder(folder.parent)

    def stat(self, key: str) -> StoredFile | None:
        try:
            status = self.path_of(key).stat()
        except FileNotFoundError:
            return None
        return StoredFile(key, status.st_size, status.st_mtime)

    def read_range(self, key: str, start: int, end: int) -> Iterator[bytes]:
        try:
            descriptor = os.open(self.path_of(key), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise StoredFileMissing from error
        try:
            yield from read_descriptor(descriptor, start, end)
        finally:
            os.close(descriptor)

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        path = self.path_of(key)
        if not path.is_file():
            raise StoredFileMissing
        yield path

    def delete(self, key: str) -> None:
        path = self.path_of(key)
        path.unlink(missing_ok=True)

    def keys(self, older_than: float = 0.0, shelf: Shelf = "media") -> Iterator[str]:
        newest = time.time() - older_than
        for path in self.root.glob(f"{shelf}/??/??/*"):
            key = path.relative_to(self.root).as_posix()
            present = self.stat(key) if _KEY.fullmatch(key) else None
            if present is not None and present.modified <= newest:
                yield key

    def free_space(self) -> int:
        return self.spool.free_space()

    def trouble(self) -> str | None:
        for folder in (self.root / "media", self.spool.folder):
            if not folder.is_dir():
                return f"The folder {folder} is not there; start Otolith once, or mount the disk it lies on."
            if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
                return f"Otolith may not write to {folder}; mend its owner or its rights."
        if (self.root / "media").stat().st_dev != self.spool.folder.stat().st_dev:
            return f"{self.root / 'media'} and {self.spool.folder} must lie on one file system."
        return None

    def healthy(self) -> bool:
        return self.trouble() is None


def read_descriptor(descriptor: int, start: int, end: int) -> Iterator[bytes]:
    """The bytes of an open file in chunks; one that ends early ends them early, for its reader to notice."""
    while start < end:
        data = os.pread(descriptor, min(CHUNK, end - start), start)
        if not data:
            return
        yield data
        start += len(data)


def _move(source: Path, target: Path) -> None:
    """Give a whole file its final name, as a second name, so that this can be done again if somebody removes it."""
    try:
        target.hardlink_to(source)
    except FileExistsError:
        # Another upload of this content was faster, or the remains of a damaged disk lie there. An exchange is right
        # for both, and its own second name keeps the source.
        spare = source.with_name(f"{new_id()}{SUFFIX}")
        spare.hardlink_to(source)
        spare.replace(target)
    except FileNotFoundError as error:
        detail = "The upload could not be put in its place, because the same file was being removed. Send it again."
        raise StorageUnavailable(detail, headers={"Retry-After": "1"}) from error
    except OSError:
        # Some file systems know no second names; the first one has to do.
        source.replace(target)


def open_storage(settings: Settings) -> Storage:
    """The storage that the settings name."""
    spool = Spool(settings.folder.uploads)
    if not settings.storage.url:
        return LocalStorage(settings.data, spool)
    # The part for S3 needs a library that only those install who use it.
    storage: Storage = import_module("otolith.core.storage_s3").open_s3(settings.storage, spool)
    return storage
