"""Watches the folders of the libraries, and has what changed in them taken in as soon as it has settled."""

import os
import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError
from watchfiles import watch

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.errors import AppError
from otolith.core.folder import FolderLock
from otolith.jobs.service import submit
from otolith.library.engine.walk import OTHERS, PICTURES, WORDS, extension
from otolith.library.events import REFRESH, RefreshPayload, shown
from otolith.library.roots.models import Root
from otolith.library.roots.queries import watched_roots
from otolith.library.roots.scans import compare_by_itself

log = structlog.get_logger(__name__)

_TICK: Final = 0.1
_LOOK: Final = 2.0
_GROUP_MS: Final = 200
_QUIET_MS: Final = 50
_WAKE_MS: Final = 1000
_AGAIN: Final = 5.0
# Where the system cannot tell of changes, or told of one that cannot be named, the whole folder is compared so often.
_BLIND: Final = 300.0
_UNNAMED: Final = 10.0
_PATHS: Final = 500
_MANY: Final = 5000
_TURN: Final = 5.0

Change = tuple[UUID, frozenset[bytes] | None]
"""A folder of a library and the paths in it that changed; None: it has to be compared as a whole."""


@dataclass(slots=True)
class _Unsettled:
    """A place that changed: since when it is quiet, and what it looked like then."""

    since: float
    look: tuple[int, int] | None


def _look_of(path: bytes) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116 -- The path is bytes.
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


