"""Radio: it goes on until everything was played, repeats nothing, and stays near its seeds at first."""

from itertools import pairwise
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from otolith.core import paging
from otolith.core.context import Context
from otolith.library.engine.embedding import DIMENSIONS
from otolith.library.similar.engine.tuning import chained
from tests.callers import REFUSED, Callers
from tests.library.similar.sounds import Made, add


def library(context: Context, workspace: UUID, count: int) -> list[UUID]:
    random = np.random.default_rng(3)
    sounds = random.standard_normal((count, DIMENSIONS)).astype(np.float32)
    return add(context, workspace, *(Made(f"t{n}", sounds[n], f"artist {n % 7}") for n in range(count)))


def listen(caller: Any, query: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """All pages of a radio."""
    pages, cursor = [], None
    while True:
        answer = caller.get("/api/radio", params=query | ({"cursor": cursor} if cursor else {}))
        assert answer.status_code == 200, answer.text
        pages.append(answer.json()["items"])
        cursor = answer.json()["next"]
        if cursor is None:
            return pages


def test_it_plays_everything_once_and_never_the_seed(callers: Callers, context: Context) -> None:
    ids = library(context, callers.home, 60)
    pages = listen(callers["viewer"], {"track": str(ids[0]), "limit": 7})
    played = [item["track"]["id"] for page in pages for item in page]
    assert len(pages) == 9
    assert sorted(played) == sorted(map(str, ids[1:]))


def test_nobody_plays_twice_in_a_row_where_that_can_be_helped(callers: Callers, context: Context) -> None:
    ids = library(context, callers.home, 60)
    for page in listen(callers["viewer"], {"track": str(ids[0]), "limit": 10}):
        artists = [item["track"]["artist"] for item in page]
        if max(map(artists.count, artists)) <= (len(artists) + 1) // 2:
            assert all(one != other for one, other in pairwise(artists))


@pytest.mark.parametrize(
    ("artists", "together"), [("aaab", 1), ("aabb", 0), ("aaabb", 0), ("abcccc", 1), ("aaaaaaa", 6), ("    ", 0)]
)
def test_artists_are_kept_apart_as_far_as_they_can_be(artists: str, together: int) -> None:
    vectors = np.eye(8, dtype=np.float32)[: len(artists)]
    names = [name.strip() for name in artists]
    order = chained(vectors, names, None)
    assert sorted(order) == list(range(len(artists)))
    assert sum(bool(names[one]) and names[one] == names[other] for one, other in pairwise(order)) == together


def test_what_comes_first_is_nearer_than_what_comes_last(callers: Callers, context: Context) -> None:
    seed, *_ = add(context, callers.home, *(Made(f"{n}", [1, 0.05 * n], f"artist {n}") for n in range(60)))
    pages = listen(callers["viewer"], {"track": str(seed), "limit": 20})
    means = [np.mean([item["similarity"] for item in page]) for page in pages]
    assert means == sorted(means, reverse=True)


def test_two_radios_of_one_seed_differ_and_one_cursor_always_says_the_same(callers: Callers, context: Context) -> None:
    ids = library(context, callers.home, 80)
    query = {"track": str(ids[0]), "limit": "10"}
    first, second = (callers["viewer"].get("/api/radio", params=query).json() for _ in range(2))
    assert first["items"] != second["items"]
    again = [
        callers["viewer"].get("/api/radio", params=query | {"cursor": first["next"]}).json()["items"] for _ in range(2)
    ]
    assert again[0] == again[1]


def test_tracks_that_come_while_it_plays_change_nothing_of_what_was_played(callers: Callers, context: Context) -> None:
    ids = library(context, callers.home, 40)
    query = {"track": str(ids[0]), "limit": "8"}
    played, cursor = [], None
    for page in range(3):
        answer = callers["viewer"].get("/api/radio", params=query | ({"cursor": cursor} if cursor else {})).json()
        played += [item["track"]["id"] for item in answer["items"]]
        cursor = answer["next"]
        # Each by another artist: one whose number of tracks doubles may come twice.
        add(context, callers.home, Made("new", [1, 1, 1], f"somebody new {page}"))
    assert len(set(played)) == len(played) == 24


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        paging.encode(1, 2),
        paging.encode("a", 0.1, 0.1, str(UUID(int=1)), str(UUID(int=1))),
        paging.encode(1, 0.1, 0.1, "no id", str(UUID(int=1))),
        paging.encode(1, 0.0, 0.1, str(UUID(int=1)), str(UUID(int=1))),
        paging.encode(-1, 0.1, float("nan"), str(UUID(int=1)), str(UUID(int=1))),
    ],
)
def test_a_made_up_cursor_is_refused(cursor: str, callers: Callers, context: Context) -> None:
    ids = library(context, callers.home, 3)
    assert callers["viewer"].get("/api/radio", params={"track": str(ids[0]), "cursor": cursor}).status_code == 400


def test_only_what_the_caller_sees_is_played(callers: Callers, context: Context) -> None:
    mine = library(context, callers.home, 5)
    theirs = library(context, callers.elsewhere, 5)
    for kind in REFUSED:
        assert callers[kind].get("/api/radio", params={"track": str(mine[0])}).status_code == 401
    assert callers["stranger"].get("/api/radio", params={"track": str(mine[0])}).status_code == 404
    (page,) = listen(callers["stranger"], {"track": str(theirs[0])})
    assert {item["track"]["id"] for item in page} == set(map(str, theirs[1:]))
