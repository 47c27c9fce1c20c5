"""Jobs without a worker: a command sees its own through, children and retries included."""

import datetime as dt
import threading
from typing import Any
from uuid import UUID

import pytest

from otolith.core.errors import BadRequest
from otolith.jobs.contracts import handles
from otolith.jobs.inline import Progress, follow, run_inline
from otolith.jobs.models import Worker
from otolith.jobs.running import Run
from otolith.jobs.workers import sign
from tests.jobs.tasks import FAN, NOTE, Bench, Note


def fan(run: Run, _payload: Note) -> dict[str, Any]:
    with run.step(checkpoint={}) as session:
        run.children(session, NOTE, [Note(number=number) for number in range(10)])
    return {"asked": 10}


def test_a_command_runs_a_job_with_its_children_and_no_other(bench: Bench) -> None:
    bench.context.settings.jobs.retry_seconds = 0.01
    tries: dict[int, int] = {}
    lock = threading.Lock()

    def flaky(run: Run, payload: Note) -> None:
        with lock:
            tries[payload.number] = tries.get(payload.number, 0) + 1
        if payload.number == 3 and run.attempt == 1:
            raise ValueError("once")

    other = bench.submit()
    root = bench.submit(FAN)
    seen: list[Progress] = []
    done = run_inline(bench.context, root, [handles(FAN)(fan), handles(NOTE)(flaky)], watch=seen.append, threads=3)
    assert done.state == "succeeded"
    assert done.counts == {"succeeded": 11}
    assert tries == {number: 2 if number == 3 else 1 for number in range(10)}
    assert seen[-1].finished
    assert bench.job(other).state == "queued"


def test_a_failure_is_told(bench: Bench) -> None:
    def refuse(_run: Run, _payload: Note) -> None:
        raise BadRequest("There is no such folder.")

    done = run_inline(bench.context, bench.submit(), [handles(NOTE)(refuse)], threads=1)
    assert (done.state, done.error) == ("dead", "There is no such folder.")


def test_where_a_worker_lives_the_command_watches(bench: Bench) -> None:
    sign(bench.context, "worker", ["maintenance"], 2, 1)
    root: UUID = bench.submit()
    worker = threading.Timer(0.5, bench.work)
    worker.start()
    ran_here: list[UUID] = []
    done = run_inline(bench.context, root, [handles(NOTE)(lambda run, _payload: ran_here.append(run.job_id))])
    worker.join()
    assert done.state == "succeeded"
    assert ran_here == []
    assert follow(bench.context, root).finished


@pytest.mark.parametrize("threads", [1, 4])
def test_a_fault_of_the_ledger_itself_ends_the_command(
    bench: Bench, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: Any, **_options: Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("otolith.jobs.slot.claim_of_root", broken)
    with pytest.raises(RuntimeError, match="broken"):
        run_inline(bench.context, bench.submit(), [], threads=threads)


def test_a_command_takes_over_from_a_worker_that_died(bench: Bench) -> None:
    sign(bench.context, "killed", ["maintenance"], 2, 1)
    root = bench.submit()
    seen: list[Progress] = []

    def watch(progress: Progress) -> None:
        seen.append(progress)
        if len(seen) == 2:
            with bench.writing() as session:
                session.get_one(Worker, "killed").seen_at = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)

    done = run_inline(bench.context, root, bench.handlers, watch=watch, threads=1)
    assert done.state == "succeeded"
    assert [progress.state for progress in seen[:2]] == ["queued", "queued"], "as long as it seemed to live"
