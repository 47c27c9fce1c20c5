"""Tracks and scans over HTTP: who sees what, in pages, in a constant number of statements."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, text

from otolith.composition import HANDLERS
from otolith.core.actor import SYSTEM, Actor
from otolith.core.context import Context
from otolith.core.ids import new_id
from otolith.core.paging import Page
from otolith.jobs.contracts import Handlers
from otolith.jobs.service import LANES
from otolith.jobs.slot import Slot
from otolith.library import service as library
from otolith.library.folding import fold
from otolith.library.models import Track
from otolith.library.schemas import TrackItem
from otolith.media import service as media
from otolith.media.service import FileFacts
from tests.callers import KINDS, REFUSED, Callers
from tests.library.conftest import write_tone


def add_tracks(context: Context, workspace: UUID, names: list[tuple[str, str]]) -> list[UUID]:
    """Tracks of (artist, title) whose files were never read."""
    ids = []
    with context.database.write(SYSTEM) as session:
        for artist, title in names:
            path = f"/music/{new_id()}.mp3".encode()
            row = media.register_file(session, workspace, FileFacts(path, 1, 1))
            track = Track(
                id=new_id(),
                workspace_id=workspace,
                media_id=row.id,
                artist=artist,
                title=title,
                artist_key=fold(artist),
                title_key=fold(title),
            )
            session.add(track)
            ids.append(track.id)
    return ids


@contextmanager
def statements(context: Context) -> Iterator[list[str]]:
    """What is sent to the database meanwhile."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(context.database.engine, "before_cursor_execute", note)
    yield sent
    event.remove(context.database.engine, "before_cursor_execute", note)


@pytest.fixture
def work(context: Context) -> Iterator[Callable[[], None]]:
    """Run all jobs that are due."""
    slot = Slot(context, Handlers(HANDLERS), "test")

    def run() -> None:
        slot.work(LANES)

    yield run
    slot.close()


def plan_of(context: Context, listing: Callable[[], object]) -> str:
    """How the database goes about the tracks of a list."""
    caught: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        if "LIMIT" in statement and "tracks" in statement:
            caught.append((statement, parameters))

    event.listen(context.database.engine, "before_cursor_execute", note)
    listing()
    event.remove(context.database.engine, "before_cursor_execute", note)
    ((statement, parameters),) = caught
    explain = "EXPLAIN QUERY PLAN " if context.database.is_sqlite else "EXPLAIN "
    with context.database.write(SYSTEM) as session:
        if not context.database.is_sqlite:
            # Of so few rows it would read all.
            session.execute(text("SET LOCAL enable_seqscan = off"))
        rows = session.connection().exec_driver_sql(explain + statement, parameters)
        return "\n".join(str(row[-1]) for row in rows)


class TestList:
    @pytest.mark.parametrize(("sort", "index"), [("title", "title_key_id"), ("artist", "artist_key_title_key_id")])
    def test_tracks_of_several_workspaces_are_read_in_the_order_of_an_index(
        self, sort: Any, index: str, callers: Callers, context: Context, owner: Actor
    ) -> None:
        for workspace in (callers.home, callers.elsewhere):
            add_tracks(context, workspace, [(f"A{n % 7}", f"T{n % 5}") for n in range(20)])
        memberships = {callers.home: "viewer", callers.elsewhere: "viewer"}
        both = Actor(kind="user", user_id=owner.user_id, memberships=memberships)  # type: ignore[arg-type]

        def listed(cursor: str | None = None) -> Page[TrackItem]:
            with context.database.read(both) as session:
                return library.list_tracks(session, both, sort=sort, limit=7, cursor=cursor)

        plan = plan_of(context, listed)
        assert plan.count(f"ix_tracks_workspace_id_{index}") == 2, plan
        seen, cursor = [], None
        while True:
            page = listed(cursor)
            seen += [(item.artist, item.title, str(item.id)) for item in page.items]
            cursor = page.next
            if cursor is None:
                break
        by = {"title": lambda one: one[1:], "artist": lambda one: one}[sort]
        assert seen == sorted(seen, key=by)
        assert page.total == len(seen) == 40

    def test_pages_reach_every_track_once_in_each_order(self, callers: Callers, context: Context) -> None:
        names = [(artist, title) for artist in ("Émile", "bob", "Ann") for title in ("z", "Ä", "m", "z")]
        add_tracks(context, callers.home, names)
        for sort in ("added", "title", "artist"):
            seen, cursor = [], None
            while True:
                query = {"sort": sort, "limit": 5} | ({"cursor": cursor} if cursor else {})
                page = callers["viewer"].get("/api/tracks", params=query).json()
                assert page["total"] == 12
                seen += page["items"]
                cursor = page["next"]
                if cursor is None:
                    break
            assert len({item["id"] for item in seen}) == len(seen) == 12
            if sort == "artist":
                assert [item["artist"] for item in seen] == ["Ann"] * 4 + ["bob"] * 4 + ["Émile"] * 4
            if sort == "title":
                assert [item["title"] for item in seen] == ["Ä"] * 3 + ["m"] * 3 + ["z"] * 6
            if sort == "added":
                assert [item["id"] for item in seen] == sorted((item["id"] for item in seen), reverse=True)

    def test_a_cursor_of_another_list_is_refused(self, callers: Callers, context: Context) -> None:
        add_tracks(context, callers.home, [("a", "1"), ("b", "2")])
        cursor = callers["viewer"].get("/api/tracks", params={"sort": "title", "limit": 1}).json()["next"]
        for query in ({"sort": "artist", "cursor": cursor}, {"sort": "added", "cursor": cursor}, {"cursor": "%%%"}):
            assert callers["viewer"].get("/api/tracks", params=query).status_code == 400

    def test_a_page_costs_the_same_statements_however_long_it_is(self, callers: Callers, context: Context) -> None:
        add_tracks(context, callers.home, [(f"artist {n}", f"title {n}") for n in range(40)])
        app_context: Context = callers["viewer"].app.state.context  # type: ignore[attr-defined]
        sent = []
        for limit in (1, 40):
            with statements(app_context) as here:
                assert callers["viewer"].get("/api/tracks", params={"limit": limit}).status_code == 200
            sent.append(len([statement for statement in here if "tracks" in statement]))
        assert sent == [2, 2]


