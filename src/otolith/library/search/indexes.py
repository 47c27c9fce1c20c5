"""The search indexes of a process: one for each workspace, kept in step with its catalogue."""

import fcntl
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import UUID

import numpy as np
import psutil
import structlog
from sqlalchemy.orm import Session

from otolith.core.actor import SYSTEM
from otolith.core.db import Database
from otolith.core.errors import NotAvailable
from otolith.library.search import queries
from otolith.library.search.engine import snapshot
from otolith.library.search.engine.building import Builder
from otolith.library.search.engine.matching import Scope
from otolith.library.search.engine.merging import merge
from otolith.library.search.engine.segment import Ids, Mask, Segment
from otolith.library.search.reading import documents

log = structlog.get_logger(__name__)

SNAPSHOT_FROM: Final = 2_000
"""Changed documents from which on a new snapshot is worth writing; in a large library a tenth of it."""

LARGEST: Final = 600_000_000
"""Bytes of indexes that a process keeps; the workspaces asked for longest ago are let go first."""

_LOCAL: Final = frozenset(str.split("ext2 ext3 ext4 xfs btrfs zfs f2fs bcachefs overlay tmpfs"))
# Short, because whoever waits holds a thread and a connection that other requests need.
_PATIENCE: Final = 5.0
_TRIES: Final = 3
# The snapshot, what is yet to be one, and the lock of whoever writes it.
_SUFFIXES: Final = frozenset({".index", ".part", ".lock"})
_TOGETHER: Final = 100_000


def path_of(folder: Path, workspace_id: UUID) -> Path:
    """Where the snapshot of a workspace lies."""
    return folder / f"{workspace_id}.index"


class IndexLoading(NotAvailable):
    """The library is large and is still being read for its first search; ask again in a moment."""


