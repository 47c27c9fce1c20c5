"""Removing missing tracks for good: who may, what goes, and what is said before."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.db import now
from otolith.library.catalogue.models import Departure
from otolith.library.catalogue.versions import next_version, version_of
from otolith.library.health import purging
from otolith.library.listens.models import Listening
from otolith.library.models import Track
from otolith.media.models import Media
from tests.callers import Callers
from tests.library.health.shelves import add_track, add_tracks
from tests.library.test_tracks import statements

GONE: dict[str, Any] = {"file": {"missing": True}}


def listen(context: Context, callers: Callers, who: str, track: UUID, plays: int, rating: int | None = None) -> None:
    with context.database.write(SYSTEM) as session:
        session.add(
            Listening(
                user_id=callers.actors[who].user_id,
                track_id=track,
                workspace_id=callers.home,
                plays=plays,
                rating=rating,
                played_at=now(),
            )
        )


def purge(client: TestClient, **body: Any) -> dict[str, Any]:
    answer = client.post("/api/library/missing/purge", json=body)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def tracks(context: Context) -> set[UUID]:
    with context.database.read(SYSTEM) as session:
        return set(session.scalars(select(Track.id)))


def test_what_goes_is_told_before_and_after(callers: Callers, context: Context) -> None:
    kept = add_track(context, callers.home)
    gone, other = add_tracks(context, callers.home, [GONE, GONE])
    away = add_track(context, callers.elsewhere, **GONE)
    listen(context, callers, "viewer", gone, 3, rating=5)
    listen(context, callers, "owner", gone, 2)
    listen(context, callers, "owner", other, 1)
    listen(context, callers, "owner", kept, 50, rating=1)
    told = {"tracks": 2, "plays": 6, "ratings": 1, "people": 2}
    assert purge(callers["editor"], dry_run=True) == told | {"removed": False, "remaining": 2}
    assert tracks(context) == {kept, gone, other, away}
    with context.database.read(SYSTEM) as session:
        before = version_of(session, callers.home)
    assert purge(callers["editor"], expected=2) == told | {"removed": True, "remaining": 0}
    assert tracks(context) == {kept, away}
    with context.database.read(SYSTEM) as session:
        departed = session.scalars(select(Departure).where(Departure.workspace_id == callers.home)).all()
        assert {one.track_id for one in departed} == {gone, other}
        assert all(one.version > before for one in departed)
        assert len(session.scalars(select(Media.id)).all()) == 2
        assert [one.track_id for one in session.scalars(select(Listening))] == [kept]
    assert purge(callers["editor"])["tracks"] == 0


def test_another_number_than_the_one_told_removes_nothing(callers: Callers, context: Context) -> None:
    both = set(add_tracks(context, callers.home, [GONE, GONE]))
    answer = callers["editor"].post("/api/library/missing/purge", json={"expected": 1})
    assert answer.status_code == 409
    assert answer.json()["detail"] == "2 tracks are missing by now, and not 1; look again before you remove any."
    assert tracks(context) == both


def test_only_editors_may(callers: Callers, context: Context) -> None:
    gone = add_track(context, callers.home, **GONE)
    for dry_run in (True, False):
        for kind, status in {"viewer": 403, "readonly": 403, "stranger": 403, "anonymous": 401}.items():
            body = {"dry_run": dry_run, "workspace": str(callers.home)}
            assert callers[kind].post("/api/library/missing/purge", json=body).status_code == status
    assert callers["editor"].post("/api/library/missing/purge", json={"expected": -1}).status_code == 422
    assert tracks(context) == {gone}


def test_many_go_in_several_calls(callers: Callers, context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purging, "AT_ONCE", 2)
    add_tracks(context, callers.home, [GONE] * 5)
    left: list[int] = []
    while not left or left[-1]:
        left.append(purge(callers["owner"], expected=left[-1] if left else 5)["remaining"])
    assert left == [3, 1, 0]


def test_many_cost_as_many_statements_as_few(callers: Callers, context: Context) -> None:
    browser = callers.browsers["owner"]
    server: Context = browser.app.state.context  # type: ignore[attr-defined]
    sent = []
    for number in (2, 60):
        add_tracks(context, callers.home, [dict(GONE, file=dict(GONE["file"])) for _ in range(number)])
        with statements(server) as statement:
            assert purge(browser)["tracks"] == number
        sent.append(len(statement))
    assert sent[1] <= sent[0] + 2


def test_a_file_that_comes_back_before_is_not_removed(callers: Callers, context: Context) -> None:
    gone, back = add_tracks(context, callers.home, [GONE, dict(GONE, file={"missing": True})])
    assert purge(callers["owner"], dry_run=True)["tracks"] == 2
    with context.database.write(SYSTEM) as session:
        next_version(session, callers.home)
        track = session.get_one(Track, back)
        session.get_one(Media, track.media_id).missing = False
    assert callers["owner"].post("/api/library/missing/purge", json={"expected": 2}).status_code == 409
    assert purge(callers["owner"], expected=1)["tracks"] == 1
    assert tracks(context) == {back}
    assert gone not in tracks(context)
