"""The heartbeat of a run: renews its lease, and ends it when it is cancelled, out of time or no longer wanted."""

import os
import threading
import time
from collections.abc import Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.errors import AppError
from otolith.jobs import ledger
from otolith.jobs.ledger import Outcome
from otolith.jobs.outcomes import Draining, JobCancelled, LeaseLost, TimeIsUp
from otolith.jobs.running import Run, judge
from otolith.jobs.submitting import NEWS

log = structlog.get_logger(__name__)

# How long a handler that ignores an interruption may go on before its process is ended under it.
GRACE_SECONDS = 10.0
LOOK_SECONDS = 2.0


class Heart:
    """One thread that watches over the runs of a process's slot, one at a time.

    It is shared by all runs instead of started for each, so that a job of a millisecond pays nothing for it.
    `end_process` is called when a run has to be ended by force, after its outcome is written.
    """

    def __init__(self, context: Context, end_process: Callable[[], None] | None) -> None:
        self._context = context
        self._settings = context.settings.jobs
        self._end_process = end_process
        self._run: Run | None = None
        self._looked = 0.0
        self._interrupted = 0.0
        self._draining = threading.Event()
        self._stopped = threading.Event()
        self._tick_seconds = min(1.0, self._settings.heartbeat_seconds / 2)
        self._thread = threading.Thread(target=self._beat, name="otolith-heart", daemon=True)
        self._thread.start()

    def watch(self, run: Run) -> None:
        self._looked = run.began
        self._interrupted = 0.0
        self._run = run
        if self._draining.is_set():
            run.interrupt(Draining())

    def release(self) -> None:
        self._run = None

    def drain(self) -> None:
        """Ask the present run, and every later one, to give its job back."""
        self._draining.set()
        run = self._run
        if run is not None:
            run.interrupt(Draining())

    @property
    def draining(self) -> bool:
        return self._draining.is_set()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(5)

    def _beat(self) -> None:
        while not self._stopped.wait(self._tick_seconds):
            run = self._run
            if run is None:
                continue
            try:
                self._tend(run)
            except LeaseLost:
                run.interrupt(LeaseLost())
            except Exception as error:
                # The database may come back before the lease is over; and without a heart no later job would live.
                expected = isinstance(error, (SQLAlchemyError, AppError))
                log.warning(
                    "jobs.heartbeat.failed",
                    job_id=str(run.job_id),
                    error=type(error).__name__,
                    exc_info=not expected,
                )
                if time.monotonic() - run.renewed > self._settings.lease_seconds:
                    run.interrupt(LeaseLost())

    def _tend(self, run: Run) -> None:
        at = time.monotonic()
        self._obey_limits(run, at)
        if at - run.renewed >= self._settings.heartbeat_seconds:
            with self._context.database.write(SYSTEM) as session:
                cancelled = ledger.renew(session.connection(), run.job, self._settings.lease_seconds)
            run.renewed = at
            self._looked = at
        elif at - self._looked >= LOOK_SECONDS:
            self._looked = at
            with self._context.database.read(SYSTEM) as session:
                cancelled = ledger.is_cancelled(session.connection(), run.job)
        else:
            cancelled = False
        if cancelled:
            run.interrupt(JobCancelled())
        self._enforce(run, at)
        run.flush_progress()

    def _obey_limits(self, run: Run, at: float) -> None:
        soft, hard = run.contract.soft_seconds, run.contract.hard_seconds
        elapsed = at - run.began
        if soft is not None and elapsed > soft:
            run.interrupt(TimeIsUp(f"It ran longer than {soft:g} s."))
        if hard is not None and elapsed > hard:
            late = TimeIsUp(f"It ran longer than {hard:g} s and was ended.")
            # Where the process cannot be ended, because it is a person's command, the handler is asked to stop.
            run.interrupt(late)
            self._end(run, late)

    def _enforce(self, run: Run, at: float) -> None:
        """End a run that has ignored its interruption for too long; running out of time softly is only advice."""
        reason = run.interruption
        if reason is None or isinstance(reason, TimeIsUp):
            return
        if self._interrupted == 0.0:
            self._interrupted = at
        elif at - self._interrupted > GRACE_SECONDS:
            self._end(run, reason)

    def _end(self, run: Run, reason: BaseException) -> None:
        if self._end_process is None or self._run is not run:
            return
        log.warning("jobs.run.ended_by_force", job_id=str(run.job_id), reason=type(reason).__name__)
        if not isinstance(reason, LeaseLost):
            outcome = judge(self._settings, run.job, reason)
            assert isinstance(outcome, Outcome)  # noqa: S101 -- Interruptions and limits pause no lane.
            try:
                with self._context.database.write(SYSTEM) as session:
                    session.info[NEWS] = True
                    ledger.finish(session.connection(), run.job, outcome)
            except (LeaseLost, SQLAlchemyError, AppError):
                log.warning("jobs.run.outcome_not_written", job_id=str(run.job_id), exc_info=True)
        self._end_process()


def end_this_process() -> None:
    """End at once, without the handlers that a stuck job would block; the lease and the fence protect what is left."""
    os._exit(70)
