"""Submitting: in the caller's transaction, once for each key, and fair between users."""

import datetime as dt
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from otolith.core.actor import SYSTEM, Actor
from otolith.core.errors import BadRequest
from otolith.jobs.claiming import claim
from otolith.jobs.models import Job
from otolith.jobs.service import LANES, submit, submit_many
from tests.jobs.tasks import FAN, NOTE, Bench, Note


def take(bench: Bench) -> UUID | None:
    """The user whose job is claimed next."""
    with bench.writing() as session:
        job = claim(session.connection(), LANES, worker="test", lease=30)
        return job.user_id if job else None


def test_a_job_is_written_with_the_change_that_asks_for_it(bench: Bench) -> None:
    def submit_and_fail() -> None:
        with bench.writing() as session:
            submit(session, NOTE, Note())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        submit_and_fail()
    assert bench.work() == 0


def test_the_bell_rings_after_the_commit_and_only_then(bench: Bench) -> None:
    heard: list[dict[str, int]] = []
    bench.context.database.on_commit.append(lambda info: heard.append(dict(info.get("otolith.jobs.bells") or {})))
    with bench.writing() as session:
        submit(session, NOTE, Note())
        submit(session, NOTE, Note())
        submit(session, FAN, Note())
        assert heard == []
    # The context's own ringer comes first and takes what it rings.
    assert len(heard) == 1


def test_a_key_gives_one_job_in_each_workspace(bench: Bench) -> None:
    here, there = uuid4(), uuid4()
    first = bench.submit(idempotency_key="k", workspace=here)
    assert bench.submit(idempotency_key="k", workspace=here) == first
    assert bench.submit(idempotency_key="other", workspace=here) != first
    assert bench.submit(idempotency_key="k", workspace=there) != first
    assert bench.submit(FAN, idempotency_key="k", workspace=here) != first
    of_system = bench.submit(idempotency_key="k")
    assert of_system != first
    assert bench.submit(idempotency_key="k") == of_system


def test_ten_thousand_jobs_of_one_user_do_not_delay_another(bench: Bench) -> None:
    many, few = uuid4(), uuid4()
    with bench.writing() as session:
        submit_many(session, NOTE, [Note()] * 10_000, user=many, workspace=many)
    assert [take(bench), take(bench)] == [many, many]
    # Submitted as that user, whom the row policies show nothing of the other's jobs.
    actor = Actor(kind="user", user_id=few, role="user", memberships={few: "owner"})
    with bench.context.database.write(actor) as session:
        for _ in range(3):
            submit(session, NOTE, Note(), user=few, workspace=few)
    order = [take(bench) for _ in range(6)]
    assert order[:2].count(few) >= 1
    assert order.count(few) == 3


def test_a_user_who_was_idle_has_no_arrears(bench: Bench) -> None:
    old, new = uuid4(), uuid4()
    with bench.writing() as session:
        submit_many(session, NOTE, [Note()] * 20, user=old)
    for _ in range(10):
        take(bench)
    with bench.writing() as session:
        submit_many(session, NOTE, [Note()] * 20, user=new)
    assert sorted([take(bench) for _ in range(10)].count(user) for user in (old, new)) == [5, 5]


def test_priority_comes_before_fairness(bench: Bench) -> None:
    first, second = uuid4(), uuid4()
    bench.submit(user=first, priority="low")
    bench.submit(user=first)
    bench.submit(user=second, priority="high")
    assert [take(bench) for _ in range(3)] == [second, first, first]


def test_interactive_work_goes_first_and_other_lanes_take_turns(bench: Bench) -> None:
    with bench.writing() as session:
        submit_many(session, NOTE, [Note()] * 20)
        submit_many(session, FAN, [Note()] * 3)
        submit(session, NOTE, Note(word="now"), lane="interactive")
    ran: list[str] = []
    bench.does(NOTE, lambda _run, payload: ran.append(payload.word or "note"))
    bench.does(FAN, lambda _run, _payload: ran.append("fan"))
    bench.work()
    assert ran[0] == "now"
    assert ran.index("fan") < 9, "a backlog in one lane does not hold up another"
    assert len(ran) == 24


def test_a_job_for_later_sleeps_until_then(bench: Bench) -> None:
    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    job = bench.submit(not_before=later)
    assert bench.work() == 0
    assert bench.job(job).due_at == later


def test_a_payload_of_another_contract_is_refused(bench: Bench) -> None:
    with bench.writing() as session, pytest.raises(TypeError, match=r"test\.note takes a Note"):
        submit(session, NOTE, NOTE)  # type: ignore[misc]
    with bench.writing() as session, pytest.raises(BadRequest):
        submit(session, NOTE, Note(), lane="nowhere")  # type: ignore[arg-type]


def test_many_jobs_keep_their_order_and_their_ids(bench: Bench) -> None:
    with bench.writing() as session:
        ids = submit_many(session, NOTE, [Note(number=number) for number in range(50)])
    seen: list[int] = []
    bench.does(NOTE, lambda _run, payload: seen.append(payload.number))
    assert bench.work() == 50
    assert seen == list(range(50))
    with bench.context.database.read(SYSTEM) as session:
        assert session.execute(select(func.count()).where(Job.id.in_(ids), Job.state == "succeeded")).scalar() == 50
