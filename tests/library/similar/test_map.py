"""The map: what sounds alike lies together, new tracks move nothing, and a part of it can be looked at."""

import datetime as dt
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import delete, func, select, update

from otolith.composition import HANDLERS
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.db import now
from otolith.core.ids import new_id
from otolith.jobs.contracts import Handlers
from otolith.jobs.models import Job
from otolith.jobs.service import JobCancelled, submit
from otolith.jobs.slot import Slot
from otolith.library.engine.embedding import DIMENSIONS
from otolith.library.models import Track
from otolith.library.similar import drawing
from otolith.library.similar.engine import layout
from otolith.library.similar.engine.atlas import Box, empty_atlas
from otolith.library.similar.engine.layout import draw
from otolith.library.similar.engine.shelf import Shelf, Sounding, empty_shelf
from otolith.library.similar.events import MAP, MapPayload
from otolith.library.similar.models import Place
from tests.callers import KINDS, REFUSED, Callers
from tests.library.similar.sounds import Made, add, change
from tests.library.test_tracks import statements


def clusters(count: int, kinds: int = 6, seed: int = 1) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Vectors about some middles, and which middle each belongs to."""
    random = np.random.default_rng(seed)
    kind = random.integers(0, kinds, count)
    middles = np.random.default_rng(0).standard_normal((kinds, DIMENSIONS))
    vectors = middles[kind] + 1.2 * random.standard_normal((count, DIMENSIONS))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), kind


def shelf_of(vectors: NDArray[np.float32]) -> Shelf:
    ids = sorted(new_id() for _ in vectors)
    return empty_shelf(DIMENSIONS).merged(
        [Sounding(one, "", None, vector) for one, vector in zip(ids, vectors, strict=True)]
    )


def together(places: NDArray[np.float32], kind: NDArray[np.intp]) -> float:
    """The share of the ten nearest on the map that are of a track's own kind."""
    far = ((places[:, None] - places[None]) ** 2).sum(axis=2)
    np.fill_diagonal(far, np.inf)
    near = np.argsort(far, axis=1)[:, :10]
    return float((kind[near] == kind[:, None]).mean())


def nothing(shelf: Shelf) -> NDArray[np.float32]:
    return np.full((len(shelf), 2), np.nan, np.float32)


