"""Following the live feed: one thread for all followers of a process, and none while nobody follows."""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog
from anyio import to_thread
from sqlalchemy.exc import SQLAlchemyError

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.db import normalise_url
from otolith.core.errors import AppError
from otolith.jobs.bells import NOTIFY_CHANNEL
from otolith.jobs.feed import BATCH, Event, Position, events_after, position_now

log = structlog.get_logger(__name__)

_POLL_SECONDS = 0.2
# A notification may come before the last of its events is safe to read, so the reader stays awake for a while.
_AWAKE_SECONDS = 1.0
_AWAKE_PAUSE = 0.1
_NOTIFY_SECONDS = 1.0
_LONGEST_BACKLOG = 2000

Wanted = Callable[[Event], bool]


@dataclass(eq=False)
class Follower:
    """One reader's place: what it has not taken yet, and whether it fell too far behind."""

    wanted: Wanted
    loop: asyncio.AbstractEventLoop
    backlog: list[Event] = field(default_factory=list)
    overrun: bool = False
    # The server stops, and whoever follows shall come back to the next one.
    ended: bool = False
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def push(self, events: list[Event]) -> None:
        """Called in the reader's loop."""
        self.backlog.extend(event for event in events if self.wanted(event))
        if len(self.backlog) > _LONGEST_BACKLOG:
            self.backlog.clear()
            self.overrun = True
        if self.backlog or self.overrun:
            self.news.set()

    def end(self) -> None:
        """Called in the reader's loop."""
        self.ended = True
        self.news.set()

    async def take(self, seconds: float) -> list[Event] | None:
        """What happened since the last call, or nothing after `seconds`; None for a reader that was too slow."""
        try:
            await asyncio.wait_for(self.news.wait(), seconds)
        except TimeoutError:
            return []
        self.news.clear()
        if self.overrun:
            self.overrun = False
            return None
        events, self.backlog = self.backlog, []
        return events


class Feed:
    """Reads new events once for all followers of this process and hands them on."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._followers: list[Follower] = []
        self._thread: threading.Thread | None = None
        self._closed = False

    def close(self) -> None:
        """Let all followers go, and those who still come."""
        with self._lock:
            self._closed = True
            followers = list(self._followers)
        for follower in followers:
            _call(follower, follower.end)

    async def join(self, wanted: Wanted) -> Follower:
        """Begin to follow: whatever is committed after this returns will be handed on. `leave` ends it."""
        follower = Follower(wanted, asyncio.get_running_loop())
        try:
            await to_thread.run_sync(self._join, follower)
        except BaseException:
            self.leave(follower)
            raise
        return follower

    def _join(self, follower: Follower) -> None:
        # Taken before this returns, or what is committed meanwhile would be nobody's; and not under the lock, which
        # the event loop takes, too.
        place = self.start()
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._read, args=(place,), name="otolith-feed", daemon=True)
                self._thread.start()
            self._followers.append(follower)
            closed = self._closed
        if closed:
            _call(follower, follower.end)

    def leave(self, follower: Follower) -> None:
        with self._lock:
            if follower in self._followers:
                self._followers.remove(follower)

    def start(self) -> Position:
        """Where the feed is now: what a follower reads from who has seen nothing yet."""
        with self._context.database.read(SYSTEM) as session:
            return position_now(session)

    def _read(self, place: Position) -> None:
        ears = _ears_for(self._context)
        while True:
            with self._lock:
                if not self._followers:
                    self._thread = None
                    break
            try:
                place = self._hand_on(place)
            except (SQLAlchemyError, AppError) as error:
                log.warning("jobs.feed.failed", error=type(error).__name__)
                time.sleep(1)
            except Exception:
                # Every follower of this process hears through this thread alone.
                log.exception("jobs.feed.crashed")
                time.sleep(1)
            ears.wait(place)
        ears.close()

    def _hand_on(self, place: Position) -> Position:
        while True:
            with self._context.database.read(SYSTEM) as session:
                events = events_after(session, place)
            if not events:
                return place
            place = events[-1].position
            with self._lock:
                followers = list(self._followers)
            for follower in followers:
                _call(follower, partial(follower.push, events))
            if len(events) < BATCH:
                return place


def _call(follower: Follower, what: Callable[[], None]) -> None:
    try:
        follower.loop.call_soon_threadsafe(what)
    except RuntimeError:
        # Its loop has ended, and so has it.
        log.debug("jobs.feed.follower_gone")


class _Ears:
    """Waits until there may be news: a moment on SQLite."""

    def __init__(self) -> None:
        self._awake_until = 0.0
        self._last: Position | None = None

    def wait(self, place: Position) -> None:
        """Return when it is time to look again; `place` tells whether the last look found anything."""
        if place != self._last:
            self._last = place
            self._awake_until = time.monotonic() + _AWAKE_SECONDS
        self._wait(awake=time.monotonic() < self._awake_until)

    def _wait(self, *, awake: bool) -> None:  # noqa: ARG002 -- SQLite is asked at one pace.
        time.sleep(_POLL_SECONDS)

    def close(self) -> None:
        """Nothing is held."""


class _PostgresEars(_Ears):
    """Waits for a notification, and looks by itself as well."""

    def __init__(self, url: str) -> None:
        super().__init__()
        # An installation on SQLite has no such driver.
        import psycopg  # noqa: PLC0415 -- As said above.

        self._connect = psycopg.connect
        self._error = psycopg.Error
        self._url = url
        self._connection: Any = None
        self._try_again = 0.0

    def _wait(self, *, awake: bool) -> None:
        if not self._listens():
            time.sleep(_POLL_SECONDS)
        elif awake:
            time.sleep(_AWAKE_PAUSE)
        else:
            self._hear()

    def _listens(self) -> bool:
        if self._connection is None and time.monotonic() >= self._try_again:
            try:
                self._connection = self._connect(self._url, autocommit=True, connect_timeout=5)
                self._connection.execute(f"LISTEN {NOTIFY_CHANNEL}")
            except self._error as error:
                log.warning("jobs.feed.cannot_listen", error=type(error).__name__)
                self._try_again = time.monotonic() + 10
                self.close()
        return self._connection is not None

    def _hear(self) -> None:
        try:
            for _notice in self._connection.notifies(timeout=_NOTIFY_SECONDS, stop_after=1):
                self._awake_until = time.monotonic() + _AWAKE_SECONDS
        except self._error as error:
            log.warning("jobs.feed.listening_ended", error=type(error).__name__)
            self.close()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _ears_for(context: Context) -> _Ears:
    if context.database.is_sqlite:
        return _Ears()
    url = context.settings.listen_database_url or context.settings.effective_database_url
    return _PostgresEars(normalise_url(url).replace("+psycopg", "", 1))
