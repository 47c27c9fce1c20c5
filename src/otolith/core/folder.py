"""The data folder: where it is, what is in it, and the lock that binds one `otolith up` to it."""

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from otolith.core.errors import Conflict, NotAvailable


@dataclass(frozen=True, slots=True)
class DataFolder:
    """The folder that holds everything one Otolith keeps on disk."""

    root: Path

    @property
    def database(self) -> Path:
        return self.root / "otolith.db"

    @property
    def media(self) -> Path:
        return self.root / "media"

    @property
    def covers(self) -> Path:
        return self.root / "covers"

    @property
    def uploads(self) -> Path:
        """Bodies on their way in; what is left here after a crash belongs to nobody and is swept."""
        return self.root / "uploads"

    @property
    def broker(self) -> Path:
        return self.root / "broker"

    @property
    def search(self) -> Path:
        """What the search indexes were at some version of their catalogues; all of it can be made again."""
        return self.root / "search"

    @property
    def run(self) -> Path:
        """Locks and other traces of running processes."""
        return self.root / "run"

    @property
    def watch_wanted(self) -> Path:
        """Stands there while some folder of a library is to be watched, so that nobody need ask the database."""
        return self.run / "watch.wanted"

    @property
    def own(self) -> tuple[Path, ...]:
        """The folders in it that are Otolith's alone; beside them people may keep music of theirs."""
        return self.media, self.covers, self.uploads, self.broker, self.search, self.run

    def make(self) -> None:
        """Create the folder and its parts, readable by their owner alone."""
        try:
            for path in (self.root, *self.own):
                path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            detail = (
                f"The data folder {self.root} cannot be made: {error.strerror}. "
                "Name another with --data or OTOLITH_DATA, or mend its rights."
            )
            raise NotAvailable(detail) from error


class FolderLock:
    """A lock on a file of the data folder, held by a process until it ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None

    def acquire(self) -> bool:
        """Whether this process now holds the lock; the kernel frees it when the process ends, however it ends."""
        try:
            handle = self.path.open("a+")
        except OSError as error:
            detail = f"{self.path} cannot be written to: {error.strerror}. `otolith doctor` says how to mend that."
            raise NotAvailable(detail) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            handle.close()
            return False
        handle.seek(0)
        handle.truncate()
        handle.write(f"{os.getpid()}\n")
        handle.flush()
        self._file = handle
        return True

    def holder(self) -> int | None:
        """The process id that the present holder wrote, if it can be read."""
        try:
            return int(self.path.read_text().strip())
        except (OSError, ValueError):
            return None

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


class FolderInUse(Conflict):
    """Another Otolith runs on this data folder; stop it first, or name another folder with --data."""


def lock_for_up(folder: DataFolder) -> FolderLock:
    """Bind this process's `otolith up` to the folder, or say who already is bound to it."""
    lock = FolderLock(folder.run / "up.lock")
    if not lock.acquire():
        holder = lock.holder()
        who = f" (process {holder})" if holder else ""
        detail = (
            f"Another Otolith{who} already runs on {folder.root}. Stop it first, or name another folder with --data."
        )
        raise FolderInUse(detail)
    return lock