class Settling:
    """Changed places that wait until nothing happens to them any more, as a file does that is being copied."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._places: dict[bytes, _Unsettled] = {}

    def add(self, path: bytes, moment: float) -> None:
        self._places[path] = _Unsettled(moment, _look_of(path))

    def settled(self, moment: float) -> list[bytes]:
        """The places that have been quiet long enough; they are forgotten here."""
        found = []
        for path, place in list(self._places.items()):
            if moment - place.since < self._seconds:
                continue
            look = _look_of(path)
            if look == place.look:
                found.append(path)
                del self._places[path]
            else:
                # It changes without a word, as some network folders let it.
                self._places[path] = _Unsettled(moment, look)
        return found

    def __len__(self) -> int:
        return len(self._places)


class _Eye(threading.Thread):
    """One thread that hears from the system what changes below one folder."""

    def __init__(self, root: Root, changes: "queue.SimpleQueue[Change]") -> None:
        super().__init__(name=f"otolith-eye-{root.id}", daemon=True)
        self.root_id, self.path = root.id, root.path
        self._changes = changes
        self._closed = threading.Event()

    def close(self) -> None:
        self._closed.set()

    def run(self) -> None:
        failed_at = float("-inf")
        while not self._closed.is_set():
            pause = _AGAIN
            try:
                self._watch()
            except FileNotFoundError:
                log.warning("library.watch.away", folder=shown(self.path))
            except Exception as error:  # noqa: BLE001 -- The watching library has errors of many kinds, all for the log.
                # A change whose name is no text, or more folders than the system watches (fs.inotify.max_user_watches).
                often = time.monotonic() - failed_at < _UNNAMED
                pause = _BLIND if "decode path" not in str(error) else _UNNAMED if often else _TICK
                failed_at = time.monotonic()
                log.warning("library.watch.failed", folder=shown(self.path), error=str(error)[:300], again_in=pause)
                self._changes.put((self.root_id, None))
            self._closed.wait(pause)

    def _watch(self) -> None:
        """Pass on what changes until the folder is another one than it was."""
        identity = self._identity()
        for number, changes in enumerate(self._events()):
            if number == 0:
                # From now on nothing is missed; what happened before shows in a comparison.
                self._changes.put((self.root_id, None))
            if len(changes) > _MANY:
                self._changes.put((self.root_id, None))
            elif changes:
                self._changes.put((self.root_id, changes))
            elif self._identity() != identity:
                log.info("library.watch.replaced", folder=shown(self.path))
                return

    def _identity(self) -> tuple[int, int]:
        status = os.stat(self.path)  # noqa: PTH116 -- The path is bytes.
        return status.st_dev, status.st_ino

    def _events(self) -> Iterator[frozenset[bytes]]:
        for changes in watch(
            os.fsdecode(self.path),
            watch_filter=None,
            debounce=_GROUP_MS,
            step=_QUIET_MS,
            rust_timeout=_WAKE_MS,
            yield_on_timeout=True,
            stop_event=self._closed,
            raise_interrupt=False,
            ignore_permission_denied=True,
        ):
            yield frozenset(os.fsencode(path) for _, path in changes)


@dataclass(slots=True)
class _Watched:
    """A folder under watch, and what is yet to be done about it."""

    root: Root
    eye: _Eye
    settling: Settling
    wants_scan: bool = False
    tried_at: float = field(default=float("-inf"))


class Watcher:
    """Keeps an eye on every watched folder of every library, and submits what their changes ask for."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._settle = context.settings.library.settle
        self._changes: queue.SimpleQueue[Change] = queue.SimpleQueue()
        self._watched: dict[UUID, _Watched] = {}
        self._looked = float("-inf")
        folder = context.settings.folder
        own = [os.fsencode(place) for place in (*folder.own, folder.database)]
        self._own = tuple(dict.fromkeys([*own, *map(os.path.realpath, own)]))

    def run(self, stop: threading.Event) -> None:
        """Watch until `stop` is set."""
        try:
            while not stop.is_set():
                try:
                    self.turn(time.monotonic())
                except (SQLAlchemyError, AppError) as error:
                    # What has settled is still noted where its job could not be written.
                    log.warning("library.watch.delayed", error=f"{type(error).__name__}: {error}"[:200])
                    stop.wait(_AGAIN)
                stop.wait(_TICK)
        finally:
            for watched in self._watched.values():
                watched.eye.close()

    def turn(self, moment: float) -> None:
        """One look at everything."""
        if moment - self._looked >= _LOOK:
            self._look_for_folders()
            self._looked = moment
        self._hear(moment)
        for watched in self._watched.values():
            if watched.wants_scan and moment - watched.tried_at >= _TURN:
                watched.tried_at = moment
                self._scan(watched)
            if settled := watched.settling.settled(moment):
                self._refresh(watched, settled, moment)

    def _look_for_folders(self) -> None:
        with self._context.database.read(SYSTEM) as session:
            roots = {root.id: root for root in watched_roots(session)}
        for root_id in self._watched.keys() - roots.keys():
            self._watched.pop(root_id).eye.close()
        for root_id in roots.keys() - self._watched.keys():
            eye = _Eye(roots[root_id], self._changes)
            self._watched[root_id] = _Watched(roots[root_id], eye, Settling(self._settle))
            eye.start()
            log.info("library.watch.began", folder=shown(roots[root_id].path))

    def _hear(self, moment: float) -> None:
        while not self._changes.empty():
            root_id, paths = self._changes.get()
            watched = self._watched.get(root_id)
            if watched is None:
                continue
            if paths is None:
                watched.wants_scan = True
                continue
            for path in filter(self._matters, paths):
                watched.settling.add(path, moment)

    def _matters(self, path: bytes) -> bool:
        """Whether a change of this file can mean anything to the library; our own database's never may."""
        suffix = extension(path.rpartition(b"/")[2])
        return (suffix not in OTHERS or suffix in PICTURES or suffix == WORDS) and not path.startswith(self._own)

    def _scan(self, watched: _Watched) -> None:
        with self._context.database.write(SYSTEM) as session:
            watched.wants_scan = not compare_by_itself(session, watched.root)

    def _refresh(self, watched: _Watched, paths: list[bytes], moment: float) -> None:
        root = watched.root
        chunks = [paths[start : start + _PATHS] for start in range(0, len(paths), _PATHS)]
        try:
            with self._context.database.write(SYSTEM) as session:
                for chunk in chunks:
                    payload = RefreshPayload(root=root.path, root_id=root.id, paths=chunk)
                    submit(session, REFRESH, payload, workspace=root.workspace_id, user=root.added_by, priority="high")
        except (SQLAlchemyError, AppError):
            for path in paths:
                watched.settling.add(path, moment)
            raise


def watch_until(context: Context, stop: threading.Event) -> None:
    """Watch as the only process of this data folder that does, waiting for its turn where another does already."""
    lock = FolderLock(context.settings.folder.run / "watch.lock")
    while not lock.acquire():
        if stop.wait(_AGAIN):
            return
    try:
        Watcher(context).run(stop)
    finally:
        lock.release()
