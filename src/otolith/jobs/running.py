"""The run of one job: what its handler holds, and how its ending is judged."""

import errno
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, TypeVar
from uuid import UUID

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from otolith.core.actor import SYSTEM, Actor
from otolith.core.context import Context
from otolith.core.errors import AppError
from otolith.core.settings import JobSettings
from otolith.jobs import ledger
from otolith.jobs.claiming import Claimed
from otolith.jobs.contracts import Contract, Lane, Payload, Priority
from otolith.jobs.ledger import Outcome
from otolith.jobs.outcomes import (
    LONGEST_WAIT,
    Draining,
    Interrupted,
    JobCancelled,
    LeaseLost,
    PauseLane,
    Postponed,
    RetryLater,
    TimeIsUp,
    plain,
)
from otolith.jobs.submitting import NEWS, submit, submit_many

log = structlog.get_logger(__name__)

Resource = TypeVar("Resource")

PROGRESS_SECONDS = 0.5
FULL_DISK_SECONDS = 60.0


class Resources:
    """What a worker child keeps between jobs, such as its warm decoder; closed when the child ends."""

    def __init__(self) -> None:
        self._kept: dict[str, Any] = {}

    def get(self, name: str, factory: Callable[[], Resource]) -> Resource:
        if name not in self._kept:
            self._kept[name] = factory()
        found: Resource = self._kept[name]
        return found

    def close(self) -> None:
        while self._kept:
            name, resource = self._kept.popitem()
            close = getattr(resource, "close", None)
            if close is not None:
                try:
                    close()
                except Exception:
                    log.warning("jobs.resource.close_failed", resource=name, exc_info=True)


class Run:
    """One run of a job, handed to its handler.

    Effects belong into `step`, which commits them together with a checkpoint or not at all. A handler that works for
    more than a moment calls `check` between its steps.
    """

    def __init__(self, context: Context, job: Claimed, contract: Contract[Any], resources: Resources) -> None:
        self.context = context
        self.job = job
        self.contract = contract
        self.job_id = job.id
        self.workspace_id = job.workspace_id
        self.user_id = job.user_id
        self.attempt = job.attempt
        self.checkpoint = job.checkpoint
        self.began = time.monotonic()
        self.renewed = self.began
        self._resources = resources
        self._interruption: Interrupted | TimeIsUp | None = None
        self._progress = _Progress(job.progress_done or 0)
        self._progress_lock = threading.Lock()

    @property
    def actor(self) -> Actor:
        """In whose name the effects are written: a member of the job's workspace, or the system."""
        if self.workspace_id is None:
            return SYSTEM
        memberships = {self.workspace_id: "owner"}
        return Actor(kind="user", user_id=self.user_id, role="user", memberships=memberships)  # type: ignore[arg-type]

    def interrupt(self, reason: Interrupted | TimeIsUp) -> None:
        """Make the next `check` raise; called from the heartbeat's thread.

        The first reason stays, but for running out of time softly, which is only advice.
        """
        if self._interruption is None or isinstance(self._interruption, TimeIsUp):
            self._interruption = reason

    @property
    def interruption(self) -> Interrupted | TimeIsUp | None:
        return self._interruption

    def check(self) -> None:
        """Raise if this run must end: cancelled, out of time, draining, or without its lease."""
        if self._interruption is not None:
            raise self._interruption

    @contextmanager
    def step(self, checkpoint: dict[str, Any] | None = None, *, actor: Actor | None = None) -> Iterator[Session]:
        """One short transaction whose effects commit together with `checkpoint`, if the lease still holds."""
        self.check()
        with self.context.database.write(actor or self.actor) as session:
            yield session
            session.flush()
            # Last, so that the job's row is locked for a moment only and the heartbeat never waits for a step.
            ledger.advance(session.connection(), self.job, checkpoint)
        if checkpoint is not None:
            self.checkpoint = checkpoint

    def progress(self, done: int, total: int | None = None, note: str = "") -> None:
        """Tell how far the work is; cheap to call often, since the ledger hears of it at most twice a second."""
        with self._progress_lock:
            self._progress.set(done, total, note)
        self.flush_progress()

    def flush_progress(self) -> None:
        """Write the latest progress, if there is any that is not written and the last writing is long enough ago."""
        with self._progress_lock:
            news = self._progress.due()
        if news is None:
            return
        with self.context.database.write(SYSTEM) as session:
            ledger.tell_progress(session.connection(), self.job, *news)
            session.info[NEWS] = True

    def child(
        self,
        session: Session,
        contract: Contract[Payload],
        payload: Payload,
        *,
        lane: Lane | None = None,
        priority: Priority = "normal",
        idempotency_key: str | None = None,
    ) -> UUID:
        """Submit a job that this one waits for; give `session` from `step`, so that no child is made twice."""
        return submit(
            session,
            contract,
            payload,
            workspace=self.workspace_id,
            user=self.user_id,
            lane=lane,
            priority=priority,
            idempotency_key=idempotency_key,
            parent=self.job_id,
        )

    def children(
        self, session: Session, contract: Contract[Payload], payloads: list[Payload], *, priority: Priority = "normal"
    ) -> list[UUID]:
        """As `child`, for many payloads at once."""
        return submit_many(
            session,
            contract,
            payloads,
            workspace=self.workspace_id,
            user=self.user_id,
            priority=priority,
            parent=self.job_id,
        )

    def resource(self, name: str, factory: Callable[[], Resource]) -> Resource:
        """Something dear to make that later jobs of this worker child use again."""
        return self._resources.get(name, factory)


