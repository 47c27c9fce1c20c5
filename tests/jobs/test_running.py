"""Running: outcomes, retries, steps under a fence, children, cancelling and draining."""

import errno
import time
from typing import Any

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from otolith.core.actor import SYSTEM
from otolith.core.errors import BadRequest, NotAvailable
from otolith.core.spool import StorageFull
from otolith.jobs import ledger
from otolith.jobs.claiming import claim
from otolith.jobs.contracts import LANES
from otolith.jobs.models import JobEvent, LanePause
from otolith.jobs.outcomes import LeaseLost, PauseLane, RetryLater
from otolith.jobs.running import Resources, Run
from otolith.jobs.service import Handlers, JobStateConflict, cancel, handles, retry
from otolith.jobs.slot import Slot
from otolith.jobs.sweep import sweep
from tests.jobs.tasks import BRIEF, FAN, NOTE, Bench, Note


def raising(error: BaseException) -> Any:
    def work(_run: Run, _payload: Note) -> None:
        raise error

    return work


def make_due(bench: Bench) -> None:
    """Let the time of every pause and retry come."""
    sweep(bench.context, (), always=True)


def test_a_job_succeeds_with_its_result(bench: Bench) -> None:
    bench.does(NOTE, lambda _run, payload: {"heard": payload.word})
    job = bench.job(job_id := bench.submit(word="hello"))
    assert (job.state, job.attempt) == ("queued", 0)
    assert bench.work() == 1
    job = bench.job(job_id)
    assert (job.state, job.attempt, job.result, job.error) == ("succeeded", 1, {"heard": "hello"}, None)
    assert job.started_at is not None
    assert job.finished_at is not None
    assert job.finished_at >= job.started_at >= job.created_at


def test_a_refusal_is_final(bench: Bench) -> None:
    bench.does(NOTE, raising(BadRequest("This file is no sound.")))
    job_id = bench.submit()
    bench.work()
    job = bench.job(job_id)
    assert (job.state, job.attempt, job.error, job.error_kind) == ("dead", 1, "This file is no sound.", "BadRequest")


@pytest.mark.parametrize("error", [ValueError("odd \x00 \udcff bytes"), NotAvailable(), OSError(errno.EIO, "input")])
def test_faults_are_tried_again_with_growing_pauses(bench: Bench, error: Exception) -> None:
    bench.does(NOTE, raising(error))
    job_id = bench.submit()
    bench.work()
    job = bench.job(job_id)
    assert (job.state, job.attempt) == ("retrying", 1)
    assert job.error
    assert job.due_at is not None
    assert job.started_at is not None
    first = (job.due_at - job.started_at).total_seconds()
    base = bench.context.settings.jobs.retry_seconds
    assert base * 0.7 < first < base * 1.25 + 5
    make_due(bench)
    assert bench.job(job_id).state == "retrying", "its time has not come"


def test_after_its_attempts_a_job_is_dead_and_can_be_retried(bench: Bench) -> None:
    bench.does(BRIEF, raising(ValueError("again")))
    job_id = bench.submit(BRIEF)
    for _ in range(2):
        bench.work()
        bench.alter(job_id, due_at=None, state="queued") if bench.job(job_id).state == "retrying" else None
    job = bench.job(job_id)
    assert (job.state, job.attempt, job.error) == ("dead", 2, "again")
    bench.does(BRIEF, lambda _run, _payload: {"mended": True})
    with bench.writing() as session:
        assert retry(session, SYSTEM, job_id).state == "queued"
    bench.work()
    assert bench.job(job_id).result == {"mended": True}
    with bench.writing() as session, pytest.raises(JobStateConflict):
        retry(session, SYSTEM, job_id)


def test_a_service_can_ask_for_patience(bench: Bench) -> None:
    bench.does(NOTE, raising(RetryLater(500, "the service is busy")))
    job_id = bench.submit()
    bench.work()
    job = bench.job(job_id)
    assert (job.state, job.error) == ("retrying", "the service is busy")
    assert job.due_at is not None
    assert job.started_at is not None
    assert (job.due_at - job.started_at).total_seconds() > 495


def test_whoever_refuses_for_a_while_is_left_alone_for_so_long(bench: Bench) -> None:
    bench.does(NOTE, raising(NotAvailable(headers={"retry-after": "500"})))
    job_id = bench.submit()
    bench.work()
    job = bench.job(job_id)
    assert job.state == "retrying"
    assert job.due_at is not None
    assert job.started_at is not None
    assert 495 < (job.due_at - job.started_at).total_seconds() < 510


@pytest.mark.parametrize("word", ["Wed, 21 Oct 2015 07:28:00 GMT", "-5", "1e400", "soon"])
def test_a_refusal_that_says_no_seconds_waits_as_usual(bench: Bench, word: str) -> None:
    bench.does(NOTE, raising(NotAvailable(headers={"Retry-After": word})))
    job_id = bench.submit()
    bench.work()
    assert bench.job(job_id).due_at is not None


