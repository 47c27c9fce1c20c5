"""Work that waits: held by a person, or postponed by its own handler."""

from typing import Any

import pytest

from otolith.core.actor import SYSTEM
from otolith.jobs.outcomes import Postponed
from otolith.jobs.service import JobStateConflict, hold, release
from otolith.jobs.sweep import sweep
from tests.jobs.tasks import FAN, NOTE, Bench, Note


def test_a_postponed_job_sleeps_without_using_an_attempt(bench: Bench) -> None:
    answers: list[Any] = [Postponed(60, "The share is away."), None]

    def work(_run: Any, _payload: Note) -> None:
        answer = answers.pop(0)
        if answer is not None:
            raise answer

    bench.does(NOTE, work)
    job_id = bench.submit()
    assert bench.work() == 1
    job = bench.job(job_id)
    assert (job.state, job.attempt, job.note) == ("queued", 0, "The share is away.")
    assert job.due_at is not None
    assert bench.work() == 0
    bench.alter(job_id, due_at=job.created_at)
    sweep(bench.context, (), always=True)
    bench.work()
    assert bench.job(job_id).state == "succeeded"


def test_what_is_held_does_not_begin_until_it_is_released(bench: Bench) -> None:
    held: list[Any] = []

    def fan(run: Any, payload: Any) -> None:
        del payload
        with run.step() as session:
            held.extend(run.child(session, NOTE, Note(word=str(number))) for number in range(3))

    bench.does(FAN, fan)
    bench.does(NOTE, lambda _run, _payload: None)
    root = bench.submit(FAN)
    # One lane at a time, so that the children are still to begin.
    assert bench.slot().work(["index"])[0] == 1
    with bench.context.database.write(SYSTEM) as session:
        hold(session, SYSTEM, root)
    sweep(bench.context, (), always=True)
    assert bench.work() == 0
    with bench.context.database.write(SYSTEM) as session:
        release(session, SYSTEM, root)
    assert bench.work() == 3
    assert bench.job(root).state == "succeeded"
    with bench.context.database.write(SYSTEM) as session, pytest.raises(JobStateConflict):
        hold(session, SYSTEM, root)
