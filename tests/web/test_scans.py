"""Folders and their scans as pages."""

import datetime as dt
import os
from pathlib import Path
from uuid import UUID

from sqlalchemy import update

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.db import now
from otolith.jobs.models import Job
from otolith.library.models import Finding, Scan
from otolith.library.roots.models import Root
from tests.callers import Callers
from tests.web.conftest import Browser, Counting

PHASES = [
    {"name": "walk", "done": 40, "total": 0, "over": True, "pace": 9.0, "weight": 2.0, "at": 0.0},
    {"name": "compare", "done": 40, "total": 40, "over": True, "pace": 9.0, "weight": 2.0, "at": 0.0},
    {"name": "read", "done": 10, "total": 40, "over": False, "pace": 4.0, "weight": 2.0, "at": 0.0},
]


def add_folder(browser: Browser, folder: Path) -> str:
    """The id of the scan that adding a folder began."""
    client = browser("admin")
    answer = client.post("/scans/roots", data={"path": str(folder), "name": "Music", "watched": "yes"})
    assert answer.status_code == 303, answer.text
    return client.get("/scans").text.split('id="scan-row-')[1].split('"')[0]


def set_phases(context: Context, scan_id: str) -> None:
    with context.database.write(SYSTEM) as session:
        scan = session.get_one(Scan, UUID(scan_id))
        scan.phases = PHASES
        session.execute(update(Job).where(Job.id == scan.job_id).values(state="running", started_at=now()))


def test_nothing_scanned_yet_says_so(browser: Browser) -> None:
    page = browser("owner").get("/scans").text
    assert "Nothing was scanned yet." in page
    assert 'action="/scans/roots"' in page
    assert 'action="/scans/roots"' not in browser("viewer").get("/scans").text


def test_a_folder_is_added_and_its_phases_are_shown(browser: Browser, context: Context, tmp_path: Path) -> None:
    scan = add_folder(browser, tmp_path)
    set_phases(context, scan)
    client = browser("viewer")
    for path in ("/scans", f"/scans/{scan}"):
        page = client.get(path).text
        assert "Read tags" in page
        assert "10 of 40" in page
        assert '<progress value="0.25" max="1" aria-label="Read tags"' in page
        assert "about 15 seconds left" in page
        assert f'action="/scans/{scan}/pause"' not in page
    french = client.get("/scans", headers={"Accept-Language": "fr"}).text
    assert "10 sur 40" in french


def test_a_scan_is_paused_resumed_and_cancelled(browser: Browser, context: Context, tmp_path: Path) -> None:
    scan = add_folder(browser, tmp_path)
    client = browser("editor")
    for deed, said, offered in (("pause", "Paused", "resume"), ("resume", "Running", "pause")):
        assert client.post(f"/scans/{scan}/{deed}", data={"next": f"/scans/{scan}"}).status_code == 303
        page = client.get(f"/scans/{scan}").text
        assert said in page
        assert f'action="/scans/{scan}/{offered}"' in page
    assert "It was paused; resume it" not in client.get(f"/scans/{scan}").text
    client.post(f"/scans/{scan}/cancel")
    assert "Cancelled" in client.get(f"/scans/{scan}").text
    assert client.post(f"/scans/{scan}/cancel").status_code == 409
    assert browser("viewer").post(f"/scans/{scan}/pause").status_code == 403
    assert browser("stranger").get(f"/scans/{scan}").status_code == 404
    assert client.post(f"/scans/{scan}/explode").status_code == 400


def test_what_could_not_be_taken_in_is_told(
    browser: Browser, callers: Callers, context: Context, tmp_path: Path
) -> None:
    scan = add_folder(browser, tmp_path)
    with context.database.write(SYSTEM) as session:
        session.add(
            Finding(
                scan_id=UUID(scan),
                workspace_id=callers.home,
                path=b"/music/<odd>.mp3",
                path_digest=b"1",
                verdict="failed",
                kind="empty",
                error="The file is empty (0 bytes).",
            )
        )
    page = browser("viewer").get(f"/scans/{scan}").text
    assert "…/&lt;odd&gt;.mp3" in page
    assert "/music/&lt;odd&gt;.mp3" in browser("admin").get(f"/scans/{scan}").text
    assert "The file is empty (0 bytes)." in page
    french = browser("viewer").get(f"/scans/{scan}", headers={"Accept-Language": "fr"}).text
    assert "Le fichier est vide" in french


def test_a_folder_that_may_not_be_added_is_told_with_what_was_typed(browser: Browser, tmp_path: Path) -> None:
    client = browser("editor")
    for path, status, said in (
        ("music", 400, "is not an absolute path"),
        ("", 400, "Name a folder"),
        (os.fspath(tmp_path), 403, "OTOLITH_LIBRARY_ROOTS"),
    ):
        answer = client.post("/scans/roots", data={"path": path})
        assert answer.status_code == status, path
        assert said in answer.text
        assert f'value="{path}"' in answer.text


def test_a_folder_is_watched_scanned_and_taken_out(browser: Browser, tmp_path: Path) -> None:
    add_folder(browser, tmp_path)
    client = browser("editor")
    root = client.get("/scans").text.split('id="root-')[1].split('"')[0]
    assert "changes are taken in as they happen" in client.get("/scans").text
    client.post(f"/scans/roots/{root}/watch", data={"watched": ""})
    assert "not watched" in client.get("/scans").text
    assert client.post(f"/scans/roots/{root}/scan").status_code == 303
    assert client.post("/scans/start").status_code == 303
    assert browser("viewer").post(f"/scans/roots/{root}/remove").status_code == 403
    client.post(f"/scans/roots/{root}/remove")
    assert f'id="root-{root}"' not in client.get("/scans").text


def test_more_scans_cost_no_more_statements(
    browser: Browser, callers: Callers, context: Context, counting: Counting, tmp_path: Path
) -> None:
    add_folder(browser, tmp_path)
    client = browser("viewer")
    client.get("/scans")
    with counting() as few:
        client.get("/scans")
    with context.database.write(SYSTEM) as session:
        for number in range(10):
            session.add(Scan(workspace_id=callers.home, path=f"/music/{number}".encode()))
    with counting() as many:
        client.get("/scans")
    assert len(many) == len(few)


def test_a_watched_folder_says_when_a_change_was_last_taken_in(
    browser: Browser, context: Context, tmp_path: Path
) -> None:
    add_folder(browser, tmp_path)
    client = browser("viewer")
    assert "changes are taken in as they happen</span>" in client.get("/scans").text
    with context.database.write(SYSTEM) as session:
        session.execute(update(Root).values(touched_at=now() - dt.timedelta(minutes=20)))
    assert "changes are taken in as they happen, last 20 minutes ago" in client.get("/scans").text
    french = client.get("/scans", headers={"Accept-Language": "fr"}).text
    assert "au fur et à mesure, le dernier il y a 20 minutes" in french
