"""Scans and the folders of libraries over HTTP: who may do what, in pages, in a constant number of statements."""

import datetime as dt
import os
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import func, select

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.db import now
from otolith.jobs.models import Job
from otolith.library.models import Scan
from otolith.library.roots import service
from otolith.library.roots.models import Root
from otolith.library.roots.scans import scan_by_itself
from otolith.media.service import FileFacts, path_digest, register_files
from tests.callers import REFUSED, Callers
from tests.library.conftest import write_tone
from tests.library.test_tracks import statements


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_tone(tmp_path / "music" / "b" / "c.wav")
    return tmp_path / "music"


def add(callers: Callers, folder: Path, kind: str = "admin", **more: Any) -> dict[str, Any]:
    answer = callers[kind].post("/api/roots", json={"path": str(folder), **more})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


class TestRoots:
    def test_a_folder_joins_is_scanned_changed_and_leaves(self, callers: Callers, folder: Path) -> None:
        root = add(callers, folder, name="Mine", every=None)
        assert (root["path"], root["name"], root["watched"], root["every"]) == (str(folder), "Mine", True, None)
        scan = callers["viewer"].get(f"/api/scans/{root['scan']['scan_id']}").json()
        assert (scan["path"], scan["state"]) == ("Mine", "running")
        (item,) = callers["viewer"].get("/api/roots").json()["items"]
        assert item["id"] == root["id"]
        place = f"/api/roots/{root['id']}"
        changed = callers["editor"].patch(place, json={"watched": False, "every": 6}).json()
        assert (changed["watched"], changed["every"], changed["name"]) == (False, 6, "Mine")
        assert callers["editor"].patch(place, json={"every": None}).json()["every"] is None
        assert callers["editor"].delete(place).json() == {"marked_missing": 0}
        assert callers["editor"].get(place).status_code == 404

    def test_the_same_folder_joins_a_library_once(self, callers: Callers, folder: Path) -> None:
        add(callers, folder)
        again = callers["admin"].post("/api/roots", json={"path": f"{folder}/b/.."})
        assert again.status_code == 409
        assert "a part of this library already" in again.json()["detail"]

    @pytest.mark.parametrize(
        "body",
        [
            {"path": "music"},
            {"path": ""},
            {"path": "/a\0b"},
            {"path": "/m", "every": 0},
            {"path": "/m", "every": 1e9},
            {"path": "/m", "name": "x" * 300},
            {},
        ],
    )
    def test_what_makes_no_folder_is_refused_and_nothing_kept(
        self, body: dict[str, Any], callers: Callers, context: Context
    ) -> None:
        assert callers["admin"].post("/api/roots", json=body).status_code in {400, 422}
        with context.database.read(SYSTEM) as session:
            assert session.scalar(select(func.count()).select_from(Root)) == 0
            assert session.scalar(select(func.count()).select_from(Scan)) == 0

    def test_who_may(self, callers: Callers, folder: Path, context: Context) -> None:
        wish = {"path": str(folder)}
        for kind in REFUSED:
            assert callers[kind].post("/api/roots", json=wish).status_code == 401
            assert callers[kind].get("/api/roots").status_code == 401
        for kind in ("viewer", "readonly", "editor"):
            assert callers[kind].post("/api/roots", json=wish).status_code == 403
        context.settings.library.roots.append(folder)
        root = add(callers, folder)
        assert callers["stranger"].get("/api/roots").json()["items"] == []
        place = f"/api/roots/{root['id']}"
        assert callers["stranger"].get(place).status_code == 404
        assert callers["stranger"].patch(place, json={}).status_code == 404
        assert callers["stranger"].delete(place).status_code == 404
        assert callers["viewer"].patch(f"/api/roots/{root['id']}", json={}).status_code == 403
        assert callers["viewer"].delete(f"/api/roots/{root['id']}").status_code == 403

    def test_what_leaves_with_its_folder_stays_where_another_holds_it(
        self, callers: Callers, folder: Path, context: Context
    ) -> None:
        outer, inner = add(callers, folder, scan=False), add(callers, folder / "b", scan=False)
        with context.database.write(SYSTEM) as session:
            paths = [folder / "a.wav", folder / "b" / "c.wav"]
            facts = [FileFacts(os.fsencode(path), 1, 1) for path in paths]
            register_files(session, callers.home, facts)
        gone = callers["admin"].delete(f"/api/roots/{outer['id']}?mark_missing=true")
        assert gone.json() == {"marked_missing": 1}
        gone = callers["admin"].delete(f"/api/roots/{inner['id']}?mark_missing=true")
        assert gone.json() == {"marked_missing": 1}