@pytest.mark.parametrize(("error", "traced"), [(BadRequest(), False), (NotAvailable(), False), (ValueError(), True)])
def test_only_what_nobody_expected_is_logged_with_its_traceback(bench: Bench, error: Exception, traced: bool) -> None:
    bench.does(NOTE, raising(error))
    bench.submit()
    with capture_logs() as logs:
        bench.work()
    (line,) = [line for line in logs if line["event"] == "jobs.job.failed"]
    assert line["exc_info"] is traced


@pytest.mark.parametrize(
    "error", [PauseLane("maintenance", 60, "no room"), OSError(errno.ENOSPC, "full"), StorageFull()]
)
def test_what_stops_everybody_pauses_the_lane(bench: Bench, error: Exception) -> None:
    bench.does(NOTE, raising(error))
    first, second, elsewhere = bench.submit(), bench.submit(), bench.submit(FAN)
    assert bench.work() == 2, "the second job of the paused lane waits, the other lane goes on"
    assert {bench.job(first).state, bench.job(second).state} == {"queued"}
    assert bench.job(first).attempt == 0
    assert bench.job(first).note
    assert bench.job(elsewhere).state == "succeeded"
    bench.does(NOTE, lambda _run, _payload: None)
    with bench.writing() as session:
        pause = session.get_one(LanePause, "maintenance")
        pause.until = pause.until.replace(year=2020)
    make_due(bench)
    assert bench.work() == 2


def test_effects_commit_with_their_checkpoint_or_not_at_all(bench: Bench) -> None:
    seen: list[dict[str, Any] | None] = []

    def work(run: Run, _payload: Note) -> None:
        seen.append(run.checkpoint)
        if run.checkpoint is None:
            with run.step(checkpoint={"done": 1}) as session:
                session.add(LanePause(lane="network", until=bench.job(run.job_id).created_at, reason="effect"))
            with run.step(checkpoint={"done": 2}) as session:
                session.add(LanePause(lane="speech", until=bench.job(run.job_id).created_at, reason="effect"))
                session.flush()
                raise ValueError

    bench.does(NOTE, work)
    job_id = bench.submit()
    bench.work()
    bench.alter(job_id, due_at=None, state="queued")
    bench.work()
    assert seen == [None, {"done": 1}]
    with bench.context.database.read(SYSTEM) as session:
        assert session.execute(select(LanePause.lane)).scalars().all() == ["network"]


def test_a_worker_that_lost_its_lease_writes_nothing_more(bench: Bench) -> None:
    job_id = bench.submit()
    with bench.writing() as session:
        stale = claim(session.connection(), LANES, worker="slow", lease=30)
    assert stale is not None
    bench.alter(job_id, lease_until=bench.job(job_id).created_at.replace(year=2020))
    make_due(bench)
    assert bench.job(job_id).state == "queued"
    assert bench.job(job_id).attempt == 1
    with bench.writing() as session:
        fresh = claim(session.connection(), LANES, worker="quick", lease=30)
    assert fresh is not None
    assert fresh.fence > stale.fence
    run = Run(bench.context, stale, NOTE, Resources())
    with pytest.raises(LeaseLost), run.step(checkpoint={"stale": True}) as session:
        session.add(LanePause(lane="network", until=bench.job(job_id).created_at, reason="effect"))
    for outcome in ("succeeded", "retrying", "dead", "queued"):
        with pytest.raises(LeaseLost), bench.writing() as session:
            ledger.finish(session.connection(), stale, ledger.Outcome(outcome))
    with pytest.raises(LeaseLost), bench.writing() as session:
        ledger.renew(session.connection(), stale, 30)
    with pytest.raises(LeaseLost):
        run.progress(1, 2)
    with bench.writing() as session:
        assert ledger.finish(session.connection(), fresh, ledger.Outcome("succeeded")) == "succeeded"
        assert session.get(LanePause, "network") is None
    assert bench.job(job_id).checkpoint is None


def test_a_parent_ends_with_its_last_child(bench: Bench) -> None:
    def fan(run: Run, _payload: Note) -> dict[str, Any]:
        with run.step(checkpoint={"fanned": True}) as session:
            run.children(session, NOTE, [Note(number=number) for number in range(3)])
            run.child(session, NOTE, Note(number=3))
        return {"asked": 4}

    bench.does(FAN, fan)
    parent = bench.submit(FAN)
    slot = bench.slot()
    slot.work(["index"])
    waiting = bench.job(parent)
    assert (waiting.state, waiting.children, waiting.children_done) == ("waiting", 4, 0)
    assert waiting.finished_at is None
    slot.work(LANES)
    done = bench.job(parent)
    assert (done.state, done.children_done, done.result) == ("succeeded", 4, {"asked": 4})
    assert (done.progress_done, done.progress_total) == (4, 4)