class _Progress:
    """The latest progress of a run, and when to write it."""

    def __init__(self, done: int) -> None:
        self._began = time.monotonic()
        self._base: int | None = done or None
        self._latest: tuple[int, int | None, str | None] | None = None
        self._written_at = 0.0

    def set(self, done: int, total: int | None, note: str) -> None:
        if self._base is None:
            # What a checkpoint had already done says nothing about the speed of this run.
            self._base = done if time.monotonic() - self._began < PROGRESS_SECONDS else 0
        self._latest = (done, total, plain(note)[:300] or None)

    def due(self) -> tuple[int, int | None, str | None, float | None] | None:
        at = time.monotonic()
        if self._latest is None or at - self._written_at < PROGRESS_SECONDS:
            return None
        done, total, note = self._latest
        self._latest = None
        self._written_at = at
        return done, total, note, self._seconds_left(done, total, at - self._began)

    def _seconds_left(self, done: int, total: int | None, elapsed: float) -> float | None:
        gained = done - (self._base or 0)
        if total is None or gained <= 0 or elapsed <= 0:
            return None
        return round(max(0.0, (total - done) * elapsed / gained), 1)


def backoff(settings: JobSettings, attempt: int) -> float:
    """Seconds until the next attempt: doubling, with jitter so that what failed together does not return together."""
    doubled: float = settings.retry_seconds * 2.0 ** min(attempt - 1, 30)
    return min(doubled, settings.retry_max_seconds) * random.uniform(0.75, 1.25)  # noqa: S311 -- No secret.


def _disk_is_full(error: BaseException) -> bool:
    if isinstance(error, DBAPIError) and isinstance(error.orig, sqlite3.OperationalError):
        return "disk is full" in str(error.orig)
    if isinstance(error, AppError):
        return error.status == HTTPStatus.INSUFFICIENT_STORAGE
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def _retry_after(error: AppError) -> float:
    """The seconds that whoever refused asked to wait, where it said so."""
    said = {name.lower(): value for name, value in error.headers.items()}.get("retry-after", "")
    return min(float(said), LONGEST_WAIT) if said.isascii() and said.isdecimal() else 0.0


def judge(settings: JobSettings, job: Claimed, error: BaseException) -> Outcome | PauseLane:
    """What becomes of a job whose handler raised `error`."""
    if isinstance(error, Draining):
        return Outcome("queued")
    if isinstance(error, Postponed):
        return Outcome("queued", error=plain(error.reason)[:300], seconds=error.seconds)
    if isinstance(error, JobCancelled):
        return Outcome("cancelled")
    if isinstance(error, PauseLane):
        return error
    if _disk_is_full(error):
        return PauseLane(job.lane, FULL_DISK_SECONDS, "The disk is full; make room, and the work goes on by itself.")
    message = plain(error.detail if isinstance(error, AppError) else f"{error}" or type(error).__name__)
    kind = type(error).__name__
    # A fault of the surroundings (status 5xx) may pass; any other refusal would only be repeated.
    final = isinstance(error, AppError) and error.status < 500
    limit = job.max_attempts or settings.max_attempts
    if final or job.attempt >= limit:
        return Outcome("dead", error=message, error_kind=kind)
    seconds = backoff(settings, job.attempt)
    if isinstance(error, RetryLater):
        seconds = error.seconds
    elif isinstance(error, AppError):
        seconds = max(seconds, _retry_after(error))
    return Outcome("retrying", error=message, error_kind=kind, seconds=seconds)


__all__ = ["LeaseLost", "Resources", "Run", "backoff", "judge", "plain"]
