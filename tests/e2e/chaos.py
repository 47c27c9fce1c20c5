"""Workers to be killed, and what the ledger holds meanwhile."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import psutil
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from otolith.composition import build_context
from otolith.core.actor import SYSTEM
from otolith.core.errors import AppError
from otolith.core.settings import JobSettings, Settings
from otolith.jobs.models import Job
from otolith.jobs.service import submit
from otolith.migrations.migrate import migrate
from tests.e2e.chaos_worker import CHAOS, CREATE_EFFECTS, STEPS, Chaos
from tests.services import wait_until

Found = TypeVar("Found")
JOBS = JobSettings(lease_seconds=2, heartbeat_seconds=0.4, sweep_seconds=0.5, retry_seconds=0.1)


@dataclass
class Yard:
    """A ledger, some real workers on it, and the means to do them harm."""

    folder: Path
    database_url: str
    broker_url: str
    workers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    sweep_seconds: float = JOBS.sweep_seconds
    extra: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.settings = Settings(
            data=self.folder,
            database_url=self.database_url,
            broker_url=self.broker_url,
            jobs=JOBS.model_copy(update={"sweep_seconds": self.sweep_seconds}),
        )
        self.context = build_context(self.settings)
        migrate(self.context.database)
        with self.context.database.write(SYSTEM) as session:
            session.execute(text(CREATE_EFFECTS))

    def environment(self) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith("OTOLITH_")}
        return own | {
            "OTOLITH_DATA": str(self.folder),
            "OTOLITH_DATABASE_URL": self.database_url,
            "OTOLITH_BROKER_URL": self.broker_url,
            "OTOLITH_JOBS_LEASE_SECONDS": str(JOBS.lease_seconds),
            "OTOLITH_JOBS_HEARTBEAT_SECONDS": str(JOBS.heartbeat_seconds),
            "OTOLITH_JOBS_SWEEP_SECONDS": str(self.sweep_seconds),
            "OTOLITH_LOG_FORMAT": "json",
            "PYTHONWARNINGS": "ignore",
            **self.extra,
        }

    def start(self, name: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.workers[name] = subprocess.Popen(
                [sys.executable, "-m", "tests.e2e.chaos_worker", name],
                env=self.environment(),
                cwd=Path(__file__).resolve().parents[2],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def log(self) -> str:
        return "".join(path.read_text() for path in self.folder.glob("*.log"))

    def submit(self, payload: Chaos) -> UUID:
        def write() -> UUID:
            with self.context.database.write(SYSTEM) as session:
                return submit(session, CHAOS, payload)

        return self.patiently(write)

    def patiently(self, ask: Callable[[], Found]) -> Found:
        """Ask a database that may be away at the moment."""
        deadline = time.monotonic() + 60
        while True:
            try:
                return ask()
            except (AppError, SQLAlchemyError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def counts(self) -> dict[str, int]:
        def ask() -> dict[str, int]:
            with self.context.database.read(SYSTEM) as session:
                return dict(session.execute(select(Job.state, func.count()).group_by(Job.state)).tuples().all())

        return self.patiently(ask)

    def effects(self, job: UUID | None = None) -> list[tuple[str, int, int]]:
        def ask() -> list[tuple[str, int, int]]:
            with self.context.database.read(SYSTEM) as session:
                rows = session.execute(text("SELECT job, step, pid FROM effects")).tuples().all()
            return [(row[0], row[1], row[2]) for row in rows if job is None or row[0] == str(job)]

        return self.patiently(ask)

    def children(self) -> list[psutil.Process]:
        found = []
        for worker in self.workers.values():
            if worker.poll() is None:
                try:
                    found += psutil.Process(worker.pid).children()
                except psutil.NoSuchProcess:
                    continue
        return found

    def supervise(self) -> None:
        """Start workers that have ended again, as `otolith up` and every service manager do."""
        for name, worker in list(self.workers.items()):
            if worker.poll() is not None:
                self.start(name)

    def kill_somebody(self, dice: random.Random) -> None:
        """End a child or, now and then, a whole worker, as the kernel does when memory runs out."""
        name = dice.choice(sorted(self.workers))
        if dice.random() < 0.25 and self.workers[name].poll() is None:
            os.killpg(self.workers[name].pid, signal.SIGKILL)
            self.workers[name].wait()
            return
        children = self.children()
        if children:
            try:
                dice.choice(children).kill()
            except psutil.NoSuchProcess:
                return

    def stop(self) -> None:
        for worker in self.workers.values():
            if worker.poll() is None:
                try:
                    os.killpg(worker.pid, signal.SIGCONT)
                    os.killpg(worker.pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
                worker.wait()
        self.context.close()


def stop_one_past_its_lease(yard: Yard) -> None:
    """Freeze a child in the middle of a job until another has done it, then let it go on."""
    gate = yard.folder / "gate"
    job = yard.submit(Chaos(wait_for=str(gate)))
    wait_until(lambda: bool(yard.effects(job)), "the first step of the job to be frozen", 60)
    frozen = psutil.Process(yard.effects(job)[0][2])
    freeze(yard, frozen)
    try:
        # The lease runs out, and somebody else takes the job over and waits at the gate.
        wait_until(lambda: '"jobs.leases.expired"' in yard.log(), "the end of the lease", 60)
        gate.touch()
        wait_until(lambda: len(yard.effects(job)) == STEPS, "the job to be done by another child", 60)
    finally:
        frozen.resume()
    wait_until(lambda: str(job) in refused(yard), "the refusal of the stale write", 60)
    assert len(yard.effects(job)) == STEPS


def freeze(yard: Yard, process: psutil.Process) -> None:
    """Stop a process at a moment at which it does not hold SQLite's one lock, which would stop everybody."""
    file = yard.context.database.file
    while True:
        process.suspend()
        # The signal reaches thread after thread; one that still runs could take the lock behind the look at it.
        wait_until(lambda: stands_still(process), "the standstill of every thread", 10)
        if file is None:
            return
        connection = sqlite3.connect(file, timeout=2, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        except sqlite3.OperationalError:
            process.resume()
            time.sleep(0.05)
        else:
            return
        finally:
            connection.close()


def stands_still(process: psutil.Process) -> bool:
    states = [
        stat.read_text().rpartition(")")[2].split()[0] for stat in Path(f"/proc/{process.pid}/task").glob("*/stat")
    ]
    return set(states) == {"T"}


def refused(yard: Yard) -> str:
    return "\n".join(line for line in yard.log().splitlines() if '"jobs.lease.lost"' in line)