class TestScans:
    def test_all_folders_are_scanned_again(self, callers: Callers, folder: Path) -> None:
        first, second = add(callers, folder, scan=False), add(callers, folder / "b", scan=False)
        started = callers["editor"].post("/api/scan").json()["items"]
        assert len({one["scan_id"] for one in started}) == 2
        # They run, so they are answered again.
        assert callers["editor"].post("/api/scan", json={"root": first["id"]}).json()["items"] == started[:1]
        assert callers["editor"].post("/api/scan", json={"workspace": str(callers.home)}).status_code == 202
        assert callers["viewer"].post("/api/scan").status_code == 403
        assert callers["stranger"].post("/api/scan").json() == {"items": []}
        assert callers["stranger"].post("/api/scan", json={"root": second["id"]}).status_code == 404

    def test_a_scan_is_steered_over_http(self, callers: Callers, folder: Path) -> None:
        scan_id = callers["admin"].post("/api/scans", json={"path": str(folder)}).json()["scan_id"]
        place = f"/api/scans/{scan_id}"
        assert callers["viewer"].post(f"{place}/pause").status_code == 403
        assert callers["stranger"].post(f"{place}/pause").status_code == 404
        assert callers["editor"].post(f"{place}/pause").json()["state"] == "paused"
        assert callers["viewer"].get(place).json()["paused"].startswith("It was paused")
        assert callers["editor"].post(f"{place}/resume").json()["state"] == "running"
        assert callers["editor"].post(f"{place}/cancel").json()["state"] == "cancelled"
        over = callers["editor"].post(f"{place}/resume")
        assert over.status_code == 409
        assert "is over" in over.json()["detail"]

    def test_the_list_is_paged_newest_first_in_as_many_statements_however_long(
        self, callers: Callers, context: Context, app: FastAPI
    ) -> None:
        def more(count: int) -> None:
            with context.database.write(SYSTEM) as session:
                session.add_all(Scan(workspace_id=callers.home, path=b"/m") for _ in range(count))

        more(2)
        # The first call also notes when the token was used.
        callers["viewer"].get("/api/scans")
        with statements(app.state.context) as few:
            callers["viewer"].get("/api/scans").json()
        more(40)
        with statements(app.state.context) as many:
            page = callers["viewer"].get("/api/scans").json()
        assert len(many) == len(few)
        assert page["total"] == 42
        seen = [one["scan_id"] for one in page["items"]]
        following = callers["viewer"].get("/api/scans", params={"limit": 20}).json()
        rest = callers["viewer"].get("/api/scans", params={"limit": 50, "cursor": following["next"]}).json()
        assert [one["scan_id"] for one in following["items"] + rest["items"]] == seen
        assert seen == sorted(seen, reverse=True)
        assert callers["viewer"].get("/api/scans", params={"cursor": "nonsense"}).status_code == 400
        assert callers["stranger"].get("/api/scans").json()["total"] == 0


class TestClock:
    @pytest.fixture
    def root(self, context: Context, callers: Callers) -> UUID:
        root = Root(workspace_id=callers.home, path=b"/m", path_digest=path_digest(b"/m"), every=6.0)
        with context.database.write(SYSTEM) as session:
            session.add(root)
        return root.id

    def due(self, context: Context) -> int:
        with context.database.read(SYSTEM) as session:
            return len(service.due_roots(session))

    def scanned(self, context: Context, callers: Callers, hours_ago: float) -> None:
        begun = now() - dt.timedelta(hours=hours_ago)
        with context.database.write(SYSTEM) as session:
            session.add(Scan(workspace_id=callers.home, path=b"/m", started_at=begun))

    @pytest.mark.usefixtures("root")
    def test_a_folder_is_due_when_its_time_has_passed(self, context: Context, callers: Callers) -> None:
        assert self.due(context) == 1
        self.scanned(context, callers, 7)
        assert self.due(context) == 1
        self.scanned(context, callers, 5)
        assert self.due(context) == 0

    @pytest.mark.usefixtures("root")
    def test_a_clock_that_was_set_back_puts_nothing_off(self, context: Context, callers: Callers) -> None:
        self.scanned(context, callers, -10_000)
        assert self.due(context) == 1

    def test_a_folder_without_a_time_is_never_due(self, context: Context, root: UUID) -> None:
        with context.database.write(SYSTEM) as session:
            session.get_one(Root, root).every = None
        assert self.due(context) == 0

    def test_a_round_begins_each_scan_once(self, context: Context, root: UUID) -> None:
        with context.database.write(SYSTEM) as session:
            found = session.get_one(Root, root)
            assert scan_by_itself(session, found) is not None
            assert scan_by_itself(session, found) is None
            # One that only waits for its files to be heard looks at none of them any more.
            session.execute(Job.__table__.update().values(state="waiting"))  # type: ignore[attr-defined]
            assert scan_by_itself(session, found) is not None