@dataclass(frozen=True, slots=True)
class View:
    """What an index knew at one version of its catalogue; it never changes, so searches read it without a lock."""

    version: int
    parts: tuple[tuple[Segment, Mask], ...] = ()
    saved: int = 0

    def __len__(self) -> int:
        return sum(int(np.count_nonzero(alive)) for _, alive in self.parts)

    @property
    def nbytes(self) -> int:
        return sum(segment.nbytes for segment, _ in self.parts)

    @property
    def versions(self) -> int:
        """The sum of the versions of all living documents."""
        return sum(int(segment.versions[alive].sum()) for segment, alive in self.parts)

    def without(self, gone: Ids) -> "View":
        """The same without these documents."""
        parts = []
        for segment, alive in self.parts:
            places, there = segment.places(gone)
            hit = places[there]
            if len(hit) and alive[hit].any():
                alive = alive.copy()  # noqa: PLW2901 -- Searches may be reading the old one.
                alive[hit] = False
            if alive.any():
                parts.append((segment, alive))
        return View(self.version, tuple(parts), self.saved)

    def having(self, segments: Sequence[Segment]) -> "View":
        """The same with more segments, of documents that it did not have."""
        added = [(segment, np.ones(len(segment), bool)) for segment in segments]
        return View(self.version, (*self.parts, *added), self.saved)

    def tidied(self) -> "View":
        """The same with small segments merged, so that there are few of them however often one is added."""
        parts = list(self.parts)
        while len(parts) > 1 and len(parts[-2][0]) < 2 * len(parts[-1][0]):
            merged = merge(parts[-2:])
            parts[-2:] = [(merged, np.ones(len(merged), bool))]
        return View(self.version, tuple(parts), self.saved)

    @property
    def is_worth_saving(self) -> bool:
        unsaved = sum(len(segment) for segment, _ in self.parts) - self.saved
        return unsaved >= max(SNAPSHOT_FROM, self.saved // 10)

    def replacing(self, before: "View", whole: Segment) -> "View":
        """The same, with what was `before` in one segment that was made of it meanwhile."""
        now = {id(segment): alive for segment, alive in self.parts}
        died = [
            segment.ids[alive & ~now[id(segment)]] if id(segment) in now else segment.ids[alive]
            for segment, alive in before.parts
        ]
        old = {id(segment) for segment, _ in before.parts}
        since = [part for part in self.parts if id(part[0]) not in old]
        base = _whole(whole, self.version).without(np.concatenate(died))
        return View(self.version, (*base.parts, *since), len(whole))

    def at(self, version: int) -> "View":
        return View(version, self.parts, self.saved)


@dataclass
class _Kept:
    """The index of one workspace, and the lock under which it is brought up to date."""

    view: View | None = None
    reading: threading.Lock = field(default_factory=threading.Lock)
    saving: threading.Thread | None = None


class Indexes:
    """The indexes that this process has read.

    A request that finds a catalogue changed reads the changes itself, in its own transaction, and others that come
    meanwhile wait for it: whoever searches after a commit finds what was committed. Snapshots are written beside.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[UUID, _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def scopes(self, session: Session, folder: Path, workspace_ids: Sequence[UUID]) -> list[Scope]:
        """What is to be searched of these workspaces, which must be visible to the session's actor."""
        versions = queries.versions(session, workspace_ids)
        views = [self._fresh(session, folder, workspace_id, version) for workspace_id, version in versions.items()]
        self._let_go(set(workspace_ids))
        return [Scope(segment, alive) for view in views for segment, alive in view.parts]

    def finish(self, seconds: float | None = None) -> None:
        """Wait until no snapshot is being written, at most so many seconds for each."""
        with self._lock:
            threads = [kept.saving for kept in self._kept.values()]
        for thread in threads:
            if thread is not None:
                thread.join(seconds)

    def close(self) -> None:
        # A file that is not whole is none, and the next start or the next job makes it.
        self.finish(_PATIENCE)
        with self._lock:
            self._kept.clear()

    def _fresh(self, session: Session, folder: Path, workspace_id: UUID, version: int) -> View:
        with self._lock:
            kept = self._kept.setdefault(workspace_id, _Kept())
            self._kept.move_to_end(workspace_id)
        # Another request may have seen a newer version than this one's transaction does.
        view = kept.view
        if view is not None and view.version >= version:
            return view
        if not kept.reading.acquire(timeout=_PATIENCE):
            raise IndexLoading(headers={"Retry-After": "5"})
        try:
            if kept.view is None or kept.view.version < version:
                path = path_of(folder, workspace_id)
                kept.view = _followed(session, path, workspace_id, version, kept)
                if kept.saving is None and kept.view.is_worth_saving:
                    kept.saving = threading.Thread(target=_save, args=(path, workspace_id, kept), daemon=True)
                    kept.saving.start()
            return kept.view
        finally:
            kept.reading.release()

    def _let_go(self, wanted: set[UUID]) -> None:
        with self._lock:
            sizes = {workspace_id: kept.view.nbytes for workspace_id, kept in self._kept.items() if kept.view}
            total = sum(sizes.values())
            for workspace_id in list(self._kept):
                if total <= LARGEST:
                    return
                if workspace_id not in wanted:
                    total -= sizes.get(workspace_id, 0)
                    del self._kept[workspace_id]


def _followed(session: Session, path: Path, workspace_id: UUID, version: int, kept: _Kept) -> View:
    """The view at a version, from the one before, from the snapshot, or from nothing."""
    if kept.view is None:
        return _loaded(session, path, workspace_id, version).at(version)
    view = _caught_up(session, workspace_id, kept.view).at(version)
    # While the segments are being saved, they are recognised by being the same.
    return view if kept.saving or view.is_worth_saving else view.tidied()


def _save(path: Path, workspace_id: UUID, kept: _Kept) -> None:
    """Make the view one segment in a file, beside the requests, and let it take the place of what it was made of."""
    before, whole = kept.view, None
    try:
        if before is not None:
            whole = _saved(path, workspace_id, before)
    except Exception:
        # No request waits for this one to answer; the segments stay as they are.
        log.warning("search.snapshot.failed", workspace_id=str(workspace_id), exc_info=True)
    finally:
        with kept.reading:
            if before is not None and whole is not None and kept.view is not None:
                kept.view = kept.view.replacing(before, whole)
            kept.saving = None


def _caught_up(session: Session, workspace_id: UUID, view: View) -> View:
    """The view with all that changed since."""
    segments = list(_segments(session, workspace_id, view.version))
    gone = [segment.ids for segment in segments]
    if view.parts:
        departed = queries.departed(session, workspace_id, view.version)
        gone.append(np.array([track_id.bytes for track_id in departed], "S16"))
    return view.without(np.concatenate(gone)).having(segments) if gone else view


def _segments(session: Session, workspace_id: UUID, since: int) -> Iterator[Segment]:
    """What changed after a version, in few segments: making one takes time, in which no statement may be waited for."""
    builder = Builder()
    for chunk in queries.changed(session, workspace_id, since):
        builder.add(documents(chunk))
        if len(builder) >= _TOGETHER:
            yield builder.segment()
            builder = Builder()
    if len(builder):
        yield builder.segment()


def _loaded(session: Session, path: Path, workspace_id: UUID, version: int) -> View:
    """What the snapshot holds, if there is one of this very database, brought up to date; else what is read anew."""
    view = _in_snapshot(path, workspace_id)
    if view is not None and view.version <= version:
        for _ in range(_TRIES):
            caught_up = _caught_up(session, workspace_id, view)
            # A database that was brought back from a backup goes on from there, so versions alone do not tell it
            # apart. A commit between the two readings differs as well, and is caught up with.
            if (len(caught_up), caught_up.versions) == queries.checksum(session, workspace_id):
                return caught_up
        log.info("search.snapshot.outlived", workspace_id=str(workspace_id))
    return _caught_up(session, workspace_id, View(0))


def _in_snapshot(path: Path, workspace_id: UUID) -> View | None:
    try:
        segment, facts = snapshot.read(path, mapped=_is_local(path.parent))
    except FileNotFoundError:
        return None
    except (OSError, snapshot.Damaged) as error:
        log.warning("search.snapshot.unusable", path=str(path), error=type(error).__name__)
        return None
    if facts["workspace"] != str(workspace_id):
        return None
    return _whole(segment, facts["version"])


def _saved(path: Path, workspace_id: UUID, view: View) -> Segment:
    """The view as one segment that lies in a file and not in this process's own memory."""
    segment = view.parts[0][0] if _is_whole(view) else merge(view.parts)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            snapshot.write(path, segment, {"workspace": str(workspace_id), "version": view.version})
            segment, _ = snapshot.read(path, mapped=_is_local(path.parent))
    except BlockingIOError:
        log.debug("search.snapshot.is_written_by_another", path=str(path))
    except (OSError, snapshot.Damaged) as error:
        # Searching works without; the next start takes longer.
        log.warning("search.snapshot.not_written", path=str(path), error=str(error))
    return segment


def write_snapshot(database: Database, folder: Path, workspace_id: UUID) -> None:
    """Bring the snapshot of a workspace up to date, whatever lacks, without keeping anything of it here."""
    path = path_of(folder, workspace_id)
    with database.read(SYSTEM) as session:
        version = queries.versions(session, [workspace_id])[workspace_id]
        view = _loaded(session, path, workspace_id, version).at(version)
    if view.parts:
        _saved(path, workspace_id, view)


def forget_others(folder: Path, workspaces: Collection[UUID]) -> None:
    """Remove the snapshots of workspaces that are no more: they hold titles and lyrics, and nobody would read them."""
    kept = {str(workspace_id) for workspace_id in workspaces}
    for file in folder.glob("*.*"):
        if file.suffix in _SUFFIXES and file.stem not in kept:
            file.unlink(missing_ok=True)


def _is_local(folder: Path) -> bool:
    """Whether a folder lies on a file system that no other host has a hand in."""
    mounts = {Path(mount.mountpoint): mount.fstype for mount in psutil.disk_partitions(all=True)}
    real = folder.resolve()
    return next((mounts[place] in _LOCAL for place in (real, *real.parents) if place in mounts), False)


def _whole(segment: Segment, version: int) -> View:
    return View(version, ((segment, np.ones(len(segment), bool)),), len(segment))


def _is_whole(view: View) -> bool:
    return len(view.parts) == 1 and bool(view.parts[0][1].all())
