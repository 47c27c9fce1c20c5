"""Every effect exactly once: workers are killed and frozen, broker and database restarted, and nothing is lost."""

import random
import socket
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.e2e.chaos import Yard, stop_one_past_its_lease
from tests.e2e.chaos_worker import STEPS, Chaos
from tests.services import PostgresServer, RedisServer, wait_until

pytestmark = pytest.mark.services

RABBITMQ = "amqp://guest:guest@127.0.0.1:5672//"


@pytest.fixture(params=["sqlite", "postgresql"])
def own_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, PostgresServer | None]]:
    """A database that this test alone uses, and its server if it may be restarted."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'otolith.db'}", None
        return
    server = PostgresServer()
    server.start()
    yield server.create_database("chaos"), server
    server.close()


@pytest.fixture(params=["filesystem", "redis"])
def own_broker(request: pytest.FixtureRequest) -> Iterator[tuple[str, RedisServer | None]]:
    if request.param == "filesystem":
        yield "", None
        return
    server = RedisServer()
    server.start()
    yield server.url, server
    server.close()


@pytest.fixture
def yard(
    own_database: tuple[str, PostgresServer | None], own_broker: tuple[str, RedisServer | None], tmp_path: Path
) -> Iterator[Yard]:
    yard = Yard(tmp_path, own_database[0], own_broker[0])
    yard.start("first")
    yard.start("second")
    yield yard
    yard.stop()


def storm(yard: Yard, jobs: int, seed: int, postgres: PostgresServer | None, redis: RedisServer | None) -> None:
    """Kill at random moments until all jobs are done; restart each server once on the way."""
    dice = random.Random(seed)
    for _ in range(jobs):
        yard.submit(Chaos(seconds=dice.uniform(0.01, 0.08)))
    restarts = [server for server in (postgres, redis) if server is not None]
    deadline = time.monotonic() + 120 + jobs
    seen = 0
    while (done := yard.counts().get("succeeded", 0)) < jobs:
        assert time.monotonic() < deadline, f"{yard.counts()}\n{yard.log()[-5000:]}"
        yard.supervise()
        if restarts and done > jobs // 3:
            restarts.pop(0).restart(hard=dice.random() < 0.5)
        # A kill for every bit of progress: more of them would only show that dead workers do no work.
        if (effects := len(yard.effects())) > seen and done < jobs * 0.9:
            seen = effects
            yard.kill_somebody(dice)
        time.sleep(dice.uniform(0.05, 0.5))


def check(yard: Yard, jobs: int) -> None:
    assert yard.counts() == {"succeeded": jobs}
    counts = Counter((job, step) for job, step, _pid in yard.effects())
    assert len(counts) == jobs * STEPS, "an effect is missing"
    assert set(counts.values()) == {1}, "an effect happened twice"


def chaos(
    yard: Yard, jobs: int, own_database: tuple[str, PostgresServer | None], own_broker: tuple[str, RedisServer | None]
) -> None:
    stop_one_past_its_lease(yard)
    storm(yard, jobs, seed=jobs, postgres=own_database[1], redis=own_broker[1])
    # The frozen job is one more.
    wait_until(lambda: yard.counts() == {"succeeded": jobs + 1}, "the end of all jobs", 60)
    check(yard, jobs + 1)


def test_every_effect_happens_exactly_once(
    yard: Yard, own_database: tuple[str, PostgresServer | None], own_broker: tuple[str, RedisServer | None]
) -> None:
    chaos(yard, 60, own_database, own_broker)
    assert yard.counts() == {"succeeded": 61}


@pytest.mark.soak
def test_every_effect_of_three_hundred_jobs_happens_exactly_once(
    yard: Yard, own_database: tuple[str, PostgresServer | None], own_broker: tuple[str, RedisServer | None]
) -> None:
    chaos(yard, 300, own_database, own_broker)
    assert yard.counts() == {"succeeded": 301}


def listens(url: str) -> bool:
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 5672), timeout=2):
            return True
    except OSError:
        return False


@pytest.mark.skipif(not listens(RABBITMQ), reason="no RabbitMQ on this machine")
def test_bells_ring_through_rabbitmq(tmp_path: Path) -> None:
    # Workers look by themselves so seldom that only a bell can be the reason.
    yard = Yard(tmp_path, f"sqlite:///{tmp_path / 'otolith.db'}", RABBITMQ, sweep_seconds=600)
    try:
        yard.start("only")
        wait_until(lambda: "worker.start" in yard.log() and len(yard.children()) == 2, "the worker", 60)
        time.sleep(2)
        for _ in range(5):
            yard.submit(Chaos(seconds=0))
        wait_until(lambda: yard.counts() == {"succeeded": 5}, "five jobs", 60)
        check(yard, 5)
    finally:
        yard.stop()
