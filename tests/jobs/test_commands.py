"""`otolith jobs`: the same commands on a data folder and through a server."""

import datetime as dt
import json
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from otolith.cli import app
from otolith.core.actor import SYSTEM
from otolith.core.terminal import Remote
from tests.callers import Callers
from tests.jobs.tasks import BRIEF, NOTE, Bench, Note

runner = CliRunner()


def document(output: str) -> Any:
    """What the command printed last; a server inside the test's process logs before it."""
    return json.loads(output.splitlines()[-1])


@pytest.fixture(params=["here", "there"])
def jobs(request: pytest.FixtureRequest, bench: Bench, callers: Callers, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs `otolith jobs …` against the test's ledger; its exit code and its output."""
    where: list[str]
    if request.param == "here":
        where = ["--data", str(bench.context.settings.data)]
        monkeypatch.setenv("OTOLITH_DATABASE_URL", bench.context.settings.database_url)
    else:
        token = callers["admin"].headers["X-API-Token"]
        where = ["--server", "http://testserver", "--token", token]

        def connect(self: Remote, server: str, token: str | None) -> None:
            self.base = f"{server}/api"
            self._connection_error = OSError  # type: ignore[assignment]
            app = callers["admin"].app
            self.client = TestClient(app, base_url=self.base, headers={"Authorization": f"Bearer {token}"})  # type: ignore[assignment]

        monkeypatch.setattr(Remote, "__init__", connect)

    def run(*arguments: str) -> tuple[int, str]:
        result = runner.invoke(app, ["jobs", *arguments, *where])
        return result.exit_code, result.output

    return run


def test_jobs_are_listed_shown_cancelled_and_retried(jobs: Any, bench: Bench) -> None:
    first = bench.submit(word="hello")
    bench.submit(BRIEF)
    code, output = jobs("list", "--json")
    page = document(output)
    assert code == 0
    assert page["total"] == 2
    assert document(jobs("list", "--lane", "maintenance", "--json")[1])["total"] == 1
    code, output = jobs("show", str(first), "--json")
    assert document(output)["payload"] == {"word": "hello", "number": 0}
    assert document(jobs("cancel", str(first), "--json")[1])["state"] == "cancelled"
    assert document(jobs("retry", str(first), "--json")[1])["state"] == "queued"
    code, output = jobs("retry", str(first))
    assert code == 1
    assert "only dead, cancelled and sleeping jobs can be retried" in " ".join(output.split())
    assert "test.note" in jobs("list")[1]
    assert "maintenance" in jobs("show", str(first))[1]


def test_finished_jobs_are_purged(jobs: Any, bench: Bench) -> None:
    done, open_job = bench.submit(), bench.submit(BRIEF)
    bench.slot().work(["maintenance"])
    assert document(jobs("purge", "--json")[1]) == {"purged": 0}
    assert document(jobs("purge", "--state", "succeeded", "--older-than", "1", "--json")[1]) == {"purged": 0}
    assert document(jobs("purge", "--state", "succeeded", "--json")[1]) == {"purged": 1}
    assert jobs("show", str(done))[0] == 1
    assert jobs("show", str(open_job))[0] == 0


def test_mistakes_are_explained(jobs: Any) -> None:
    assert jobs("show", "x")[0] == 2
    assert jobs("list", "--state", "odd")[0] == 2
    code, output = jobs("show", str(uuid4()))
    assert code == 1
    assert "There is no such job that you may see." in output


def test_a_folder_without_a_ledger_is_named_as_such(tmp_path: Any) -> None:
    result = runner.invoke(app, ["jobs", "list", "--data", str(tmp_path / "empty")], env={"OTOLITH_DATABASE_URL": ""})
    assert result.exit_code == 1
    assert "There is no Otolith in this data folder yet" in " ".join(result.output.split())


def test_the_task_of_the_ledger_forgets_what_is_old(bench: Bench) -> None:
    from otolith.jobs.jobs import FORGET, forget
    from otolith.jobs.service import Handlers, handles, submit
    from otolith.jobs.slot import Slot

    old, recent = bench.submit(), bench.submit()
    bench.work()
    bench.alter(old, finished_at=bench.job(old).created_at.replace(year=2020))
    with bench.writing() as session:
        task = submit(session, FORGET, FORGET.payload())
    slot = Slot(bench.context, Handlers([forget, handles(NOTE)(lambda _run, _payload: None)]), "forget")
    bench.slots.append(slot)
    slot.work(["maintenance"])
    assert bench.job(task).result == {"forgotten": 1}
    assert bench.job(recent).state == "succeeded"


def test_routine_is_forgotten_sooner_and_left_out_where_people_look(bench: Bench) -> None:
    from otolith.jobs.jobs import FORGET, forget
    from otolith.jobs.service import Handlers, handles, list_jobs, submit
    from otolith.jobs.slot import Slot

    with bench.writing() as session:
        routine = submit(session, NOTE, Note())
        asked = submit(session, NOTE, Note(), user=uuid4())
    bench.work()
    for job in (routine, asked):
        bench.alter(job, finished_at=bench.job(job).created_at - dt.timedelta(days=3))
    with bench.context.database.read(SYSTEM) as session:
        shown = [job.id for job in list_jobs(session, SYSTEM, routine=False).items]
    assert asked in shown
    assert routine not in shown
    with bench.writing() as session:
        submit(session, FORGET, FORGET.payload())
    slot = Slot(bench.context, Handlers([forget, handles(NOTE)(lambda _run, _payload: None)]), "forget")
    bench.slots.append(slot)
    slot.work(["maintenance"])
    with bench.context.database.read(SYSTEM) as session:
        left = [job.id for job in list_jobs(session, SYSTEM).items]
    assert asked in left
    assert routine not in left
