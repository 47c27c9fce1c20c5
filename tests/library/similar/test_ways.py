"""Ways between two tracks: smooth, forward, and through nothing that the caller may not see."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from otolith.core.context import Context
from otolith.core.ids import new_id
from otolith.library.engine.embedding import DIMENSIONS
from otolith.library.similar.engine.way import between, smoothest
from tests.callers import REFUSED, Callers
from tests.library.similar.sounds import Made, add, unit


def ask(caller: Any, **query: Any) -> Any:
    return caller.get("/api/path", params={name.rstrip("_"): str(value) for name, value in query.items()})


def test_it_leads_along_what_lies_between(callers: Callers, context: Context) -> None:
    angles = np.linspace(0, np.pi / 2, 11)
    tracks = [Made(f"{n}", [np.cos(a), np.sin(a)], f"artist {n}") for n, a in enumerate(angles)]
    noise = [Made(f"noise {n}", [0.1, 0.1, *np.eye(20)[n]], f"noise {n}") for n in range(20)]
    ids = add(context, callers.home, *tracks, *noise)
    answer = ask(callers["viewer"], from_=ids[0], to=ids[10], steps=5).json()
    assert [item["track"]["title"] for item in answer["items"]] == ["0", "2", "4", "6", "8", "10"]
    assert answer["items"][0]["similarity"] is None
    assert answer["roughest"] == pytest.approx(np.cos(np.pi / 10), abs=0.002)
    whole = ask(callers["viewer"], from_=ids[0], to=ids[10], steps=10).json()
    assert [item["track"]["title"] for item in whole["items"]] == [str(n) for n in range(11)]


def test_it_is_shorter_where_too_little_lies_between(callers: Callers, context: Context) -> None:
    ids = add(context, callers.home, Made("a", [1]), Made("b", [1, 1]), Made("c", [0, 1]))
    answer = ask(callers["viewer"], from_=ids[0], to=ids[2], steps=30).json()
    assert [item["track"]["title"] for item in answer["items"]] == ["a", "b", "c"]


def test_it_goes_round_missing_files_and_strangers(callers: Callers, context: Context) -> None:
    ids = add(context, callers.home, Made("a", [1]), Made("gone", [1, 1], missing=True), Made("c", [0, 1]))
    add(context, callers.elsewhere, Made("theirs", [1, 1]))
    answer = ask(callers["viewer"], from_=ids[0], to=ids[2]).json()
    assert [item["track"]["title"] for item in answer["items"]] == ["a", "c"]
    assert ask(callers["stranger"], from_=ids[0], to=ids[2]).status_code == 404
    for kind in REFUSED:
        assert ask(callers[kind], from_=ids[0], to=ids[2]).status_code == 401


def test_bad_questions(callers: Callers, context: Context) -> None:
    a, mute = add(context, callers.home, Made("a", [1]), Made("mute", None))
    assert ask(callers["viewer"], from_=a, to=a).status_code == 400
    assert ask(callers["viewer"], from_=a, to=new_id()).status_code == 404
    assert ask(callers["viewer"], from_=a, to=mute).status_code == 409
    assert ask(callers["viewer"], from_=a, to=mute, steps=51).status_code == 422


def test_no_step_is_rougher_than_the_straight_jump_and_none_leads_back() -> None:
    random = np.random.default_rng(5)
    vectors = random.standard_normal((80, DIMENSIONS)).astype(np.float32)
    vectors[1:-1] = vectors[1:-1] * 0.6 + vectors[0] * random.random((78, 1)) + vectors[-1] * random.random((78, 1))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    extra = np.zeros((80, 80), np.float32)
    way = smoothest(vectors, extra, 6)
    assert (way[0], way[-1], len(set(way))) == (0, 79, 7)
    straight = 1 - vectors[0] @ vectors[-1]
    assert max(1 - vectors[one] @ vectors[other] for one, other in pairwise(way)) < straight
    near = vectors[way] @ vectors[-1] - vectors[way] @ vectors[0]
    assert list(near) == sorted(near)
    # What is forbidden dearly enough is not walked.
    extra[way[0], way[1]] = 9
    assert smoothest(vectors, extra, 6)[1] != way[1]


def test_points_between_opposites_and_equals_are_no_nan() -> None:
    one = unit([1])
    for other in (one, -one, unit([0, 1])):
        assert np.isfinite(between(one, other, 5)).all()
