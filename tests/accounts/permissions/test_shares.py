"""Links to single recordings: what they show to whoever holds one, and when they end."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from starlette.testclient import TestClient

from otolith.accounts.models import Membership, User
from otolith.accounts.shares.models import Share
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.db import now
from tests.callers import Callers
from tests.library.conftest import write_tone

Made = dict[str, Any]


@pytest.fixture
def tone(tmp_path: Path) -> bytes:
    return write_tone(tmp_path / "tone.wav").read_bytes()


@pytest.fixture
def track(callers: Callers, tone: bytes) -> str:
    answer = callers.browsers["editor"].post("/api/media", files={"file": ("Salt.wav", tone)})
    return str(answer.json()["items"][0]["track_id"])


@pytest.fixture
def made(callers: Callers, track: str) -> Made:
    answer = callers.browsers["editor"].post(f"/api/tracks/{track}/shares", json={"note": "for Ada"})
    assert answer.status_code == 201
    found: Made = answer.json()
    return found


def test_whoever_holds_the_link_sees_and_hears_the_one_recording(client: TestClient, made: Made, tone: bytes) -> None:
    assert client.get(f"/api{made['url']}").json()["title"] == "Salt"
    assert client.get(f"/api{made['url']}/stream").content == tone
    part = client.get(f"/api{made['url']}/stream", headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, tone[4:8])
    # Nothing else is opened by it.
    for path in ("/api/tracks", f"/api/tracks/{made['track_id']}", "/api/whoami", "/api/shares"):
        assert client.get(path, headers={"X-API-Token": made["url"].rsplit("/", 1)[-1]}).status_code == 401


def test_the_page_of_a_link_needs_no_account_and_is_kept_by_nobody(client: TestClient, made: Made) -> None:
    page = client.get(made["url"], headers={"Accept": "text/html", "Accept-Language": "fr"})
    assert page.status_code == 200
    assert "Quelqu’un a partagé cet enregistrement avec vous." in page.text
    assert f'src="/api{made["url"]}/stream"' in page.text
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "strict-origin"
    assert "noindex" in page.headers["x-robots-tag"]


def test_only_the_hash_of_a_link_is_stored(callers: Callers, context: Context, made: Made) -> None:
    secret = made["url"].rsplit("/", 1)[-1]
    with context.database.read(SYSTEM) as session:
        row = session.execute(select(Share.__table__)).one()
    assert secret not in str(row)
    listed = callers.browsers["viewer"].get("/api/shares").json()["items"]
    assert [(item["note"], item["title"], item["username"]) for item in listed] == [("for Ada", "Salt", "the editor")]
    assert secret not in str(listed)


def test_a_wrong_link_shows_nothing(client: TestClient, made: Made) -> None:
    for address in ("/api/shared/x", f"/api{made['url']}x", f"/api/shared/{made['id']}/stream", "/shared/x"):
        assert client.get(address).status_code == 404


def _expire(context: Context, callers: Callers, made: Made) -> None:
    with context.database.write(SYSTEM) as session:
        session.execute(update(Share).values(expires_at=now() - dt.timedelta(seconds=1)))


def _end(context: Context, callers: Callers, made: Made) -> None:
    assert callers.browsers["owner"].delete(f"/api/shares/{made['id']}").json()["revoked_at"]


def _leave(context: Context, callers: Callers, made: Made) -> None:
    with context.database.write(SYSTEM) as session:
        editor = select(User.id).where(User.name == "the editor").scalar_subquery()
        session.execute(delete(Membership).where(Membership.user_id == editor))


def _deactivate(context: Context, callers: Callers, made: Made) -> None:
    with context.database.write(SYSTEM) as session:
        session.execute(update(User).where(User.name == "the editor").values(active=False))


def _delete(context: Context, callers: Callers, made: Made) -> None:
    media = callers.browsers["editor"].get(f"/api/tracks/{made['track_id']}").json()["media_id"]
    assert callers.browsers["editor"].delete(f"/api/media/{media}").status_code == 204


@pytest.mark.parametrize("end", [_expire, _end, _leave, _deactivate, _delete])
def test_a_link_ends(
    client: TestClient,
    callers: Callers,
    context: Context,
    made: Made,
    end: Callable[[Context, Callers, Made], None],
) -> None:
    assert client.get(f"/api{made['url']}").status_code == 200
    end(context, callers, made)
    for address in (f"/api{made['url']}", f"/api{made['url']}/stream", made["url"]):
        answer = client.get(address)
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:otolith:problem:link-not-found")


def test_only_who_may_change_a_workspace_shares_from_it(callers: Callers, made: Made) -> None:
    address = f"/api/tracks/{made['track_id']}/shares"
    asked = {
        kind: callers.browsers[kind].post(address, json={}).status_code for kind in ("viewer", "readonly", "stranger")
    }
    assert asked == {"viewer": 403, "readonly": 403, "stranger": 404}
    ended = {kind: callers.browsers[kind].delete(f"/api/shares/{made['id']}").status_code for kind in asked}
    assert ended == asked


def test_links_are_listed_by_recording_and_in_pages(callers: Callers, track: str, made: Made) -> None:
    editor = callers.browsers["editor"]
    editor.post(f"/api/tracks/{track}/shares", json={"note": "another"})
    first = editor.get("/api/shares", params={"track": track, "limit": 1}).json()
    second = editor.get("/api/shares", params={"track": track, "limit": 1, "cursor": first["next"]}).json()
    assert [page["items"][0]["note"] for page in (first, second)] == ["another", "for Ada"]
    assert second["next"] is None
    assert editor.get("/api/shares", params={"track": made["id"]}).json()["items"] == []
    assert editor.get("/api/shares", params={"cursor": "WzFd"}).status_code == 400
