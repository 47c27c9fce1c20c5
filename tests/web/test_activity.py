"""Activity: the jobs as a page."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.db import now
from otolith.jobs.models import Job
from otolith.jobs.service import submit
from otolith.library.events import SCAN, ScanPayload
from otolith.web.activity import PER_PAGE
from tests.callers import Callers
from tests.web.conftest import Browser, Counting


def add_job(context: Context, workspace: UUID | None, state: str = "queued", **columns: Any) -> UUID:
    """A job in this state, as if a worker had brought it there."""
    ended = now() if state in ("succeeded", "dead", "cancelled") else None
    began = now() if state != "queued" else None
    with context.database.write(SYSTEM) as session:
        job_id = submit(session, SCAN, ScanPayload(scan_id=uuid4(), path=b"/music"), workspace=workspace)
        values = {"state": state, "finished_at": ended, "started_at": began, **columns}
        session.execute(update(Job).where(Job.id == job_id).values(**values))
    return job_id


def test_a_quiet_house_says_so(browser: Browser) -> None:
    page = browser("viewer").get("/activity")
    assert page.status_code == 200
    assert "All quiet" in page.text


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("queued", "Waiting"),
        ("running", "Running"),
        ("retrying", "Will be tried again"),
        ("succeeded", "Done"),
        ("dead", "Failed"),
        ("cancelled", "Cancelled"),
    ],
)
def test_every_state_has_its_words(browser: Browser, callers: Callers, context: Context, state: str, said: str) -> None:
    job = add_job(context, callers.home, state)
    row = browser("viewer").get("/activity").text.split(f'id="job-{job}"')[1].split("</li>")[0]
    assert "Scan a folder" in row
    assert said in row


def test_progress_and_the_time_left_are_shown(browser: Browser, callers: Callers, context: Context) -> None:
    add_job(context, callers.home, "running", progress_done=42, progress_total=100, eta_seconds=180.0)
    page = browser("viewer").get("/activity").text
    assert '<progress value="0.42" max="1"' in page
    assert "42% · about 3 minutes left" in page
    french = browser("viewer").get("/activity", headers={"Accept-Language": "fr"}).text
    assert "42\u00a0% · encore 3\u00a0minutes environ" in french or "encore 3 minutes environ" in french


def test_a_failure_says_why(browser: Browser, callers: Callers, context: Context) -> None:
    add_job(context, callers.home, "dead", error="The <folder> is gone.", attempt=5)
    page = browser("viewer").get("/activity").text
    assert "The &lt;folder&gt; is gone." in page
    assert "5 attempts" in page


def test_only_editors_are_offered_to_act(browser: Browser, callers: Callers, context: Context) -> None:
    dead = add_job(context, callers.home, "dead")
    queued = add_job(context, callers.home)
    for kind, offered in (("viewer", False), ("readonly", False), ("editor", True), ("owner", True)):
        page = browser(kind).get("/activity").text
        assert (f"/activity/{dead}/retry" in page) is offered, kind
        assert (f"/activity/{queued}/cancel" in page) is offered, kind


def test_retry_and_cancel_are_plain_forms(browser: Browser, callers: Callers, context: Context) -> None:
    client = browser("editor")
    dead = add_job(context, callers.home, "dead")
    answer = client.post(f"/activity/{dead}/retry", data={"next": "/activity?state=failed"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/activity?state=failed")
    assert f'id="job-{dead}"' in client.get("/activity?state=waiting").text
    client.post(f"/activity/{dead}/cancel")
    assert f'id="job-{dead}"' in client.get("/activity?state=cancelled").text


def test_acting_without_the_right_is_refused(browser: Browser, callers: Callers, context: Context) -> None:
    dead = add_job(context, callers.home, "dead")
    assert browser("viewer").post(f"/activity/{dead}/retry").status_code == 403
    assert browser("stranger").post(f"/activity/{dead}/retry").status_code == 404
    assert f'id="job-{dead}"' in browser("viewer").get("/activity?state=failed").text


def test_nobody_sees_the_jobs_of_others(browser: Browser, callers: Callers, context: Context) -> None:
    ours = add_job(context, callers.home)
    theirs = add_job(context, callers.elsewhere)
    system = add_job(context, None)
    for kind, seen in (("viewer", {ours}), ("stranger", {theirs}), ("admin", {ours, system})):
        page = browser(kind).get("/activity").text
        assert {job for job in (ours, theirs, system) if f'id="job-{job}"' in page} == seen, kind


def test_the_tabs_choose(browser: Browser, callers: Callers, context: Context) -> None:
    jobs = {state: add_job(context, callers.home, state) for state in ("queued", "running", "dead", "succeeded")}
    client = browser("viewer")
    for tab, state in (("waiting", "queued"), ("running", "running"), ("failed", "dead"), ("done", "succeeded")):
        page = client.get(f"/activity?state={tab}").text
        assert [name for name, job in jobs.items() if f'id="job-{job}"' in page] == [state]
    assert client.get("/activity?state=unheard-of").text.count('id="job-') == len(jobs)


def test_parts_stand_with_their_whole(browser: Browser, callers: Callers, context: Context) -> None:
    whole = add_job(context, callers.home, "running", children=2)
    part = add_job(context, callers.home, "running", parent_id=whole, root_id=whole)
    broken = add_job(context, callers.home, "dead", parent_id=whole, root_id=whole)
    client = browser("viewer")
    page = client.get("/activity").text
    assert f'id="job-{part}"' not in page
    assert f'href="/activity?parent={whole}"' in page
    parts = client.get(f"/activity?parent={whole}").text
    assert f'id="job-{part}"' in parts
    assert f'id="job-{whole}"' not in parts
    assert f'id="job-{broken}"' in client.get("/activity?state=failed").text


def test_long_lists_come_in_pages(browser: Browser, callers: Callers, context: Context) -> None:
    for _ in range(PER_PAGE + 1):
        add_job(context, callers.home, "succeeded")
    client = browser("viewer")
    first = client.get("/activity?state=done").text
    assert first.count('id="job-') == PER_PAGE
    older = first.split('rel="next"')[0].rpartition('href="')[2].split('"')[0].replace("&amp;", "&")
    assert client.get(older).text.count('id="job-') == 1


def test_without_javascript_the_page_looks_again_only_when_asked(browser: Browser) -> None:
    client = browser("viewer")
    assert 'http-equiv="refresh"' not in client.get("/activity").text
    asked = client.get("/activity?refresh=5").text
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in asked
    assert 'href="/activity"' in asked


def test_a_longer_list_costs_no_more_statements(
    browser: Browser, callers: Callers, context: Context, counting: Counting
) -> None:
    client = browser("viewer")
    add_job(context, callers.home)
    client.get("/activity")
    with counting() as few:
        client.get("/activity")
    for _ in range(10):
        add_job(context, callers.home, "running")
    with counting() as many:
        client.get("/activity")
    assert len(many) == len(few)