class TestWhoSees:
    def test_only_members_see_a_track(self, callers: Callers, context: Context) -> None:
        (track,) = add_tracks(context, callers.home, [("Ann", "Song")])
        for kind in KINDS:
            listed = callers[kind].get("/api/tracks")
            one = callers[kind].get(f"/api/tracks/{track}")
            beats = callers[kind].get(f"/api/tracks/{track}/beats")
            if kind in REFUSED:
                assert [response.status_code for response in (listed, one, beats)] == [401] * 3
            elif kind == "stranger":
                assert listed.json()["items"] == []
                assert listed.json()["total"] == 0
                assert [response.status_code for response in (one, beats)] == [404, 404]
            else:
                assert [item["id"] for item in listed.json()["items"]] == [str(track)]
                assert [response.status_code for response in (one, beats)] == [200, 200]

    def test_the_row_policies_hide_what_a_forgotten_filter_would_show(self, callers: Callers, context: Context) -> None:
        add_tracks(context, callers.home, [("Ann", "Song")])
        if context.database.is_sqlite:
            pytest.skip("SQLite has no row policies.")
        with context.database.read(callers.actors["stranger"]) as session:
            assert session.query(Track).count() == 0
        with context.database.read(callers.actors["viewer"]) as session:
            assert session.query(Track).count() == 1


class TestScan:
    def test_a_scan_is_asked_for_followed_and_read(
        self, callers: Callers, tmp_path: Path, work: Callable[[], None]
    ) -> None:
        write_tone(tmp_path / "music" / "a.wav")
        (tmp_path / "music" / "b.mp3").write_text("no sound")
        started = callers["admin"].post("/api/scans", json={"path": str(tmp_path / "music")})
        assert started.status_code == 202, started.text
        address = f"/api/scans/{started.json()['scan_id']}"
        assert callers["viewer"].get(address).json()["state"] == "running"
        work()
        report = callers["viewer"].get(address).json()
        assert (report["state"], report["added"], len(report["failed"])) == ("done", 1, 1)
        (item,) = callers["viewer"].get("/api/tracks").json()["items"]
        detail = callers["viewer"].get(f"/api/tracks/{item['id']}").json()
        assert detail["file"]["codec"] == "pcm_s16le"
        assert detail["engines"]["music"] >= 1
        assert len(detail["file"]["sha256"]) == 64
        assert callers["stranger"].get(address).status_code == 404

    @pytest.mark.parametrize(
        ("kind", "status"), [("viewer", 403), ("editor", 403), ("readonly", 403), ("stranger", 403)]
    )
    def test_others_may_not(self, kind: str, status: int, callers: Callers, tmp_path: Path) -> None:
        answer = callers[kind].post("/api/scans", json={"path": str(tmp_path), "workspace": str(callers.home)})
        assert answer.status_code == status
        assert answer.json()["detail"]


class TestUpload:
    def test_an_upload_becomes_a_track_with_its_tags(
        self, callers: Callers, tmp_path: Path, work: Callable[[], None]
    ) -> None:
        sound = write_tone(tmp_path / "tone.wav", seconds=3).read_bytes()
        answer = callers["editor"].post(
            "/api/media", content=sound, headers={"X-Filename": "My%20Tone.wav", "Content-Type": "audio/wav"}
        )
        assert answer.status_code == 201, answer.text
        item = answer.json()["items"][0]
        track = callers["viewer"].get(f"/api/tracks/{item['track_id']}").json()
        assert (track["title"], track["state"]) == ("My Tone", "waiting")
        work()
        track = callers["viewer"].get(f"/api/tracks/{item['track_id']}").json()
        assert track["state"] == "analysed"
        assert track["features"]["duration"] == pytest.approx(3, abs=0.01)
        assert track["fingerprint"]

    def test_the_same_upload_again_is_the_same_track(
        self, callers: Callers, tmp_path: Path, work: Callable[[], None]
    ) -> None:
        sound = write_tone(tmp_path / "tone.wav").read_bytes()
        headers = {"X-Filename": "tone.wav", "Content-Type": "audio/wav"}
        first = callers["editor"].post("/api/media", content=sound, headers=headers).json()["items"][0]
        work()
        again = callers["editor"].post("/api/media", content=sound, headers=headers).json()["items"][0]
        assert again["outcome"] == "known"
        assert again["track_id"] == first["track_id"]
        assert again["job_id"] is None
