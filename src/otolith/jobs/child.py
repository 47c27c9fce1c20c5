"""What one child process of a worker does: hear bells, and look at the ledger by itself now and then."""

import contextlib
import os
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.errors import AppError
from otolith.core.scratch import sweep_scratch
from otolith.jobs.bells import Ringer
from otolith.jobs.claiming import has_claimable
from otolith.jobs.contracts import Handlers, Lane
from otolith.jobs.heart import GRACE_SECONDS, end_this_process
from otolith.jobs.lanes import lane_limits
from otolith.jobs.seats import LaneSeats, Seats, seats_beside_interactive
from otolith.jobs.slot import Slot
from otolith.jobs.sweep import sweep
from otolith.jobs.workers import sign

log = structlog.get_logger(__name__)

# A child that works longer than this at one bell lets the broker choose again who goes on.
SHIFT_SECONDS = 30.0
# Longer than an orderly end takes, and shorter than those who wait for one have patience.
FORCED_SECONDS = GRACE_SECONDS + 6
LINGER_SECONDS = 0.03
DISMISSAL_PAUSE = 0.02
# Where the locks of a worker lie, and how often those of killed workers are looked for beside its start.
SCRATCH = "otolith-worker-"
TIDY_SECONDS = 3600.0
LINGER_PAUSE = 0.004
INTERACTIVE: tuple[Lane, ...] = ("interactive",)


@dataclass(frozen=True)
class Duty:
    """What all children of one worker share: its name, its process, its lanes and the folder of its locks."""

    name: str
    pid: int
    lanes: Sequence[Lane]
    concurrency: int
    folder: Path

    def mark(self, place: Path) -> None:
        """Put a mark into the folder, which programs that clean temporary folders may have taken away."""
        with contextlib.suppress(OSError):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            place.touch()

    def closed_mark(self, pid: int) -> Path:
        """Stands there once the child of that process holds nothing any more."""
        return self.folder / f"closed-{pid}"

    @property
    def dismissal(self) -> Path:
        """Stands there once children that are closed may go, since nobody will replace them."""
        return self.folder / "dismissed"


class Child:
    """One process that runs one job at a time."""

    def __init__(self, context: Context, handlers: Handlers, duty: Duty, ringer: Ringer) -> None:
        self._context = context
        self._handlers = handlers
        self._duty = duty
        self._ringer = ringer
        limits = lane_limits(context.settings.jobs)
        lane_seats = LaneSeats(duty.folder, limits) if limits else None
        self._slot = Slot(context, handlers, duty.name, end_process=end_this_process, seats=lane_seats)
        count = seats_beside_interactive(len(duty.lanes), duty.concurrency, interactive="interactive" in duty.lanes)
        self._seats = Seats(duty.folder, count)
        self._busy = threading.Lock()
        self._heard = False
        self._closed = threading.Event()
        self._told_to_end = 0
        self._closing = threading.Lock()
        self._is_closed = False
        self._tidied = time.monotonic()
        self._looker = threading.Thread(target=self._look_now_and_then, name="otolith-looker", daemon=True)
        self._looker.start()

    def hear(self, lane: str) -> None:
        """Run due jobs until there is none in the lanes, or the shift is over."""
        self._heard = True
        # Whoever is at work looks once more before it leaves, so that no bell is lost between its last look and that.
        while self._heard and not self.is_draining and self._busy.acquire(blocking=False):
            self._heard = False
            try:
                if self._work():
                    self._ringer.ring(lane)
            except (SQLAlchemyError, AppError) as error:
                log.warning("jobs.shift.ended", error=f"{type(error).__name__}: {error}"[:200])
            finally:
                self._busy.release()

    def _work(self) -> bool:
        """One shift; whether there may be work left for the next one."""
        seated = self._seats.take()
        end = time.monotonic() + SHIFT_SECONDS
        try:
            lanes = self._duty.lanes if seated else INTERACTIVE
            count, more = self._slot.work(lanes, seconds=SHIFT_SECONDS)
            while count and not more and self._linger(lanes):
                count, more = self._slot.work(lanes, seconds=end - time.monotonic())
        finally:
            self._seats.leave()
        return more and not self.is_draining

    def _linger(self, lanes: Sequence[str]) -> bool:
        """Stay for a moment where jobs come one by one: a look costs less than a bell. Whether one has come."""
        until = time.monotonic() + LINGER_SECONDS
        while time.monotonic() < until and not self.is_draining:
            time.sleep(LINGER_PAUSE)
            with self._context.database.read(SYSTEM) as session:
                if has_claimable(session.connection(), lanes):
                    return True
        return False

    def _look_now_and_then(self) -> None:
        pause = 0.0
        while not self._closed.wait(pause):
            # Children that were forked together must not all look at the same moment.
            pause = self._context.settings.jobs.sweep_seconds * random.uniform(0.8, 1.2)  # noqa: S311 -- No secret.
            try:
                self._look()
            except (SQLAlchemyError, AppError) as error:
                log.warning("jobs.look.failed", error=f"{type(error).__name__}: {error}"[:200])
            except Exception:
                # Without its looker a child would never again free leases, or find what no bell told of.
                log.exception("jobs.look.crashed")

    def _look(self) -> None:
        duty = self._duty
        sign(self._context, duty.name, duty.lanes, duty.concurrency, duty.pid)
        sweep(self._context, self._handlers)
        if time.monotonic() - self._tidied > TIDY_SECONDS:
            self._tidied = time.monotonic()
            sweep_scratch(SCRATCH)
        if self._busy.locked() or self.is_draining:
            return
        with self._context.database.read(SYSTEM) as session:
            found = has_claimable(session.connection(), duty.lanes)
        if found:
            # In a thread of its own: a job may take hours, and the worker has to sign and to sweep meanwhile.
            threading.Thread(target=self.hear, args=(duty.lanes[0],), name="otolith-shift", daemon=True).start()

    @property
    def is_draining(self) -> bool:
        return self._slot.heart.draining

    def drain(self) -> None:
        """Stop taking jobs, give the present one back, and close what this process holds.

        The process itself stays until it is dismissed, or the pool ends it: one that left by itself would be replaced.
        Only where the pool was told to end its children by force, by this very signal, do they go in the end.
        """
        self._told_to_end += 1
        self._slot.heart.drain()
        self._closed.set()
        if self._told_to_end == 1:
            threading.Thread(target=self._leave, name="otolith-leaving", daemon=True).start()
        if self._told_to_end == 2:
            threading.Thread(target=self._end_soon, name="otolith-ending", daemon=True).start()

    def _leave(self) -> None:
        if not self._wait_until_idle():
            return
        self.close()
        self._duty.mark(self._duty.closed_mark(os.getpid()))
        deadline = time.monotonic() + FORCED_SECONDS
        while time.monotonic() < deadline:
            if self._duty.dismissal.exists():
                os._exit(0)
            time.sleep(DISMISSAL_PAUSE)

    def _end_soon(self) -> None:
        time.sleep(FORCED_SECONDS)
        os._exit(0)

    def _wait_until_idle(self) -> bool:
        idle = self._busy.acquire(timeout=GRACE_SECONDS + 5)
        if idle:
            self._busy.release()
        return idle

    def close(self) -> None:
        """Give back what runs, and close what this process holds; asked again, it is closed already."""
        self._slot.heart.drain()
        self._closed.set()
        self._wait_until_idle()
        with self._closing:
            if self._is_closed:
                return
            self._is_closed = True
            # Whoever looks at the ledger at this moment would open it again behind us.
            self._looker.join(GRACE_SECONDS)
            self._slot.close()
            self._ringer.close()
            self._context.close()
