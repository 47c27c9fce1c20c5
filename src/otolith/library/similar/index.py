"""The shelves of a process: how every track of the visible workspaces sounds, kept in step with the catalogue."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from otolith.core.errors import NotAvailable
from otolith.library.engine.embedding import DIMENSIONS
from otolith.library.similar import queries
from otolith.library.similar.engine.likeness import HALVES
from otolith.library.similar.engine.shelf import Shelf, empty_shelf, joined

log = structlog.get_logger(__name__)

LARGEST: Final = 3_000_000
"""Tracks that one process keeps; the workspaces asked for longest ago are let go first."""

_FIRST_WAIT: Final = 8.0
_NEXT_WAIT: Final = 0.2
_CHUNK: Final = 20_000


class IndexLoading(NotAvailable):
    """The library is large and its sounds are still being read into memory; ask again in a moment."""


@dataclass
class _Kept:
    """One workspace's shelf with the version of the catalogue that it shows."""

    shelf: Shelf | None = None
    version: int = -1
    reading: threading.Lock = field(default_factory=threading.Lock)


class SoundIndex:
    """The shelves that this process has read; a shelf is never changed, only replaced.

    A request that finds a workspace changed reads the changes itself, in its own transaction. Others are answered
    meanwhile with what was known before; only where nothing is known yet do they wait, and not for long.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[UUID, _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def shelves(self, session: Session, versions: Mapping[UUID, int]) -> list[Shelf]:
        """The shelves of these workspaces, which must be visible to the session's actor, none of them empty."""
        found = [self._fresh(session, workspace_id, version) for workspace_id, version in versions.items()]
        self._let_go(set(versions))
        return [shelf for shelf in found if len(shelf)]

    def close(self) -> None:
        with self._lock:
            self._kept.clear()

    def _fresh(self, session: Session, workspace_id: UUID, version: int) -> Shelf:
        with self._lock:
            kept = self._kept.setdefault(workspace_id, _Kept())
            self._kept.move_to_end(workspace_id)
        # Another request may have seen a newer version already than this one's transaction does.
        if kept.shelf is not None and kept.version >= version:
            return kept.shelf
        if not kept.reading.acquire(timeout=_FIRST_WAIT if kept.shelf is None else _NEXT_WAIT):
            if kept.shelf is None:
                raise IndexLoading(headers={"Retry-After": "2"})
            return kept.shelf
        try:
            return _read(session, workspace_id, kept, version)
        finally:
            kept.reading.release()

    def _let_go(self, wanted: set[UUID]) -> None:
        with self._lock:
            total = sum(len(kept.shelf) for kept in self._kept.values() if kept.shelf is not None)
            for workspace_id in list(self._kept):
                if total <= LARGEST:
                    return
                if workspace_id not in wanted:
                    shelf = self._kept.pop(workspace_id).shelf
                    total -= 0 if shelf is None else len(shelf)


def _read(session: Session, workspace_id: UUID, kept: _Kept, version: int) -> Shelf:
    if kept.shelf is not None and kept.version >= version:
        return kept.shelf
    seen = kept.version
    if kept.shelf is None:
        shelf = read_shelf(session, workspace_id)
    else:
        shelf = kept.shelf
        for chunk in queries.soundings(session, workspace_id, seen, _CHUNK):
            shelf = shelf.merged(chunk)
    kept.shelf, kept.version = shelf, version
    log.debug("similar.index.read", tracks=len(shelf), since=seen, version=version)
    return shelf


def read_shelf(session: Session, workspace_id: UUID) -> Shelf:
    """Every track of a workspace that can be compared, as it is now."""
    empty = empty_shelf(DIMENSIONS, HALVES)
    return joined([empty, *map(empty.merged, queries.soundings(session, workspace_id, -1, _CHUNK))])
