"""Jobs without a worker: a command runs them itself, or watches while workers do."""

import os
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import select

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.jobs import queries
from otolith.jobs.contracts import Handler, Handlers
from otolith.jobs.models import TERMINAL, Job
from otolith.jobs.slot import Slot
from otolith.jobs.sweep import sweep
from otolith.jobs.workers import live_workers, worker_name

_IDLE_PAUSE = 0.05
_WATCH_PAUSE = 0.25


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job and all that descends from it are."""

    state: str
    counts: dict[str, int] = field(default_factory=dict)
    done: int | None = None
    total: int | None = None
    note: str | None = None
    error: str | None = None

    @property
    def finished(self) -> bool:
        return self.state in TERMINAL


Watch = Callable[[Progress], None]


def progress_of(context: Context, root: UUID) -> Progress:
    with context.database.read(SYSTEM) as session:
        row = session.execute(
            select(Job.state, Job.progress_done, Job.progress_total, Job.note, Job.error).where(Job.id == root)
        ).one()
        counts = queries.count_of_tree(session, root)
    return Progress(row.state, counts, row.progress_done, row.progress_total, row.note, row.error)


def follow(context: Context, root: UUID, watch: Watch | None = None) -> Progress:
    """Wait until workers have finished a job and its children, telling `watch` a few times a second."""
    progress = _follow(context, root, watch, lambda: True)
    assert progress is not None  # noqa: S101 -- Nothing else ends it.
    return progress


def _follow(context: Context, root: UUID, watch: Watch | None, go_on: Callable[[], bool]) -> Progress | None:
    while go_on():
        began = time.monotonic()
        progress = progress_of(context, root)
        if watch is not None:
            watch(progress)
        if progress.finished:
            return progress
        # Counting a large tree costs something; a twentieth of the time is enough for it.
        time.sleep(max(_WATCH_PAUSE, 20 * (time.monotonic() - began)))
    return None


def run_inline(
    context: Context,
    root: UUID,
    handlers: Iterable[Handler],
    *,
    watch: Watch | None = None,
    threads: int = 0,
    even_with_workers: bool = False,
) -> Progress:
    """See a job and all its children through to the end, running them in this process where no worker is alive.

    The ledger is the same: leases, fences and retries hold, and a worker that starts meanwhile helps. Workers that
    die while one waits for them, or had died just before, are replaced.
    """

    def others_work() -> bool:
        with context.database.read(SYSTEM) as session:
            return bool(live_workers(session))

    if not even_with_workers:
        done = _follow(context, root, watch, others_work)
        if done is not None:
            return done
    crew = _Crew(context, root, Handlers(handlers), threads or max(1, min(8, os.cpu_count() or 1)))
    try:
        return crew.see_through(watch)
    finally:
        crew.end()


class _Crew:
    """A few threads that run the jobs of one root."""

    def __init__(self, context: Context, root: UUID, handlers: Handlers, threads: int) -> None:
        self._context = context
        self._root = root
        self._handlers = handlers
        self._ended = threading.Event()
        self._fault: BaseException | None = None
        name = worker_name(f"command-{os.getpid()}")
        self._slots = [Slot(context, handlers, name) for _ in range(threads)]
        self._threads = [
            threading.Thread(target=self._run, args=(slot,), name=f"otolith-inline-{number}", daemon=True)
            for number, slot in enumerate(self._slots)
        ]

    def see_through(self, watch: Watch | None) -> Progress:
        for thread in self._threads:
            thread.start()
        swept = 0.0
        told = cost = 0.0
        while True:
            began = time.monotonic()
            if self._has_ended() or began - told > max(_WATCH_PAUSE, 20 * cost):
                progress = progress_of(self._context, self._root)
                told = time.monotonic()
                cost = told - began
                if watch is not None:
                    watch(progress)
                if progress.finished:
                    return progress
            if self._fault is not None:
                raise self._fault
            if time.monotonic() - swept > min(1.0, self._context.settings.jobs.sweep_seconds):
                swept = time.monotonic()
                # Retries of this command's jobs come due, too, and nobody else may be there to wake them.
                sweep(self._context, (), always=True)
            self._ended.wait(_IDLE_PAUSE)

    def _has_ended(self) -> bool:
        with self._context.database.read(SYSTEM) as session:
            state: str = session.execute(select(Job.state).where(Job.id == self._root)).scalar_one()
        return state in TERMINAL

    def _run(self, slot: Slot) -> None:
        try:
            while not self._ended.is_set():
                if slot.work_on(self._root) == 0:
                    self._ended.wait(_IDLE_PAUSE)
        except BaseException as error:  # noqa: BLE001 -- Handed to the thread that waits, which raises it.
            self._fault = error

    def end(self) -> None:
        """Give back what still runs, and close what the threads kept."""
        self._ended.set()
        for slot in self._slots:
            slot.heart.drain()
        for slot, thread in zip(self._slots, self._threads, strict=True):
            thread.join(15)
            slot.close()
