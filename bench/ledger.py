"""The ledger against raw Celery, side by side in one run: throughput, idle latency, and the claim in a long queue.

Every figure is the median of a few rounds that alternate between the contestants, so that a busy neighbour slows all.
"""

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from celery import Celery
from pydantic import BaseModel
from redis import Redis
from sqlalchemy import func, select

from otolith.composition import build_context
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.settings import Settings, load_settings
from otolith.jobs.claiming import claim
from otolith.jobs.models import Job
from otolith.jobs.service import Contract, Run, handles, submit, submit_many
from otolith.jobs.workers import live_workers
from otolith.migrations.migrate import migrate
from otolith.worker import run_worker
from tests.services import PostgresServer, RedisServer

CHILDREN = 2


class Nothing(BaseModel):
    """Nothing to be done."""


NOOP = Contract("bench.noop", version=1, payload=Nothing, lane="maintenance")
PING = Contract("bench.ping", version=1, payload=Nothing, lane="interactive")


@handles(NOOP)
def noop(_run: Run, _payload: Nothing) -> None:
    return None


@handles(PING)
def ping(_run: Run, _payload: Nothing) -> None:
    return None


def raw_app(broker: str) -> Celery:
    """Celery as one would set it up for the same work: early acknowledgement, no results, prefetch 1."""
    app = Celery("raw", broker=broker, set_as_current=False)
    app.conf.update(
        task_ignore_result=True, worker_prefetch_multiplier=1, worker_enable_remote_control=False,
        worker_hijack_root_logger=False, broker_connection_retry_on_startup=True,
    )  # fmt: skip

    @app.task(name="raw.noop", ignore_result=True)
    def raw_noop(counter: str) -> None:
        # Nobody keeps count of what is done, so the last few tasks, one for each child, tell of themselves.
        if counter:
            counters.incr(counter)

    counters = Redis.from_url(broker)
    return app


