"""Plays and ratings are each person's own, counted once, and kept for everybody who may see a track."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest

from otolith.core.context import Context
from otolith.core.ids import new_id
from tests.callers import KINDS, REFUSED, Callers
from tests.library.test_tracks import add_tracks, statements

LATE, EARLY = "2024-05-01T10:00:00+00:00", "2024-04-01T12:00:00+02:00"


@pytest.fixture
def tracks(context: Context, callers: Callers) -> list[str]:
    return [str(one) for one in add_tracks(context, callers.home, [("Ada", f"title {n}") for n in range(5)])]


def test_plays_are_counted_and_the_latest_moment_stays(callers: Callers, tracks: list[str]) -> None:
    viewer = callers["viewer"]
    address = f"/api/tracks/{tracks[0]}/plays"
    assert viewer.get(f"/api/tracks/{tracks[0]}/listening").json() == {
        "track_id": tracks[0],
        "plays": 0,
        "rating": None,
        "played_at": None,
        "rated_at": None,
    }
    played = viewer.post(address, json={"played_at": LATE})
    assert played.status_code == 201
    assert (played.json()["plays"], played.json()["played_at"]) == (1, "2024-05-01T10:00:00Z")
    # A player that does not know whether its message arrived sends it again.
    assert viewer.post(address, json={"played_at": LATE}).json()["plays"] == 1
    earlier = viewer.post(address, json={"played_at": EARLY}).json()
    assert (earlier["plays"], earlier["played_at"]) == (2, "2024-05-01T10:00:00Z")
    now = viewer.post(address).json()
    assert now["plays"] == 3
    assert now["played_at"] > "2024-05-02"
    assert callers["editor"].get(f"/api/tracks/{tracks[0]}/listening").json()["plays"] == 0


def test_plays_at_the_same_time_are_all_counted(callers: Callers, tracks: list[str]) -> None:
    moments = [f"2024-05-01T10:00:{second:02}+00:00" for second in range(12)]
    with ThreadPoolExecutor(4) as pool:
        list(
            pool.map(
                lambda at: callers["viewer"].post(f"/api/tracks/{tracks[0]}/plays", json={"played_at": at}), moments
            )
        )
    found = callers["viewer"].get(f"/api/tracks/{tracks[0]}/listening").json()
    assert (found["plays"], found["played_at"]) == (12, "2024-05-01T10:00:11Z")


def test_a_rating_is_ones_own_and_can_be_taken_back(callers: Callers, tracks: list[str]) -> None:
    address = f"/api/tracks/{tracks[0]}/rating"
    for kind, stars in (("viewer", 2), ("editor", 5)):
        assert callers[kind].put(address, json={"rating": stars}).json()["rating"] == stars
    assert callers["viewer"].get(f"/api/tracks/{tracks[0]}/listening").json()["rating"] == 2
    callers["viewer"].post(f"/api/tracks/{tracks[0]}/plays")
    back = callers["viewer"].put(address, json={"rating": None}).json()
    assert (back["rating"], back["rated_at"], back["plays"]) == (None, None, 1)
    assert callers["editor"].get(f"/api/tracks/{tracks[0]}/listening").json()["rating"] == 5


@pytest.mark.parametrize("body", [{"rating": 0}, {"rating": 6}, {"rating": 2.5}, {"rating": "x"}, {}, {"stars": 3}])
def test_other_ratings_are_refused(callers: Callers, tracks: list[str], body: dict[str, object]) -> None:
    assert callers["viewer"].put(f"/api/tracks/{tracks[0]}/rating", json=body).status_code == 422


def test_moments_that_cannot_be_are_refused(callers: Callers, tracks: list[str]) -> None:
    tomorrow = (dt.datetime.now(dt.UTC) + dt.timedelta(days=1)).isoformat()
    refused = callers["viewer"].post(f"/api/tracks/{tracks[0]}/plays", json={"played_at": tomorrow})
    assert refused.status_code == 422
    assert "future" in refused.json()["detail"]
    for moment in ("2024-05-01T10:00:00", "yesterday"):
        answer = callers["viewer"].post(f"/api/tracks/{tracks[0]}/plays", json={"played_at": moment})
        assert answer.status_code == 422
    assert callers["viewer"].get(f"/api/tracks/{tracks[0]}/listening").json()["plays"] == 0


def test_who_may_listen(callers: Callers, tracks: list[str]) -> None:
    for kind in KINDS:
        caller = callers[kind]
        wrote = [
            caller.post(f"/api/tracks/{tracks[0]}/plays").status_code,
            caller.put(f"/api/tracks/{tracks[0]}/rating", json={"rating": 3}).status_code,
        ]
        read = caller.get(f"/api/tracks/{tracks[0]}/listening").status_code
        if kind in REFUSED:
            assert {*wrote, read, caller.get("/api/listens").status_code} == {401}
        elif kind == "stranger":
            assert {*wrote, read} == {404}
            assert caller.get("/api/listens").json()["items"] == []
        elif kind == "readonly":
            assert (wrote, read) == ([403, 403], 200)
        else:
            assert (wrote, read) == ([201, 200], 200)
        assert caller.put(f"/api/tracks/{new_id()}/rating", json={"rating": 3}).status_code == (
            401 if kind in REFUSED else 404
        )


def test_the_lists_are_ones_own_sorted_and_paged(callers: Callers, tracks: list[str]) -> None:
    viewer = callers["viewer"]
    for number, track in enumerate(tracks):
        for play in range(number):
            viewer.post(f"/api/tracks/{track}/plays", json={"played_at": f"2024-05-0{9 - number}T10:0{play}:00Z"})
        callers["editor"].put(f"/api/tracks/{track}/rating", json={"rating": 1})
    for track, stars in ((tracks[0], 4), (tracks[3], 5), (tracks[4], 4)):
        viewer.put(f"/api/tracks/{track}/rating", json={"rating": stars})

    def listed(sort: str) -> list[str]:
        seen: list[str] = []
        cursor = None
        while True:
            query: dict[str, str] = {"sort": sort, "limit": "2"} | ({"cursor": cursor} if cursor else {})
            page = viewer.get("/api/listens", params=query).json()
            seen += [item["track_id"] for item in page["items"]]
            cursor = page["next"]
            if cursor is None:
                assert page["total"] == len(seen)
                return seen

    assert listed("played") == tracks[1:]
    assert listed("plays") == tracks[:0:-1]
    assert listed("rating")[0] == tracks[3]
    assert set(listed("rating")) == {tracks[0], tracks[3], tracks[4]}
    first = viewer.get("/api/listens", params={"sort": "plays", "limit": 1}).json()
    assert (first["items"][0]["title"], first["items"][0]["artist"]) == ("title 4", "Ada")
    for bad in ({"sort": "played", "cursor": first["next"]}, {"cursor": "%%"}, {"sort": "rating", "cursor": "bm8"}):
        assert viewer.get("/api/listens", params=bad).status_code == 400

    counts = []
    for limit in (1, 5):
        with statements(viewer.app.state.context) as sent:  # type: ignore[attr-defined]
            viewer.get("/api/listens", params={"sort": "plays", "limit": limit})
        counts.append(len([one for one in sent if "listenings" in one]))
    assert counts == [2, 2]
