"""ETags of the library: 304 for whoever has the answer already, and never for anybody else's."""

from uuid import UUID

import pytest
from sqlalchemy import update

from otolith.accounts.models import Membership
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.db import now
from otolith.library import service
from otolith.library.catalogue.models import Catalogue
from otolith.library.catalogue.versions import next_version
from otolith.library.listens.models import Listening
from otolith.library.models import Track
from otolith.media.events import MediaSentAgain
from tests.callers import Callers
from tests.library.test_tracks import add_tracks, statements


def change(context: Context, workspace: UUID, track_id: UUID, title: str) -> None:
    with context.database.write(SYSTEM) as session:
        version = next_version(session, workspace)
        session.execute(update(Track).where(Track.id == track_id).values(title=title, version=version))


@pytest.fixture
def track(callers: Callers, context: Context) -> UUID:
    return add_tracks(context, callers.home, [("Ann", "One")])[0]


@pytest.mark.parametrize("path", ["/api/tracks", "/api/tracks?sort=title&limit=1", "/api/tracks/{id}"])
def test_what_has_not_changed_is_not_sent_again(callers: Callers, context: Context, track: UUID, path: str) -> None:
    path = path.replace("{id}", str(track))
    viewer = callers["viewer"]
    first = viewer.get(path)
    assert first.headers["ETag"].startswith('W/"')
    again = viewer.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    change(context, callers.home, track, "Two")
    changed = viewer.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
    assert "Two" in changed.text
    assert changed.headers["ETag"] != first.headers["ETag"]


def test_an_etag_of_before_a_backup_was_restored_is_none_of_what_came_since(
    callers: Callers, context: Context, track: UUID
) -> None:
    viewer = callers["viewer"]

    def catalogue() -> Catalogue:
        with context.database.read(SYSTEM) as session:
            return session.get_one(Catalogue, callers.home)

    change(context, callers.home, track, "Saved")
    saved = catalogue()
    change(context, callers.home, track, "Lost")
    lost = viewer.get("/api/tracks").headers["ETag"]
    last = catalogue().version
    with context.database.write(SYSTEM) as session:
        values = {"version": saved.version, "mark": saved.mark}
        session.execute(update(Catalogue).where(Catalogue.workspace_id == callers.home).values(values))
    change(context, callers.home, track, "Found")
    assert catalogue().version == last
    answer = viewer.get("/api/tracks", headers={"If-None-Match": lost})
    assert answer.status_code == 200
    assert "Found" in answer.text


def test_several_etags_and_the_strong_form_are_understood(callers: Callers, track: UUID) -> None:
    viewer = callers["viewer"]
    etag = viewer.get("/api/tracks").headers["ETag"]
    for sent in (f'"other", {etag}', etag.removeprefix("W/"), "*"):
        assert viewer.get("/api/tracks", headers={"If-None-Match": sent}).status_code == 304
    assert viewer.get("/api/tracks", headers={"If-None-Match": '"other", nonsense'}).status_code == 200


def test_no_two_callers_and_no_two_addresses_share_an_etag(callers: Callers, track: UUID) -> None:
    everybody = ("viewer", "editor", "owner", "admin", "readonly", "stranger")
    etags = [callers[kind].get("/api/tracks").headers["ETag"] for kind in everybody]
    etags += [callers["viewer"].get(f"/api/tracks?limit={limit}").headers["ETag"] for limit in (1, 2)]
    assert len(set(etags)) == len(etags)
    stranger = callers["stranger"].get("/api/tracks", headers={"If-None-Match": etags[0]})
    assert (stranger.status_code, stranger.json()["items"]) == (200, [])
    for kind in ("anonymous", "revoked-token"):
        assert callers[kind].get("/api/tracks", headers={"If-None-Match": etags[0]}).status_code == 401


def test_caches_are_told_whose_answer_it_is(callers: Callers, track: UUID) -> None:
    first = callers["viewer"].get("/api/tracks")
    again = callers["viewer"].get("/api/tracks", headers={"If-None-Match": first.headers["ETag"]})
    for answer in (first, again):
        varies = {name.strip() for name in answer.headers["Vary"].split(",")}
        assert {"Cookie", "Authorization", "X-API-Token"} <= varies
        assert answer.headers["Cache-Control"] == "private, no-cache"


def test_who_lost_sight_of_a_library_gets_no_304(callers: Callers, context: Context, track: UUID) -> None:
    etag = callers["viewer"].get("/api/tracks").headers["ETag"]
    viewer = callers.actors["viewer"].user_id
    with context.database.write(SYSTEM) as session:
        membership = session.get_one(Membership, (callers.home, viewer))
        session.delete(membership)
    answer = callers["viewer"].get("/api/tracks", headers={"If-None-Match": etag})
    assert (answer.status_code, answer.json()["items"]) == (200, [])


def test_a_track_that_one_may_not_see_is_not_there_whatever_one_has(callers: Callers, track: UUID) -> None:
    etag = callers["viewer"].get(f"/api/tracks/{track}").headers["ETag"]
    assert callers["stranger"].get(f"/api/tracks/{track}", headers={"If-None-Match": etag}).status_code == 404


def test_an_unchanged_answer_costs_hardly_anything(callers: Callers, context: Context, track: UUID) -> None:
    browser = callers.browsers["viewer"]
    etag = browser.get("/api/tracks").headers["ETag"]
    server: Context = browser.app.state.context  # type: ignore[attr-defined]
    with statements(server) as sent:
        assert browser.get("/api/tracks", headers={"If-None-Match": etag}).status_code == 304
    assert not any("FROM tracks" in statement for statement in sent)


def test_what_oneself_played_and_rated_makes_searches_new_and_nobody_elses(
    callers: Callers, context: Context, track: UUID
) -> None:
    def etag(kind: str, path: str = "/api/search") -> str:
        return str(callers[kind].get(path).headers["ETag"])

    before, others = etag("viewer"), etag("editor")
    same = callers["viewer"].get("/api/search", headers={"If-None-Match": before})
    assert same.status_code == 304
    row = {"user_id": callers.actors["viewer"].user_id, "track_id": track, "workspace_id": callers.home}
    with context.database.write(SYSTEM) as session:
        session.add(Listening(**row, plays=1, played_at=now()))
    played = etag("viewer")
    with context.database.write(SYSTEM) as session:
        session.get_one(Listening, (row["user_id"], track)).rating = 3
    assert len({before, played, etag("viewer")}) == 3
    assert etag("editor") == others


def test_what_is_tried_again_is_told_anew(callers: Callers, context: Context, track: UUID) -> None:
    with context.database.write(SYSTEM) as session:
        found = session.get_one(Track, track)
        found.state, media_id = "failed", found.media_id
        next_version(session, callers.home)
    etag = callers["viewer"].get("/api/tracks").headers["ETag"]
    with context.database.write(SYSTEM) as session:
        service.on_media_sent_again(context, session, MediaSentAgain(media_id, callers.home, None))
    answer = callers["viewer"].get("/api/tracks", headers={"If-None-Match": etag})
    assert answer.json()["items"][0]["state"] == "waiting"
