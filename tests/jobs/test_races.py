"""What may happen at the same moment: crashes, cancelling, retrying and the ends of children."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from otolith.core.actor import SYSTEM
from otolith.core.errors import BadRequest
from otolith.jobs import ledger
from otolith.jobs.claiming import Claimed, claim
from otolith.jobs.contracts import LANES
from otolith.jobs.lanes import pause
from otolith.jobs.ledger import Outcome
from otolith.jobs.models import Job, LanePause
from otolith.jobs.outcomes import Draining, LeaseLost, PauseLane
from otolith.jobs.running import Resources, Run
from otolith.jobs.service import cancel, purge, retry
from otolith.jobs.sweep import sweep
from tests.jobs.tasks import FAN, NOTE, Bench, Note
from tests.services import wait_until


def take(bench: Bench, worker: str = "bench") -> Claimed:
    with bench.writing() as session:
        job = claim(session.connection(), LANES, worker=worker, lease=30)
    assert job is not None
    return job


def fan(run: Run, _payload: Note) -> None:
    if run.checkpoint is None:
        with run.step(checkpoint={"fanned": True}) as session:
            run.children(session, NOTE, [Note(number=number) for number in range(2)])


def children_of(bench: Bench, parent: UUID) -> list[UUID]:
    with bench.context.database.read(SYSTEM) as session:
        return list(session.execute(select(Job.id).where(Job.parent_id == parent).order_by(Job.id)).scalars())


def end(bench: Bench, job: Claimed, state: str) -> None:
    with bench.writing() as session:
        ledger.finish(session.connection(), job, Outcome(state))


def test_a_claim_that_a_crash_took_back_is_worth_nothing(bench: Bench) -> None:
    job_id = bench.submit()
    first = take(bench, "first")
    # PostgreSQL crashed before the claim was on its disk, and the first worker did not notice.
    bench.alter(job_id, state="queued", attempt=0, fence=0, worker=None, lease_until=None, started_at=None)
    time.sleep(0.002)
    second = take(bench, "second")
    assert second.fence == first.fence
    with pytest.raises(LeaseLost), Run(bench.context, first, NOTE, Resources()).step() as session:
        session.add(LanePause(lane="network", until=bench.job(job_id).created_at, reason="effect"))
    for act in (
        lambda connection: ledger.renew(connection, first, 30),
        lambda connection: ledger.finish(connection, first, Outcome("succeeded")),
        lambda connection: ledger.tell_progress(connection, first, 1, 2, None, None),
    ):
        with pytest.raises(LeaseLost), bench.writing() as session:
            act(session.connection())
    end(bench, second, "succeeded")
    assert bench.job(job_id).state == "succeeded"


@pytest.mark.parametrize("outcome", [ValueError("just before it asked"), Draining(), PauseLane("audio", 60, "full")])
def test_what_was_cancelled_while_it_failed_does_not_come_back(bench: Bench, outcome: Exception) -> None:
    def work(run: Run, payload: Note) -> None:
        fan(run, payload)
        with bench.writing() as session:
            cancel(session, SYSTEM, run.job_id)
        raise outcome

    bench.does(FAN, work)
    job_id = bench.submit(FAN)
    bench.slot().work(["index"])
    job = bench.job(job_id)
    assert (job.state, job.due_at, job.cancel_requested) == ("cancelled", None, False)
    assert job.finished_at is not None
    assert {bench.job(child).state for child in children_of(bench, job_id)} == {"cancelled"}


def test_children_made_after_the_cancelling_are_cancelled(bench: Bench) -> None:
    def work(run: Run, payload: Note) -> None:
        with bench.writing() as session:
            cancel(session, SYSTEM, run.job_id)
        fan(run, payload)

    bench.does(FAN, work)
    job_id = bench.submit(FAN)
    bench.slot().work(["index"])
    assert bench.job(job_id).state == "cancelled"
    assert bench.work() == 0


def test_a_cancelled_parent_comes_back_with_its_children(bench: Bench) -> None:
    bench.does(FAN, fan)
    top = bench.submit(FAN)
    bench.slot().work(["index"])
    with bench.writing() as session:
        cancel(session, SYSTEM, top)
    assert bench.job(top).state == "cancelled"
    with bench.writing() as session:
        retry(session, SYSTEM, top)
    assert bench.job(top).state == "queued"
    assert bench.work() == 3, "itself, from its checkpoint, and both children"
    job = bench.job(top)
    assert (job.state, job.children, job.children_done) == ("succeeded", 2, 2)
    assert {bench.job(child).state for child in children_of(bench, top)} == {"succeeded"}


def test_a_parent_that_failed_by_itself_comes_back_with_its_dead_children(bench: Bench) -> None:
    mended = False

    def broken(run: Run, payload: Note) -> None:
        fan(run, payload)
        if not mended:
            raise BadRequest

    def refuse(_run: Run, _payload: Note) -> None:
        if not mended:
            raise BadRequest

    bench.does(FAN, broken)
    bench.does(NOTE, refuse)
    top = bench.submit(FAN)
    bench.work()
    assert (bench.job(top).state, bench.job(top).error_kind) == ("dead", "BadRequest")
    mended = True
    with bench.writing() as session:
        retry(session, SYSTEM, top)
    bench.work()
    job = bench.job(top)
    assert (job.state, job.children, job.children_done) == ("succeeded", 2, 2)


def together(bench: Bench, first: Callable[[Any], object], second: Callable[[Any], object]) -> None:
    """Let `second` begin while the transaction of `first` is open, and wait for both."""
    begun = threading.Event()

    def later() -> None:
        begun.set()
        with bench.writing() as session:
            second(session)

    with ThreadPoolExecutor(1) as pool:
        with bench.writing() as session:
            first(session)
            other = pool.submit(later)
            begun.wait(10)
            # Long enough for the second to meet the rows of the first.
            time.sleep(0.2)
        other.result(30)


def test_a_child_retried_while_its_sister_ends_the_parent(bench: Bench) -> None:
    bench.does(FAN, fan)
    top = bench.submit(FAN)
    bench.slot().work(["index"])
    dead, last = take(bench), take(bench)
    end(bench, dead, "dead")
    together(
        bench,
        lambda session: ledger.finish(session.connection(), last, Outcome("succeeded")),
        lambda session: retry(session, SYSTEM, dead.id),
    )
    assert bench.job(top).state == "waiting"
    assert bench.work() == 1
    assert (bench.job(top).state, bench.job(top).children_done) == ("succeeded", 2)


def test_a_job_cancelled_while_it_is_claimed_is_asked_to_end(bench: Bench) -> None:
    job_id = bench.submit()
    together(
        bench,
        lambda session: claim(session.connection(), LANES, worker="quick", lease=30),
        lambda session: cancel(session, SYSTEM, job_id),
    )
    job = bench.job(job_id)
    assert (job.state, job.cancel_requested) == ("running", True)


def test_a_tree_cancelled_while_its_child_ends_waits_for_it(bench: Bench) -> None:
    bench.does(FAN, fan)
    top = bench.submit(FAN)
    bench.slot().work(["index"])
    child = take(bench)

    def end_slowly(session: Any) -> None:
        connection = session.connection()
        connection.execute(update(Job).where(Job.id == child.id).values(note="its row is mine"))
        time.sleep(0.4)
        ledger.finish(connection, child, Outcome("succeeded"))

    with ThreadPoolExecutor(1) as pool:
        ending = pool.submit(lambda: together(bench, end_slowly, lambda _session: None))
        time.sleep(0.2)
        with bench.writing() as session:
            cancel(session, SYSTEM, top)
        ending.result(30)
    job = bench.job(top)
    assert (job.state, job.children_done) == ("cancelled", 2)


def test_all_children_of_a_worker_may_pause_a_lane_at_once(bench: Bench) -> None:
    def wish(session: Any) -> None:
        pause(session.connection(), PauseLane("audio", 60, "the disk is full"))

    together(bench, wish, wish)
    with bench.context.database.read(SYSTEM) as session:
        assert session.get_one(LanePause, "audio").reason == "the disk is full"


def test_more_retries_than_a_transaction_holds_all_come_due(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otolith.jobs.sweep.BATCH", 3)
    jobs = [bench.submit() for _ in range(8)]
    for job_id in jobs:
        bench.alter(job_id, state="retrying", due_at=bench.job(job_id).created_at)
    sweep(bench.context, (), always=True)
    assert {bench.job(job_id).state for job_id in jobs} == {"queued"}


def test_purging_leaves_a_dead_job_whose_children_still_work(bench: Bench) -> None:
    def broken(run: Run, payload: Note) -> None:
        fan(run, payload)
        raise BadRequest

    bench.does(FAN, broken)
    top = bench.submit(FAN)
    bench.slot().work(["index"])
    assert purge(bench.context.database, SYSTEM) == 0
    assert bench.work() == 2
    assert purge(bench.context.database, SYSTEM) == 1
    assert children_of(bench, top) == []


@pytest.mark.parametrize("result", [{"value": float("nan")}, {"value": UUID(int=1)}, {"value": {1, 2}}])
def test_a_result_that_cannot_be_kept_is_a_failure_of_the_job(bench: Bench, result: dict[str, Any]) -> None:
    bench.does(NOTE, lambda _run, _payload: result)
    job_id = bench.submit()
    bench.work()
    job = bench.job(job_id)
    assert (job.state, job.attempt) == ("retrying", 1)
    assert "JSON" in (job.error or "")


def test_names_that_no_database_holds_are_told_all_the_same(bench: Bench) -> None:
    def work(run: Run, _payload: Note) -> None:
        run.progress(1, 2, "odd \udcff\x00 name")
        raise PauseLane("maintenance", float("inf"), "odd \udcff\x00 name")

    bench.does(NOTE, work)
    job_id = bench.submit()
    bench.work()
    assert bench.job(job_id).state == "queued"
    wait_until(lambda: "odd" in (bench.job(job_id).note or ""), "the note")
