"""On PostgreSQL a forgotten filter shows nobody another workspace's jobs, and lets nobody write there."""

from uuid import uuid4

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from otolith.core.actor import ANONYMOUS, Actor
from otolith.core.context import Context
from otolith.jobs.models import Job, JobEvent
from otolith.jobs.service import submit
from tests.jobs.tasks import NOTE, Bench, Note


@pytest.fixture
def postgres_only(context: Context) -> None:
    if context.database.is_sqlite:
        pytest.skip("SQLite has no row-level security")


def member_of(workspace: object) -> Actor:
    return Actor(kind="user", user_id=uuid4(), role="user", memberships={workspace: "owner"})  # type: ignore[dict-item]


@pytest.mark.usefixtures("postgres_only")
def test_a_forgotten_filter_leaks_nothing(bench: Bench) -> None:
    mine, theirs = uuid4(), uuid4()
    own, foreign, _system = bench.submit(workspace=mine), bench.submit(workspace=theirs), bench.submit()
    with bench.context.database.read(member_of(mine)) as session:
        assert session.execute(text("SELECT current_user")).scalar() == "otolith_app"
        assert session.execute(select(Job.id)).scalars().all() == [own]
        assert set(session.execute(select(JobEvent.job_id)).scalars()) == {own}
    with bench.context.database.read(ANONYMOUS) as session:
        assert session.execute(select(Job.id)).all() == []
    with bench.context.database.write(member_of(mine)) as session:
        session.execute(update(Job).values(note="mine"))
    assert (bench.job(own).note, bench.job(foreign).note) == ("mine", None)


@pytest.mark.usefixtures("postgres_only")
@pytest.mark.parametrize("target", ["theirs", "system"])
def test_nobody_submits_for_others(bench: Bench, target: str) -> None:
    actor = member_of(uuid4())

    def trespass() -> None:
        with bench.context.database.write(actor) as session:
            submit(session, NOTE, Note(), workspace=uuid4() if target == "theirs" else None)

    with pytest.raises(DBAPIError, match="row-level security"):
        trespass()


@pytest.mark.usefixtures("postgres_only")
def test_the_function_that_looks_as_the_system_gives_the_name_back(bench: Bench) -> None:
    mine = uuid4()
    bench.submit(workspace=uuid4())
    with bench.context.database.write(member_of(mine)) as session:
        submit(session, NOTE, Note(), workspace=mine)
        assert len(session.execute(select(Job.id)).all()) == 1
