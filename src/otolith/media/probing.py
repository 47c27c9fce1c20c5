"""Finding out what an upload really is, in helper processes of the server's own."""

import threading
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Final

from otolith.core.errors import NotAvailable, UnsupportedMedia
from otolith.core.spool import StorageFull
from otolith.media.listening import Limits, Listener, ListenFailure, Sound

_AT_ONCE: Final = 2
_SECONDS: Final = 30.0


class Probes:
    """A few warm helpers that look at files, shared by the threads of a process."""

    def __init__(self) -> None:
        self._turns = threading.Semaphore(_AT_ONCE)
        self._idle: deque[Listener] = deque()
        self._closed = False

    def probe(self, path: Path, limits: Limits) -> Sound:
        """What the file is; raises `ListenFailure`. It waits for a free helper."""
        with self._turns:
            listener = self._take()
            try:
                return listener.probe(path, limits)
            finally:
                self._give_back(listener)

    def _take(self) -> Listener:
        # The one used last is warm; the others end by themselves when nobody asks them.
        with suppress(IndexError):
            return self._idle.pop()
        return Listener(idle_seconds=30.0)

    def _give_back(self, listener: Listener) -> None:
        self._idle.append(listener)
        if self._closed:
            self.close()

    def close(self) -> None:
        self._closed = True
        while self._idle:
            with suppress(IndexError):
                self._idle.pop().close()


def probe(probes: Probes, path: Path, max_seconds: float) -> Sound:
    """What an upload is; an error that tells the sender why it is not taken."""
    try:
        return probes.probe(path, Limits(max_seconds=max_seconds, wall_seconds=_SECONDS, stall_seconds=_SECONDS))
    except ListenFailure as failure:
        if failure.kind == "disk_full":
            raise StorageFull from failure
        if failure.transient:
            detail = f"The file could not be looked at just now: {failure.detail} Send it again in a moment."
            raise NotAvailable(detail, headers={"Retry-After": "5"}) from failure
        raise UnsupportedMedia(failure.detail, reason=failure.kind) from failure
