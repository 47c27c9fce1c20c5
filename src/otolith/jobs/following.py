"""Following the live feed: one thread for all followers of a process, and none while nobody follows."""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg
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
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def push(self, events: list[Event]) -> None:
        """Called in the reader's loop."""
        self.backlog.extend(event for event in events if self.wanted(event))
        if len(self.backlog) > _LONGEST_BACKLOG:
            self.backlog.clear()
            self.overrun = True
        if self.backlog or self.overrun:
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

    def leave(self, follower: Follower) -> None:
        with self._lock:
            if follower in self._followers:
                self._followers.remove(follower)

    def start(self) -> Position:
        """Where the feed is now: what a follower reads from who has seen nothing yet."""
        with self._context.database.read(SYSTEM) as session:
            return position_now(session)

    def _read(self, place: Position) -> None:
        ears = _Ears(self._context)
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
                _call(follower, events)
            if len(events) < BATCH:
                return place


def _call(follower: Follower, events: list[Event]) -> None:
    try:
        follower.loop.call_soon_threadsafe(follower.push, events)
    except RuntimeError:
        # Its loop has ended, and so has it.
        log.debug("jobs.feed.follower_gone")


class _Ears:
    """Waits until there may be news: for a notification on PostgreSQL, for a moment on SQLite."""

    def __init__(self, context: Context) -> None:
        settings = context.settings
        url = settings.listen_database_url or settings.effective_database_url
        self._url = None if context.database.is_sqlite else normalise_url(url).replace("+psycopg", "", 1)
        self._connection: psycopg.Connection[Any] | None = None
        self._awake_until = 0.0
        self._last: Position | None = None
        self._try_again = 0.0

    def wait(self, place: Position) -> None:
        at = time.monotonic()
        if place != self._last:
            self._last = place
            self._awake_until = at + _AWAKE_SECONDS
        if self._url is None or not self._listens(at):
            time.sleep(_POLL_SECONDS)
        elif at < self._awake_until:
            time.sleep(_AWAKE_PAUSE)
        else:
            self._hear()

    def _listens(self, at: float) -> bool:
        if self._connection is None and self._url is not None and at >= self._try_again:
            try:
                self._connection = psycopg.connect(self._url, autocommit=True, connect_timeout=5)
                self._connection.execute(f"LISTEN {NOTIFY_CHANNEL}")
            except psycopg.Error as error:
                log.warning("jobs.feed.cannot_listen", error=type(error).__name__)
                self._try_again = at + 10
                self.close()
        return self._connection is not None

    def _hear(self) -> None:
        assert self._connection is not None  # noqa: S101 -- `wait` has looked.
        try:
            for _notice in self._connection.notifies(timeout=_NOTIFY_SECONDS, stop_after=1):
                self._awake_until = time.monotonic() + _AWAKE_SECONDS
        except psycopg.Error as error:
            log.warning("jobs.feed.listening_ended", error=type(error).__name__)
            self.close()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
