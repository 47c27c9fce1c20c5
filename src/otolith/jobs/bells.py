"""Ringing: after a commit that queued jobs, tell workers to look; after one that changed jobs, tell followers."""

import atexit
import threading
import time
from collections import Counter
from typing import Any

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from otolith.core.actor import SYSTEM
from otolith.core.db import Database
from otolith.core.errors import AppError
from otolith.core.settings import Settings
from otolith.jobs.submitting import BELLS, NEWS
from otolith.jobs.workers import live_workers

log = structlog.get_logger(__name__)

NOTIFY_CHANNEL = "otolith_jobs"
_BELL_PAUSE = 0.01
_NEWS_PAUSE = 0.05
_BROKEN_PAUSE = 2.0
_COUNT_SECONDS = 10.0


class Ringer:
    """One thread that rings for a whole process, so that no request or job ever waits for a broker.

    Bells for the same lane melt together, and no more wait at the broker than there are children to hear them. A
    bell that is lost delays work until a worker looks by itself, a few seconds later.
    """

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._wake = threading.Condition()
        self._bells: Counter[str] = Counter()
        self._news = False
        self._closing = False
        self._thread: threading.Thread | None = None
        self._told_at = 0.0
        self._children: dict[str, int] = {}
        self._counted_at = 0.0
        self._producer: Any = None
        self._app: Any = None

    def __call__(self, info: dict[Any, Any]) -> None:
        """Called by `Database` after each commit, with what `submit` and the ledger noted."""
        bells = info.pop(BELLS, None)
        # Followers of SQLite poll the file, so nobody has to be told.
        news = bool(info.pop(NEWS, False)) and not self._database.is_sqlite
        if bells or (news and not self._news):
            with self._wake:
                self._bells.update(bells or ())
                self._news = self._news or news
                self._start()
                self._wake.notify()

    def ring(self, lane: str, count: int = 1) -> None:
        with self._wake:
            self._bells[lane] += count
            self._start()
            self._wake.notify()

    def close(self, seconds: float = 2.0) -> None:
        """Ring what is still to be rung, for a moment, and stop."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join(seconds)

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._loop, name="otolith-ringer", daemon=True)
            self._thread.start()
            # A command that submits and ends still rings.
            atexit.register(self.close)

    def _loop(self) -> None:
        while True:
            with self._wake:
                while not (self._bells or self._news or self._closing):
                    self._wake.wait()
                bells, self._bells = self._bells, Counter()
                closing = self._closing
            if bells and not self._publish(bells) and not closing:
                with self._wake:
                    self._bells.update(bells)
                time.sleep(_BROKEN_PAUSE)
            self._tell()
            if closing:
                return
            time.sleep(_BELL_PAUSE)

    def _tell(self) -> None:
        """Wake the followers on other hosts, at most 20 times a second."""
        if not self._news or time.monotonic() - self._told_at < _NEWS_PAUSE:
            return
        self._news = False
        self._told_at = time.monotonic()
        try:
            with self._database.write(SYSTEM) as session:
                session.execute(text("SELECT pg_notify(:channel, '')"), {"channel": NOTIFY_CHANNEL})
        except (SQLAlchemyError, AppError) as error:
            # Followers also look by themselves.
            log.warning("jobs.notify.failed", error=type(error).__name__)

    def _publish(self, bells: Counter[str]) -> bool:
        try:
            for lane, wanted in bells.items():
                self._ring(lane, min(wanted, self._children_of(lane)))
        except Exception as error:  # noqa: BLE001 -- Every transport has exceptions of its own, and bells may be lost.
            log.warning("jobs.bell.failed", error=f"{type(error).__name__}: {error}"[:200])
            self._disconnect()
            return False
        return True

    def _ring(self, lane: str, wanted: int) -> None:
        # A process that never rings does not pay for these imports.
        from otolith.jobs.broker import BELL, QUEUE_OPTIONS, make_app, queue_of  # noqa: PLC0415 -- As said above.

        if self._producer is None:
            self._app = self._app or make_app(self._settings)
            self._producer = self._app.amqp.Producer(self._app.connection_for_write(), auto_declare=False)
        queue = queue_of(lane)
        waiting = self._producer.channel.queue_declare(queue=queue, **QUEUE_OPTIONS).message_count
        for _ in range(wanted - waiting):
            self._app.send_task(
                BELL, (lane,), queue=queue, producer=self._producer, retry=False, ignore_result=True, declare=[]
            )

    def _disconnect(self) -> None:
        if self._producer is None:
            return
        connection, self._producer = self._producer.connection, None
        try:
            connection.release()
        except Exception:
            log.debug("jobs.bell.release_failed", exc_info=True)

    def _children_of(self, lane: str) -> int:
        """How many children hear the lane, as far as the workers have told; at least one."""
        at = time.monotonic()
        if not self._children or at - self._counted_at > _COUNT_SECONDS:
            self._counted_at = at
            counts: Counter[str] = Counter()
            try:
                with self._database.read(SYSTEM) as session:
                    for worker in live_workers(session):
                        for served in worker.lanes:
                            counts[served] += worker.concurrency
            except (SQLAlchemyError, AppError) as error:
                log.warning("jobs.workers.not_counted", error=type(error).__name__)
            self._children = dict(counts)
        return max(1, self._children.get(lane, 1))


def connect_bells(settings: Settings, database: Database) -> Ringer:
    """Ring whenever a transaction of `database` that submitted jobs is committed; asked again, the same ringer."""
    for listener in database.on_commit:
        if isinstance(listener, Ringer):
            return listener
    ringer = Ringer(settings, database)
    database.on_commit.append(ringer)
    database.on_dispose.append(ringer.close)
    return ringer
