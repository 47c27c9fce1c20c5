"""One place where jobs run one after another: claim, run, write the outcome, and claim the next in the same breath."""

import json
import time
from collections.abc import Callable, Sequence
from uuid import UUID

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.errors import AppError
from otolith.jobs import lanes as pauses
from otolith.jobs import ledger
from otolith.jobs.claiming import Claimed, claim, claim_of_root
from otolith.jobs.contracts import Handlers
from otolith.jobs.heart import Heart
from otolith.jobs.lanes import Rotation
from otolith.jobs.ledger import Outcome
from otolith.jobs.metrics import ATTEMPTS, LEASE_LOSSES, RUN_SECONDS
from otolith.jobs.outcomes import LeaseLost, PauseLane, RetryLater, TimeIsUp, UnknownTask, plain
from otolith.jobs.running import Resources, Run, judge
from otolith.jobs.seats import LaneSeats
from otolith.jobs.submitting import NEWS, promise

log = structlog.get_logger(__name__)

Claim = Callable[[Connection], Claimed | None]


class Slot:
    """Runs jobs one at a time; a worker child has one, and a command that runs its own jobs has a few."""

    def __init__(
        self,
        context: Context,
        handlers: Handlers,
        worker: str,
        *,
        end_process: Callable[[], None] | None = None,
        seats: LaneSeats | None = None,
    ) -> None:
        self.context = context
        self.resources = Resources()
        self.heart = Heart(context, end_process)
        self._handlers = handlers
        self._worker = worker
        self._seats = seats
        self._lease = context.settings.jobs.lease_seconds

    def work(self, lanes: Sequence[str], *, seconds: float = float("inf")) -> tuple[int, bool]:
        """Run the due jobs of these lanes until there is none or the time has passed.

        Returns how many ran, and whether there may be more.
        """
        rotation = Rotation(lanes)

        def take(connection: Connection) -> Claimed | None:
            order = rotation.next()
            if self._seats is None:
                return claim(connection, order, worker=self._worker, lease=self._lease)
            job = claim(connection, self._seats.admit(order), worker=self._worker, lease=self._lease)
            self._seats.keep(None if job is None else job.lane)
            return job

        try:
            return self._loop(take, seconds)
        finally:
            if self._seats is not None:
                self._seats.keep(None)

    def work_on(self, root: UUID) -> int:
        """Run the due jobs that descend from `root`, and `root` itself; how many ran."""

        def take(connection: Connection) -> Claimed | None:
            return claim_of_root(connection, root, worker=self._worker, lease=self._lease)

        return self._loop(take, float("inf"))[0]

    def close(self) -> None:
        self.heart.stop()
        self.resources.close()

    def _loop(self, take: Claim, seconds: float) -> tuple[int, bool]:
        deadline = time.monotonic() + seconds
        count = 0
        job = None if self._enough(deadline) else self._first(take)
        while job is not None:
            outcome = self._run(job)
            count += 1
            job = self._end(job, outcome, None if self._enough(deadline) else take)
        return count, self._enough(deadline)

    def _enough(self, deadline: float) -> bool:
        return self.heart.draining or time.monotonic() >= deadline

    def _first(self, take: Claim) -> Claimed | None:
        with self.context.database.write(SYSTEM) as session:
            job = take(session.connection())
            session.info[NEWS] = job is not None
        return job

    def _run(self, job: Claimed) -> Outcome | PauseLane | LeaseLost:
        """Call the handler; how it ended, whatever it raised."""
        about: dict[str, str | int] = {
            "otolith.job_id": str(job.id),
            "otolith.lane": job.lane,
            "otolith.attempt": job.attempt,
        }
        began = time.monotonic()
        with self.context.tracing.span(job.task, "consumer", parent=job.trace_parent, attributes=about) as span:
            outcome = self._call(job)
            name = outcome.state if isinstance(outcome, Outcome) else "paused"
            if isinstance(outcome, LeaseLost):
                name = "lease_lost"
            elif isinstance(outcome, Outcome):
                span.failure = outcome.error_kind
            span.attributes["otolith.outcome"] = name
        RUN_SECONDS.labels(task=job.task, outcome=name).observe(time.monotonic() - began)
        ATTEMPTS.labels(task=job.task, outcome=name).inc()
        return outcome

    def _call(self, job: Claimed) -> Outcome | PauseLane | LeaseLost:
        structlog.contextvars.bind_contextvars(job_id=str(job.id), task=job.task)
        watched = False
        try:
            handler = self._handlers.find(job.task)
            payload = handler.contract.read(job.version, job.payload)
            run = Run(self.context, job, handler.contract, self.resources)
            self.heart.watch(run)
            watched = True
            result = handler.work(run, payload)
            # What no database can hold is the handler's fault, and no reason to write its outcome over and over.
            json.dumps(result, allow_nan=False)
            outcome: Outcome | PauseLane | LeaseLost = Outcome("succeeded", result=result)
        except LeaseLost as error:
            self._log_loss(job)
            outcome = error
        except Exception as error:  # noqa: BLE001 -- Whatever a handler raises is the outcome of its job.
            outcome = judge(self.context.settings.jobs, job, error)
            self._log_failure(job, outcome, error)
        finally:
            if watched:
                self.heart.release()
            structlog.contextvars.unbind_contextvars("job_id", "task")
        return outcome

    def _log_loss(self, job: Claimed) -> None:
        LEASE_LOSSES.inc()
        log.warning("jobs.lease.lost", job_id=str(job.id), task=job.task, fence=job.fence)

    def _log_failure(self, job: Claimed, outcome: Outcome | PauseLane, error: Exception) -> None:
        if isinstance(outcome, PauseLane):
            log.warning("jobs.lane.paused", lane=outcome.lane, seconds=outcome.seconds, reason=outcome.reason)
        elif outcome.state in ("dead", "retrying"):
            write = log.error if outcome.state == "dead" else log.warning
            # A refusal on purpose explains itself; anything else needs its traceback.
            refused = isinstance(error, (AppError, RetryLater, TimeIsUp, UnknownTask))
            write(
                "jobs.job.failed",
                state=outcome.state,
                attempt=job.attempt,
                error=outcome.error,
                kind=outcome.error_kind,
                exc_info=not refused,
            )

    def _end(self, job: Claimed, outcome: Outcome | PauseLane | LeaseLost, take: Claim | None) -> Claimed | None:
        """Write the outcome and claim the next job in one transaction, however often the database has to be asked."""
        deadline = time.monotonic() + self._lease
        while True:
            try:
                return self._write(job, outcome, take)
            except LeaseLost as error:
                self._log_loss(job)
                outcome = error
            except (SQLAlchemyError, AppError) as error:
                if time.monotonic() > deadline:
                    # The lease is over, so the job belongs to whoever claims it next, from its last checkpoint.
                    raise
                log.warning("jobs.outcome.delayed", job_id=str(job.id), error=plain(str(error))[:200])
                time.sleep(0.5)

    def _write(self, job: Claimed, outcome: Outcome | PauseLane | LeaseLost, take: Claim | None) -> Claimed | None:
        with self.context.database.write(SYSTEM) as session:
            connection = session.connection()
            session.info[NEWS] = True
            if isinstance(outcome, PauseLane):
                pauses.pause(connection, outcome)
                ledger.finish(connection, job, Outcome("queued", error=plain(outcome.reason)[:300]))
            elif isinstance(outcome, Outcome):
                state = ledger.finish(connection, job, outcome)
                # Given back by a worker that stops; another may be idle.
                promise(session, job.lane, due=state == "queued" and not outcome.seconds)
            return take(connection) if take is not None else None