class TestLayout:
    def test_what_sounds_alike_lies_together(self) -> None:
        vectors, kind = clusters(400)
        shelf = shelf_of(vectors)
        told: list[float] = []
        places = draw(shelf, nothing(shelf), told.append)
        assert together(places, kind) > 0.95
        assert np.abs(places).max() <= 1
        assert places.std(axis=0).min() > 0.2
        assert told == sorted(told)
        assert np.array_equal(places, draw(shelf, nothing(shelf), told.append))

    def test_new_tracks_find_their_kind_and_move_nothing(self) -> None:
        vectors, kind = clusters(400)
        shelf = shelf_of(vectors)
        places = draw(shelf, nothing(shelf), lambda _: None)
        known = places.copy()
        new = np.arange(400) % 10 == 0
        known[new] = np.nan
        again = draw(shelf, known, lambda _: None)
        assert np.linalg.norm(again - places, axis=1)[~new].max() < 0.02
        assert together(again, kind) > 0.95

    def test_beyond_the_landmarks_the_rest_lies_among_them(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(layout, "LANDMARKS", 150)
        vectors, kind = clusters(1500)
        shelf = shelf_of(vectors)
        places = draw(shelf, nothing(shelf), lambda _: None)
        assert together(places, kind) > 0.95
        more, _ = clusters(60, seed=2)
        grown = shelf.merged([Sounding(new_id(), "", None, vector) for vector in more])
        known = nothing(grown)
        known[grown.places(shelf.id_at(row) for row in range(1500))] = places
        again = draw(grown, known, lambda _: None)
        there = ~np.isnan(known[:, 0])
        assert np.median(np.linalg.norm(again - known, axis=1)[there]) < 0.01
        assert not np.isnan(again).any()

    @pytest.mark.parametrize("count", [0, 1, 2, 3, 15])
    def test_few_tracks_and_equal_ones_have_places(self, count: int) -> None:
        shelf = shelf_of(np.tile(clusters(1)[0], (count, 1)))
        places = draw(shelf, nothing(shelf), lambda _: None)
        assert places.shape == (count, 2)
        assert np.isfinite(places).all()

    def test_it_ends_when_it_is_told_to(self) -> None:
        def cancelled(_share: float) -> None:
            raise JobCancelled

        shelf = shelf_of(clusters(50)[0])
        with pytest.raises(JobCancelled):
            draw(shelf, nothing(shelf), cancelled)


class TestAtlas:
    def test_few_stand_for_many_evenly_and_all_are_counted(self) -> None:
        random = np.random.default_rng(1)
        points = (random.random((5000, 2)) ** 3 * 2 - 1).astype(np.float32)
        ids = np.array([new_id().bytes for _ in range(5000)], "S16")
        atlas = empty_atlas().merged(ids, points)
        far = atlas.chosen(Box(), 100)
        assert far.total == far.stands_for.sum() == 5000
        assert 20 < len(far.places) <= 100
        box = Box(-1, -1, -0.5, -0.5)
        near = atlas.chosen(box, 100)
        shown = atlas.points[near.places]
        assert ((shown >= -1) & (shown <= -0.5)).all()
        # Who comes nearer still sees what stood for that part from afar, unless another of its field comes first.
        assert near.total == int(((points >= -1) & (points <= -0.5)).all(axis=1).sum())
        closest = atlas.chosen(Box(-1, -1, -0.999, -0.999), 2000)
        assert (closest.stands_for == 1).all()
        assert len(closest.places) == closest.total

    def test_a_track_that_moved_is_there_once(self) -> None:
        ids = np.array([new_id().bytes for _ in range(3)], "S16")
        atlas = empty_atlas().merged(ids, np.zeros((3, 2), np.float32)).merged(ids[:1], np.ones((1, 2), np.float32))
        assert len(atlas) == 3
        assert sorted(atlas.points[:, 0].tolist()) == [0, 0, 1]


@pytest.fixture
def slot(context: Context) -> Iterator[Slot]:
    slot = Slot(context, Handlers(HANDLERS), "test")
    yield slot
    slot.close()


def drawn(callers: Callers, slot: Slot, **query: Any) -> dict[str, Any]:
    """Have the map drawn, and the job's outcome."""
    answer = callers["editor"].post("/api/map", params=query)
    assert answer.status_code == 202, answer.text
    slot.work(["maintenance"])
    job: dict[str, Any] = callers["editor"].get(f"/api/jobs/{answer.json()['job_id']}").json()
    return job


def points_of(context: Context) -> dict[UUID, tuple[float, float]]:
    with context.database.read(SYSTEM) as session:
        return {place.track_id: (place.x, place.y) for place in session.scalars(select(Place))}


class TestMap:
    def test_it_is_drawn_looked_at_and_goes_on(self, callers: Callers, context: Context, slot: Slot) -> None:
        vectors, _ = clusters(60)
        empty = callers["viewer"].get("/api/map").json()
        assert (empty["items"], empty["drawn_at"]) == ([], None)
        ids = add(context, callers.home, *(Made(f"{n}", vectors[n]) for n in range(50)), Made("mute", None))
        job = drawn(callers, slot)
        assert (job["state"], job["result"]) == ("succeeded", {"placed": 50, "tracks": 50})
        whole = callers["viewer"].get("/api/map").json()
        assert {item["track"]["id"] for item in whole["items"]} == set(map(str, ids[:50]))
        assert (whole["total"], whole["mapped"], whole["workspace_id"]) == (50, 50, str(callers.home))
        few = callers["viewer"].get("/api/map", params={"limit": 9}).json()
        assert len(few["items"]) <= 9
        assert sum(item["stands_for"] for item in few["items"]) == few["total"] == 50
        left = callers["viewer"].get("/api/map", params={"right": 0}).json()
        assert {item["track"]["id"] for item in left["items"]} == {
            item["track"]["id"] for item in whole["items"] if item["x"] <= 0
        }
        before = points_of(context)
        add(context, callers.home, *(Made(f"{n}", vectors[n]) for n in range(50, 60)))
        drawn(callers, slot)
        after = points_of(context)
        assert len(after) == 60
        assert max(abs(after[one][axis] - before[one][axis]) for one in before for axis in (0, 1)) < 0.05
        assert callers["viewer"].get("/api/map").json()["total"] == 60
        assert drawn(callers, slot)["result"] == {"placed": 0, "tracks": 0}
        assert drawn(callers, slot, anew=True)["result"]["tracks"] == 60

    def test_what_is_gone_is_not_shown(self, callers: Callers, context: Context, slot: Slot) -> None:
        vectors, _ = clusters(6)
        ids = add(context, callers.home, *(Made(f"{n}", vectors[n]) for n in range(6)))
        drawn(callers, slot)
        assert callers["viewer"].get("/api/map").json()["total"] == 6
        with context.database.write(SYSTEM) as session:
            session.execute(delete(Track).where(Track.id == ids[0]))
        shown = {item["track"]["id"] for item in callers["viewer"].get("/api/map").json()["items"]}
        assert shown == set(map(str, ids[1:]))

    def test_by_the_clock_every_catalogue_that_changed_is_drawn_once(
        self, callers: Callers, context: Context, slot: Slot
    ) -> None:
        vectors, _ = clusters(6)
        first, *_ = add(context, callers.home, *(Made(f"{n}", vectors[n]) for n in range(3)))
        add(context, callers.elsewhere, *(Made(f"{n}", vectors[n]) for n in range(3, 6)))

        def by_the_clock() -> int:
            with context.database.write(SYSTEM) as session:
                submit(session, MAP, MapPayload())
            slot.work(["maintenance"])
            with context.database.read(SYSTEM) as session:
                asked = select(func.count()).where(Job.task == "library.map", Job.workspace_id.is_not(None))
                return session.scalar(asked) or 0

        assert by_the_clock() == 2
        assert len(points_of(context)) == 6
        assert by_the_clock() == 2
        change(context, callers.home, first, title="changed")
        assert by_the_clock() == 3

    def test_a_map_whose_job_died_is_drawn_on_the_next_day(
        self, callers: Callers, context: Context, slot: Slot, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        vectors, _ = clusters(3)
        add(context, callers.home, *(Made(f"{n}", vectors[n]) for n in range(3)))

        def by_the_clock() -> int:
            with context.database.write(SYSTEM) as session:
                submit(session, MAP, MapPayload())
            slot.work(["maintenance"])
            return len(points_of(context))

        monkeypatch.setattr(drawing, "draw", lambda *_: 1 / 0)
        assert by_the_clock() == 0
        with context.database.write(SYSTEM) as session:
            session.execute(update(Job).where(Job.workspace_id.is_not(None)).values(state="dead"))
        monkeypatch.setattr(drawing, "draw", draw)
        assert by_the_clock() == 0
        tomorrow = now() + dt.timedelta(days=1)
        monkeypatch.setattr(drawing, "now", lambda: tomorrow)
        assert by_the_clock() == 3

    def test_a_look_costs_the_same_statements_whatever_is_shown(
        self, callers: Callers, context: Context, slot: Slot
    ) -> None:
        vectors, _ = clusters(30)
        add(context, callers.home, *(Made(f"{n}", vectors[n]) for n in range(30)))
        drawn(callers, slot)
        callers["viewer"].get("/api/map")
        app_context: Context = callers["viewer"].app.state.context  # type: ignore[attr-defined]
        sent = []
        for limit in (1, 30):
            with statements(app_context) as here:
                callers["viewer"].get("/api/map", params={"limit": limit})
            sent.append(len([one for one in here if "map_places" in one or "tracks" in one or "catalogues" in one]))
        assert sent == [3, 3]

    @pytest.mark.parametrize(
        ("query", "status"),
        [
            ({"left": 1, "right": -1}, 400),
            ({"top": 0, "bottom": 0}, 400),
            ({"left": "nan"}, 422),
            ({"limit": 0}, 422),
            ({"limit": 2001}, 422),
            ({"workspace": str(new_id())}, 404),
        ],
    )
    def test_bad_questions(self, query: dict[str, Any], status: int, callers: Callers) -> None:
        assert callers["viewer"].get("/api/map", params=query).status_code == status

    @pytest.mark.parametrize("kind", KINDS)
    def test_who_sees_and_who_draws(self, kind: str, callers: Callers, context: Context, slot: Slot) -> None:
        vectors, _ = clusters(6)
        add(context, callers.home, *(Made(f"{n}", vectors[n]) for n in range(6)))
        drawn(callers, slot)
        looked = callers[kind].get("/api/map")
        asked = callers[kind].post("/api/map", params={"workspace": str(callers.home)})
        if kind in REFUSED:
            assert (looked.status_code, asked.status_code) == (401, 401)
        elif kind == "stranger":
            assert (looked.json()["items"], looked.json()["workspace_id"]) == ([], str(callers.elsewhere))
            assert asked.status_code == 404
            assert callers[kind].get("/api/map", params={"workspace": str(callers.home)}).status_code == 404
        else:
            assert looked.json()["total"] == 6
            assert asked.status_code == (202 if kind in ("editor", "owner", "admin") else 403)
