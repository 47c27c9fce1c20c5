"""The jobs' routes: who sees what, lists by cursor, and what may be retried and cancelled."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import pytest

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.jobs.service import submit
from tests.callers import REFUSED, Callers
from tests.jobs.tasks import FAN, NOTE, Bench, Note


@pytest.fixture
def jobs(context: Context, callers: Callers) -> Mapping[str, UUID]:
    """One job of the Home workspace, one of another, and one of the system."""
    with context.database.write(SYSTEM) as session:
        return {
            "home": submit(session, NOTE, Note(word="secret"), workspace=callers.home),
            "elsewhere": submit(session, NOTE, Note(), workspace=callers.elsewhere),
            "system": submit(session, FAN, Note()),
        }


SEES = {
    "viewer": {"home"},
    "editor": {"home"},
    "readonly": {"home"},
    "admin": {"home", "system"},
    "stranger": {"elsewhere"},
}


@pytest.mark.parametrize("kind", SEES)
def test_everybody_sees_the_jobs_of_their_workspaces(callers: Callers, jobs: Mapping[str, UUID], kind: str) -> None:
    page = callers[kind].get("/api/jobs").json()
    assert {item["id"] for item in page["items"]} == {str(jobs[name]) for name in SEES[kind]}
    assert (page["total"], page["next"]) == (len(SEES[kind]), None)
    for name, job_id in jobs.items():
        answer = callers[kind].get(f"/api/jobs/{job_id}")
        assert answer.status_code == (200 if name in SEES[kind] else 404)


@pytest.mark.parametrize("kind", REFUSED)
def test_nobody_else_sees_anything(callers: Callers, jobs: Mapping[str, UUID], kind: str) -> None:
    for path in ("/api/jobs", f"/api/jobs/{jobs['home']}", "/api/jobs/events", "/api/jobs/lanes"):
        answer = callers[kind].get(path)
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_job_shows_what_it_is(callers: Callers, jobs: Mapping[str, UUID]) -> None:
    job: dict[str, Any] = callers["viewer"].get(f"/api/jobs/{jobs['home']}").json()
    assert job["task"] == "test.note"
    assert job["payload"] == {"word": "secret", "number": 0}
    assert (job["state"], job["lane"], job["priority"], job["attempt"]) == ("queued", "maintenance", "normal", 0)
    assert job["progress"] == {"done": None, "total": None, "note": None, "eta_seconds": None}
    assert "payload" not in callers["viewer"].get("/api/jobs").json()["items"][0]


def test_lists_are_filtered_and_paged(context: Context, callers: Callers) -> None:
    with context.database.write(SYSTEM) as session:
        ids = [submit(session, NOTE, Note(), workspace=callers.home) for _ in range(5)]
        fan = submit(session, FAN, Note(), workspace=callers.home)
        child = submit(session, NOTE, Note(), workspace=callers.home, parent=fan)
    viewer = callers["viewer"]
    seen: list[str] = []
    cursor = None
    for _ in range(3):
        asked: dict[str, str | int] = {"limit": 2, "lane": "maintenance", "roots": "true"}
        page = viewer.get("/api/jobs", params=asked | ({"cursor": cursor} if cursor else {})).json()
        assert page["total"] == 5
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
    assert cursor is None
    assert seen == [str(job_id) for job_id in reversed(ids)]
    assert [item["id"] for item in viewer.get("/api/jobs", params={"parent": str(fan)}).json()["items"]] == [str(child)]
    assert [item["id"] for item in viewer.get("/api/jobs", params={"task": "test.fan"}).json()["items"]] == [str(fan)]
    assert viewer.get("/api/jobs", params={"state": ["dead", "succeeded"]}).json()["total"] == 0
    assert viewer.get("/api/jobs", params={"state": ["dead", "queued"]}).json()["total"] == 7
    assert viewer.get("/api/jobs", params={"state": "odd"}).status_code == 422
    assert viewer.get("/api/jobs", params={"cursor": "odd"}).status_code == 400


@pytest.mark.parametrize(
    ("kind", "name", "status"),
    [
        ("viewer", "home", 403),
        ("readonly", "home", 403),
        ("editor", "home", 200),
        ("editor", "elsewhere", 404),
        ("stranger", "home", 404),
        ("owner", "system", 404),
        ("admin", "system", 200),
    ],
)
def test_editors_cancel_and_retry(
    callers: Callers, jobs: Mapping[str, UUID], kind: str, name: str, status: int
) -> None:
    answer = callers[kind].post(f"/api/jobs/{jobs[name]}/cancel")
    assert answer.status_code == status
    if status == 200:
        assert answer.json()["state"] == "cancelled"
        again = callers[kind].post(f"/api/jobs/{jobs[name]}/retry")
        assert (again.status_code, again.json()["state"]) == (200, "queued")
        refused = callers[kind].post(f"/api/jobs/{jobs[name]}/retry")
        assert refused.status_code == 409
        assert refused.json()["type"] == "urn:otolith:problem:job-state-conflict"


def test_what_has_ended_cannot_be_cancelled(callers: Callers, jobs: Mapping[str, UUID], bench: Bench) -> None:
    bench.work()
    answer = callers["editor"].post(f"/api/jobs/{jobs['home']}/cancel")
    assert answer.status_code == 409
    assert answer.json()["detail"] == "This job is succeeded, so there is nothing to cancel."
    assert callers["editor"].post(f"/api/jobs/{uuid4()}/cancel").status_code == 404


def test_administrators_see_the_lanes(callers: Callers, jobs: Mapping[str, UUID]) -> None:
    assert callers["owner"].get("/api/jobs/lanes").status_code == 403
    lanes = {lane["lane"]: lane for lane in callers["admin"].get("/api/jobs/lanes").json()}
    assert lanes["maintenance"]["jobs"] == {"queued": 2}
    assert lanes["maintenance"]["oldest_seconds"] >= 0
    assert lanes["audio"] == {
        "lane": "audio", "jobs": {}, "oldest_seconds": None, "paused_until": None, "paused_reason": None,
    }  # fmt: skip


@pytest.mark.parametrize("days", ["-1", "1e9", "1e308", "NaN", "Infinity"])
def test_jobs_of_no_age_at_all_are_not_purged(callers: Callers, days: str) -> None:
    headers = {"Content-Type": "application/json"}
    answer = callers["admin"].post("/api/jobs/purge", content=f'{{"older_than_days": {days}}}', headers=headers)
    assert answer.status_code == 422
