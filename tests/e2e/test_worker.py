"""Real worker processes: stopping gives work back, one child stays free, metrics are served, and idling is cheap."""

import signal
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from otolith.core.actor import SYSTEM
from otolith.jobs.service import get_job, live_workers, submit
from tests.e2e.chaos import Yard
from tests.e2e.chaos_worker import CHAOS, STEPS, Chaos
from tests.services import free_port, wait_until


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    yard = Yard(tmp_path, f"sqlite:///{tmp_path / 'otolith.db'}", "")
    yield yard
    yard.stop()


def test_stopping_gives_the_work_back_and_uses_no_attempt(yard: Yard) -> None:
    yard.start("first")
    job = yard.submit(Chaos(seconds=0, ask_while_waiting=True, wait_for=str(yard.folder / "gate")))
    wait_until(lambda: len(yard.effects(job)) == 1, "the first step", 60)
    yard.workers["first"].send_signal(signal.SIGTERM)
    assert yard.workers["first"].wait(60) == 0
    with yard.context.database.read(SYSTEM) as session:
        found = get_job(session, SYSTEM, job)
        assert (found.state, found.attempt, found.lease_until) == ("queued", 0, None)
        assert live_workers(session) == []
    (yard.folder / "gate").touch()
    yard.start("second")
    wait_until(lambda: yard.counts() == {"succeeded": 1}, "the end of the job", 60)
    assert len(yard.effects(job)) == STEPS


def test_one_child_stays_free_for_what_somebody_waits_for(yard: Yard) -> None:
    yard.start("only")
    gate = str(yard.folder / "gate")
    for _ in range(4):
        yard.submit(Chaos(seconds=0, wait_for=gate))
    wait_until(lambda: len(yard.effects()) == 1, "long work in one child", 60)
    with yard.context.database.write(SYSTEM) as session:
        urgent = submit(session, CHAOS, Chaos(seconds=0), lane="interactive")
    # Its last effect is there a moment before its outcome.
    wait_until(lambda: yard.counts().get("succeeded") == 1, "the urgent job beside it", 60)
    assert len(yard.effects(urgent)) == STEPS
    assert yard.counts()["running"] == 1, "of two children, one does other work"
    Path(gate).touch()
    wait_until(lambda: yard.counts() == {"succeeded": 5}, "the rest", 60)


def test_a_worker_serves_the_metrics_of_all_its_children(yard: Yard) -> None:
    port = free_port()
    yard.extra["OTOLITH_JOBS_METRICS_PORT"] = str(port)
    yard.start("only")
    for _ in range(10):
        yard.submit(Chaos(seconds=0))
    wait_until(lambda: yard.counts() == {"succeeded": 10}, "ten jobs", 60)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    assert 'otolith_job_attempts_total{outcome="succeeded",task="test.chaos"} 10.0' in text
    assert "otolith_job_run_seconds_bucket" in text


def test_the_children_that_die_are_replaced(yard: Yard) -> None:
    yard.start("only")
    yard.submit(Chaos(seconds=0))
    wait_until(lambda: yard.counts() == {"succeeded": 1}, "the first job", 60)
    before = {child.pid for child in yard.children()}
    for pid in before:
        psutil.Process(pid).kill()
    wait_until(lambda: len({child.pid for child in yard.children()} - before) == 2, "new children", 60)
    yard.submit(Chaos(seconds=0))
    wait_until(lambda: yard.counts() == {"succeeded": 2}, "the second job", 60)
    assert len(yard.effects()) == 2 * STEPS


def test_a_worker_ends_though_a_killed_child_kept_the_locks_of_the_pool(yard: Yard) -> None:
    yard.start("only")
    yard.submit(Chaos(seconds=0))
    wait_until(lambda: yard.counts() == {"succeeded": 1}, "the first job", 60)
    for child in yard.children():
        # Frozen, they answer nothing that the pool asks at its end, as those that wait for a lock of the dead.
        child.suspend()
    yard.workers["only"].send_signal(signal.SIGTERM)
    assert yard.workers["only"].wait(60) == 0
    assert '"worker.stop.forced"' in yard.log()
    with yard.context.database.read(SYSTEM) as session:
        assert live_workers(session) == []


def test_idle_children_live_on(yard: Yard) -> None:
    yard.start("only")
    wait_until(lambda: len(yard.children()) == 2, "the children", 60)
    yard.submit(Chaos(seconds=0))
    wait_until(lambda: yard.counts() == {"succeeded": 1}, "the first job", 60)
    before = {child.pid for child in yard.children()}
    time.sleep(3)  # What a child does a moment after its beginning must not end it.
    assert {child.pid for child in yard.children()} == before