def test_a_parent_of_dead_children_is_dead_and_comes_back_with_them(bench: Bench) -> None:
    def fan(run: Run, payload: Note) -> None:
        with run.step(checkpoint={"fanned": True}) as session:
            for number in range(2):
                run.child(session, FAN if payload.word == "top" else NOTE, Note(number=number))

    def fail_once(run: Run, payload: Note) -> None:
        if payload.number == 1 and run.fails:  # type: ignore[attr-defined]
            raise BadRequest

    bench.does(FAN, fan)
    Run.fails = True  # type: ignore[attr-defined]
    bench.does(NOTE, fail_once)
    top = bench.submit(FAN, word="top")
    bench.work()
    assert bench.job(top).state == "dead"
    assert bench.job(top).error == "2 of 2 child jobs failed."
    Run.fails = False  # type: ignore[attr-defined]
    with bench.writing() as session:
        retry(session, SYSTEM, top)
    assert bench.job(top).state == "waiting"
    bench.work()
    assert bench.job(top).state == "succeeded"
    del Run.fails  # type: ignore[attr-defined]


def test_cancelling_ends_what_has_not_begun_with_its_children(bench: Bench) -> None:
    def fan(run: Run, _payload: Note) -> None:
        with run.step(checkpoint={}) as session:
            run.children(session, NOTE, [Note()] * 3)

    bench.does(FAN, fan)
    parent = bench.submit(FAN)
    bench.slot().work(["index"])
    with bench.writing() as session:
        assert cancel(session, SYSTEM, parent).state == "cancelled"
    assert bench.work() == 0
    single = bench.submit()
    with bench.writing() as session:
        assert cancel(session, SYSTEM, single).state == "cancelled"
        assert cancel(session, SYSTEM, single).state == "cancelled", "asking twice does no harm"


def test_cancelling_a_running_job_reaches_its_handler(bench: Bench) -> None:
    def work(run: Run, _payload: Note) -> None:
        with bench.writing() as session:
            cancel(session, SYSTEM, run.job_id)
        for _ in range(1000):
            run.check()
            time.sleep(0.02)

    bench.context.settings.jobs.heartbeat_seconds = 0.2
    bench.does(NOTE, work)
    job_id = bench.submit()
    bench.work()
    assert bench.job(job_id).state == "cancelled"


def test_draining_gives_the_job_back_without_using_an_attempt(bench: Bench) -> None:
    slots: list[Slot] = []

    def work(run: Run, _payload: Note) -> None:
        slots[0].heart.drain()
        run.check()

    bench.does(NOTE, work)
    first, second = bench.submit(), bench.submit()
    slots.append(bench.slot())
    assert slots[0].work(LANES) == (1, True)
    assert {bench.job(first).state, bench.job(second).state} == {"queued"}
    assert {bench.job(first).attempt, bench.job(second).attempt} == {0}
    assert bench.job(first).lease_until is None


def test_the_hard_limit_ends_the_process_after_the_outcome_is_written(bench: Bench) -> None:
    ended: list[str] = []
    bench.context.settings.jobs.heartbeat_seconds = 0.2

    def work(run: Run, _payload: Note) -> None:
        for _ in range(500):
            if ended:
                break
            time.sleep(0.02)

    handlers = Handlers([handles(BRIEF)(work)])
    slot = Slot(bench.context, handlers, "brief", end_process=lambda: ended.append("ended"))
    bench.slots.append(slot)
    job_id = bench.submit(BRIEF)
    slot.work(LANES)
    assert ended[0] == "ended"
    job = bench.job(job_id)
    assert (job.state, job.error_kind) == ("retrying", "TimeIsUp"), "the stuck run itself could not write any more"
    assert job.error == "It ran longer than 0.5 s and was ended."


def test_unknown_tasks_and_newer_payloads_wait_for_a_newer_worker(bench: Bench) -> None:
    job_id = bench.submit()
    bench.alter(job_id, version=3)
    bench.work()
    assert bench.job(job_id).state == "retrying"
    assert "Upgrade the worker" in (bench.job(job_id).error or "")
    other = bench.submit()
    bench.alter(other, task="later.task")
    bench.work()
    assert bench.job(other).error_kind == "UnknownTask"
    bad = bench.submit()
    bench.alter(bad, payload={"number": "many"})
    bench.work()
    assert (bench.job(bad).state, bench.job(bad).error_kind) == ("dead", "BadPayload")


def test_every_change_is_told_and_progress_twice_a_second_at_most(bench: Bench) -> None:
    def work(run: Run, _payload: Note) -> None:
        for number in range(200):
            run.progress(number, 200, "counting")

    bench.does(NOTE, work)
    job_id = bench.submit()
    bench.work()
    with bench.context.database.read(SYSTEM) as session:
        events = (
            session.execute(select(JobEvent).where(JobEvent.job_id == job_id).order_by(JobEvent.id)).scalars().all()
        )
    assert [event.state for event in events] == ["queued", "running", "running", "succeeded"]
    assert events[2].progress_total == 200
