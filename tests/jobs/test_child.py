"""A child of a worker: it hears, looks by itself, and goes on signing and sweeping while its job takes long."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from otolith.core.actor import SYSTEM
from otolith.jobs.bells import Ringer
from otolith.jobs.child import Child, Duty
from otolith.jobs.contracts import LANES
from otolith.jobs.running import Run
from otolith.jobs.seats import Seats
from otolith.jobs.service import live_workers
from otolith.jobs.workers import sign_off
from tests.jobs.tasks import NOTE, Bench, Note
from tests.services import wait_until


@pytest.fixture
def gate(bench: Bench) -> threading.Event:
    """What the jobs wait for."""
    gate = threading.Event()

    def work(_run: Run, _payload: Note) -> None:
        assert gate.wait(30)

    bench.does(NOTE, work)
    return gate


@pytest.fixture
def child(bench: Bench, gate: threading.Event, tmp_path: Path) -> Iterator[Child]:
    """A child that looks for itself several times a second, while no bell rings."""
    bench.context.settings.jobs.sweep_seconds = 0.2
    bench.context.database.on_commit.clear()
    duty = Duty("alone", 1, LANES, 1, tmp_path / "seats")
    child = Child(bench.context, bench.handlers, duty, Ringer(bench.context.settings, bench.context.database))
    yield child
    gate.set()
    child.drain()
    child._looker.join(10)
    child._wait_until_idle()
    child._slot.close()


def test_a_child_that_works_long_goes_on_signing_and_sweeping(
    bench: Bench, child: Child, gate: threading.Event
) -> None:
    job_id = bench.submit()
    wait_until(lambda: bench.job(job_id).state == "running", "the looker's find", 30)
    other = bench.submit()
    bench.alter(other, state="retrying", due_at=bench.job(other).created_at)
    wait_until(lambda: bench.job(other).state == "queued", "a sweep beside the job", 30)
    sign_off(bench.context, "alone")

    def signed() -> bool:
        with bench.context.database.read(SYSTEM) as session:
            return [worker.name for worker in live_workers(session)] == ["alone"]

    wait_until(signed, "a sign of life beside the job", 30)
    assert bench.job(job_id).state == "running"
    gate.set()
    wait_until(lambda: bench.job(other).state == "succeeded", "the end of both", 30)


def test_a_child_survives_what_nobody_expected_of_a_look(
    bench: Bench, child: Child, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    crashed = threading.Event()

    def crash(*_arguments: object) -> None:
        crashed.set()
        raise OSError("the folder is gone")

    with monkeypatch.context() as patch:
        patch.setattr("otolith.jobs.child.sweep", crash)
        assert crashed.wait(30)
    gate.set()
    job_id = bench.submit()
    wait_until(lambda: bench.job(job_id).state == "succeeded", "a later look", 30)


def test_seats_come_back_after_a_cleaner_took_their_folder(tmp_path: Path) -> None:
    folder = tmp_path / "seats"
    folder.mkdir()
    seats, other = Seats(folder, 1), Seats(folder, 1)
    assert seats.take()
    assert not other.take()
    seats.leave()
    shutil.rmtree(folder)
    assert other.take()
    other.leave()