@contextmanager
def process(*arguments: str, environment: dict[str, str] | None = None) -> Iterator[None]:
    command = [sys.executable, str(Path(__file__).resolve()), *arguments]
    with tempfile.TemporaryFile() as log:
        running = subprocess.Popen(
            command, env={**os.environ, **(environment or {})}, stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield
            assert running.poll() is None, "the worker ended by itself"
        finally:
            os.killpg(running.pid, signal.SIGTERM)
            try:
                running.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(running.pid, signal.SIGKILL)
                running.wait()


def until(check: Callable[[], bool], pause: float = 0.02, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(pause)


class Raw:
    """Celery over Redis without a ledger."""

    name = "Celery + Redis"

    def __init__(self, broker: str) -> None:
        self.app = raw_app(broker)
        self.redis = Redis.from_url(broker)
        self.round = 0

    def throughput(self, jobs: int) -> float:
        self.round += 1
        counter = f"done-{self.round}"
        began = time.perf_counter()
        for number in range(jobs):
            self.app.send_task("raw.noop", (counter if number >= jobs - CHILDREN else "",))
        until(lambda: int(self.redis.get(counter) or 0) >= CHILDREN)
        return jobs / (time.perf_counter() - began)

    def wait_until_ready(self) -> None:
        self.throughput(20)


class Ours:
    """The ledger on one database, rung through one broker."""

    def __init__(self, name: str, folder: Path, database_url: str, broker_url: str) -> None:
        self.name = name
        self.settings = Settings(data=folder, database_url=database_url, broker_url=broker_url)
        self.context: Context = build_context(self.settings)
        migrate(self.context.database)
        self.done = 0
        self.environment = {
            "OTOLITH_DATA": str(folder), "OTOLITH_DATABASE_URL": database_url, "OTOLITH_BROKER_URL": broker_url,
        }  # fmt: skip

    def finished(self) -> int:
        with self.context.database.read(SYSTEM) as session:
            return session.execute(select(func.count()).where(Job.finished_at.is_not(None))).scalar_one()

    def throughput(self, jobs: int) -> float:
        began = time.perf_counter()
        for _ in range(jobs):
            with self.context.database.write(SYSTEM) as session:
                submit(session, NOOP, Nothing())
        self.done += jobs
        until(lambda: self.finished() >= self.done)
        return jobs / (time.perf_counter() - began)

    def latency(self, rounds: int) -> float:
        """Median seconds from a request's commit to the end of its job, with everybody idle before."""
        taken = []
        for _ in range(rounds):
            time.sleep(0.15)
            began = time.perf_counter()
            with self.context.database.write(SYSTEM) as session:
                job = submit(session, PING, Nothing())
            committed = time.perf_counter()
            self.done += 1

            def ended(job: object = job) -> bool:
                with self.context.database.read(SYSTEM) as session:
                    return session.execute(select(Job.state).where(Job.id == job)).scalar_one() == "succeeded"

            until(ended, pause=0.001)
            assert committed >= began
            taken.append(time.perf_counter() - committed)
        return statistics.median(taken)

    def wait_until_ready(self) -> None:
        def alive() -> bool:
            with self.context.database.read(SYSTEM) as session:
                return bool(live_workers(session))

        until(alive)
        time.sleep(1)
        self.throughput(20)


LANES = ["interactive", "index", "audio", "speech", "language", "network", "maintenance"]


def fill(context: Context, queued: int) -> None:
    database = context.database
    for _ in range(0, queued, 5000):
        with database.write(SYSTEM) as session:
            submit_many(session, NOOP, [Nothing()] * min(5000, queued))
    if not database.is_sqlite:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE jobs")


def one_claim(context: Context) -> float:
    with context.database.write(SYSTEM) as session:
        connection = session.connection()
        began = time.perf_counter()
        assert claim(connection, LANES, worker="bench", lease=30) is not None
        return time.perf_counter() - began


def measure_claims(name: str, short: Context, long: Context, rounds: int) -> None:
    fill(short, 100 + rounds)
    fill(long, 100_000)
    # In turn, so that both meet the same neighbours.
    pairs = [(one_claim(short), one_claim(long)) for _ in range(rounds)]
    few, many = (statistics.quantiles(times, n=20)[18] * 1e3 for times in zip(*pairs, strict=True))
    print(f"claim p95, {name}: {few:.2f} ms with 100 queued, {many:.2f} ms with 100,000: {many / few:.2f} × (bound 2)")


def run(jobs: int, rounds: int, claims: int) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        redis, postgres = RedisServer(), PostgresServer(fsync=True)
        for server in (redis, postgres):
            stack.callback(server.close)
            server.start()
        ours = [
            Ours("SQLite + Redis", folder / "a", f"sqlite:///{folder}/a.db", redis.url.replace("/0", "/1")),
            Ours("PostgreSQL + Redis", folder / "b", postgres.create_database("b"), redis.url.replace("/0", "/2")),
            Ours("SQLite + files", folder / "c", f"sqlite:///{folder}/c.db", ""),
        ]
        raw = Raw(redis.url)
        names = [raw.name, *(side.name for side in ours)]
        speeds: dict[str, list[float]] = {name: [] for name in names}
        for _ in range(rounds):
            with process("raw", redis.url):
                raw.wait_until_ready()
                speeds[raw.name].append(raw.throughput(jobs))
            for side in ours:
                with process("worker", environment=side.environment):
                    side.wait_until_ready()
                    speeds[side.name].append(side.throughput(jobs))
        base = statistics.median(speeds[raw.name])
        for name, figures in speeds.items():
            middle = statistics.median(figures)
            print(f"{name}: {middle:.0f} jobs/s, {middle / base:.2f} × raw Celery  {[round(f) for f in figures]}")
        for side in (ours[0], ours[2]):
            with process("worker", environment=side.environment):
                side.wait_until_ready()
                print(f"idle latency, {side.name}: {side.latency(20) * 1e3:.1f} ms")
        for kind in ("sqlite", "postgres"):
            contexts = []
            for size in ("short", "long"):
                url = f"sqlite:///{folder}/{size}.db" if kind == "sqlite" else postgres.create_database(size)
                contexts.append(build_context(Settings(data=folder / size, database_url=url)))
                contexts[-1].database.on_commit.clear()
                migrate(contexts[-1].database)
            measure_claims(kind, contexts[0], contexts[1], claims)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", nargs="?", default="all", choices=["all", "raw", "worker"])
    parser.add_argument("broker", nargs="?")
    parser.add_argument("--jobs", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--claims", type=int, default=300)
    options = parser.parse_args()
    if options.part == "raw":
        worker = raw_app(options.broker).Worker(
            concurrency=CHILDREN, pool="prefork", loglevel="WARNING", quiet=True,
            without_gossip=True, without_mingle=True, without_heartbeat=True,
        )  # fmt: skip
        worker.start()
    elif options.part == "worker":
        sys.exit(run_worker(load_settings(), handlers=[noop, ping], concurrency=CHILDREN))
    else:
        run(options.jobs, options.rounds, options.claims)


if __name__ == "__main__":
    main()
