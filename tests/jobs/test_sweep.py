"""The sweep: leases that ran out, retries that come due, the clock's own jobs, and turns among workers."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import select, update

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.jobs.claiming import claim
from otolith.jobs.contracts import LANES, Handler, handles
from otolith.jobs.models import Job, JobSchedule, SweepTurn
from otolith.jobs.sweep import LOST, run_schedules, sweep
from otolith.jobs.workers import live_workers, probe, sign, sign_off
from tests.jobs.tasks import BRIEF, FAN, NOTE, Bench, nothing

PAST = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


def abandon(bench: Bench, job_id: UUID) -> None:
    """Claim a job and never be heard of again."""
    with bench.writing() as session:
        job = claim(session.connection(), LANES, worker="gone", lease=30)
    assert job is not None
    assert job.id == job_id
    bench.alter(job_id, lease_until=PAST)


def test_a_lease_that_ran_out_frees_the_job_and_counts_as_an_attempt(bench: Bench) -> None:
    job_id = bench.submit(BRIEF)
    abandon(bench, job_id)
    sweep(bench.context, (), always=True)
    job = bench.job(job_id)
    assert (job.state, job.attempt, job.worker, job.error_kind) == ("queued", 1, None, LOST)
    abandon(bench, job_id)
    sweep(bench.context, (), always=True)
    job = bench.job(job_id)
    assert (job.state, job.attempt) == ("dead", 2), "a job that ends its worker every time must end"


def test_a_lease_that_holds_is_left_alone(bench: Bench) -> None:
    job_id = bench.submit()
    with bench.writing() as session:
        claim(session.connection(), LANES, worker="busy", lease=30)
    sweep(bench.context, (), always=True)
    assert bench.job(job_id).state == "running"


def test_what_was_cancelled_while_its_worker_died_is_cancelled(bench: Bench) -> None:
    job_id = bench.submit()
    abandon(bench, job_id)
    bench.alter(job_id, cancel_requested=True)
    sweep(bench.context, (), always=True)
    assert bench.job(job_id).state == "cancelled"


def test_a_lost_last_child_ends_its_parent(bench: Bench) -> None:
    def fan(run, _payload):  # type: ignore[no-untyped-def]
        with run.step(checkpoint={}) as session:
            run.child(session, BRIEF, _payload)

    bench.does(FAN, fan)
    parent = bench.submit(FAN)
    bench.slot().work(["index"])
    with bench.context.database.read(SYSTEM) as session:
        child = session.execute(select(Job.id).where(Job.parent_id == parent)).scalar_one()
    for _ in range(2):
        abandon(bench, child)
        sweep(bench.context, (), always=True)
    assert bench.job(parent).state == "dead"


def test_sleeping_jobs_wake_when_their_time_has_come(bench: Bench) -> None:
    job_id = bench.submit(not_before=dt.datetime.now(dt.UTC) + dt.timedelta(hours=1))
    sweep(bench.context, (), always=True)
    assert bench.work() == 0
    bench.alter(job_id, due_at=PAST)
    sweep(bench.context, (), always=True)
    assert bench.work() == 1


def test_one_of_many_workers_sweeps(bench: Bench) -> None:
    with ThreadPoolExecutor(8) as pool:
        turns = list(pool.map(lambda _: sweep(bench.context, ()), range(8)))
    assert sum(turns) == 1


def hourly() -> Handler:
    return handles(NOTE, cron="0 * * * *")(nothing)


def jobs_of(context: Context) -> list[Job]:
    with context.database.read(SYSTEM) as session:
        return list(session.execute(select(Job).where(Job.task == NOTE.task)).scalars())


def make_due(context: Context) -> dt.datetime:
    due = dt.datetime.now(dt.UTC).replace(minute=0, second=0, microsecond=0)
    with context.database.write(SYSTEM) as session:
        session.execute(update(JobSchedule).values(next_due=due))
    return due


def test_a_due_time_gives_one_job_however_many_look(bench: Bench) -> None:
    context = bench.context
    run_schedules(context, [hourly()])
    assert jobs_of(context) == [], "a new schedule begins with its next time"
    due = make_due(context)
    with ThreadPoolExecutor(8) as pool:
        submitted = list(pool.map(lambda _: run_schedules(context, [hourly()]), range(8)))
    assert sum(submitted) == 1
    assert len(jobs_of(context)) == 1
    with context.database.read(SYSTEM) as session:
        row = session.execute(select(JobSchedule)).scalar_one()
    assert row.last_due == due
    assert row.next_due == due + dt.timedelta(hours=1)
    assert row.last_job_id == jobs_of(context)[0].id


def test_a_job_that_is_not_over_has_no_other_beside_it(bench: Bench) -> None:
    context = bench.context
    run_schedules(context, [hourly()])
    due = make_due(context)
    assert run_schedules(context, [hourly()]) == 1
    make_due(context)
    assert run_schedules(context, [hourly()]) == 0
    with context.database.write(SYSTEM) as session:
        assert session.execute(select(JobSchedule.next_due)).scalar_one() == due + dt.timedelta(hours=1)
        session.execute(update(Job).values(state="dead", finished_at=PAST))
    make_due(context)
    assert run_schedules(context, [hourly()]) == 1


def test_a_changed_rule_begins_anew(bench: Bench) -> None:
    context = bench.context
    run_schedules(context, [hourly()])
    make_due(context)
    run_schedules(context, [handles(NOTE, every=300)(nothing)])
    assert jobs_of(context) == []
    make_due(context)
    assert run_schedules(context, [handles(NOTE, every=300)(nothing)]) == 1


def test_workers_sign_and_are_missed_when_they_stop(bench: Bench) -> None:
    context = bench.context
    assert probe(context.settings)[0] == 1
    sign(context, "one", ["audio", "index"], 4, 123)
    sign(context, "one", ["audio", "index"], 4, 123)
    with context.database.read(SYSTEM) as session:
        (worker,) = live_workers(session)
    assert (worker.name, worker.lanes, worker.concurrency, worker.pid) == ("one", ["audio", "index"], 4, 123)
    assert probe(context.settings) == (0, "Alive: one.")
    assert probe(context.settings, "two") == (1, "The worker two has given no sign of life for 20 s.")
    with context.database.write(SYSTEM) as session:
        session.get_one(type(worker), "one").seen_at = PAST
    with context.database.read(SYSTEM) as session:
        assert live_workers(session) == []
    sign_off(context, "one")
    assert probe(context.settings)[0] == 1


@pytest.mark.parametrize("kind", ["one", "two"])
def test_a_probe_of_an_absent_database_says_so(bench: Bench, kind: str) -> None:
    settings = bench.context.settings.model_copy(update={"database_url": "sqlite:////nowhere/at/all.db"})
    code, sentence = probe(settings, kind)
    assert code == 1
    assert "database" in sentence


def test_a_clock_that_was_set_back_stops_neither_sweeps_nor_schedules(bench: Bench) -> None:
    context = bench.context
    run_schedules(context, [hourly()])
    sweep(context, ())
    ahead = dt.datetime.now(dt.UTC) + dt.timedelta(days=100)
    with context.database.write(SYSTEM) as session:
        session.execute(update(JobSchedule).values(next_due=ahead))
        session.execute(update(SweepTurn).values(next_at=ahead))
    assert run_schedules(context, [hourly()]) == 1
    assert run_schedules(context, [hourly()]) == 0
    assert sweep(context, ())
    assert not sweep(context, ())
