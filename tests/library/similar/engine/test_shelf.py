"""The matrix in memory: it ranks as the exact cosines do, and is the same however it came about."""

from dataclasses import replace
from uuid import UUID

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from otolith.core.ids import new_id
from otolith.library.similar.engine.picking import Caps, best, centres, chance, pool
from otolith.library.similar.engine.shelf import Sounding, empty_shelf, joined

RANDOM = np.random.default_rng(4)


def soundings(count: int, dimensions: int = 128) -> list[Sounding]:
    vectors = RANDOM.standard_normal((count, dimensions))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return [Sounding(new_id(), f"artist {n % 5}", None, vectors[n]) for n in range(count)]


def test_scores_are_the_cosines_to_within_thousandths() -> None:
    made = soundings(3000)
    shelf = empty_shelf(128).merged(made)
    true = np.stack([one.vector for one in sorted(made, key=lambda one: one.id.bytes) if one.vector is not None])
    for query in true[:3]:
        assert np.abs(shelf.scores(query)[:, 0] - true @ query).max() < 0.004
    assert np.array_equal(shelf.scores(true[:1]), joined([shelf, empty_shelf(128)]).scores(true[:1]))


def test_scores_do_not_hang_on_the_order_in_which_they_are_summed() -> None:
    made = soundings(50)
    shelf = empty_shelf(128).merged(made)
    query = made[0].vector
    assert query is not None
    order = RANDOM.permutation(128)
    mixed = replace(shelf, vectors=shelf.vectors[:, order])
    assert np.array_equal(shelf.scores(query), mixed.scores(query[order]))


@given(st.lists(st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=6), max_size=8))
def test_any_sequence_of_changes_ends_in_what_is_there(chunks: list[list[tuple[int, bool]]]) -> None:
    there: dict[UUID, Sounding] = {}
    shelf = empty_shelf(8)
    for number, chunk in enumerate(chunks):
        changes = []
        for place, stays in chunk:
            one = UUID(int=place << 100 | 255)
            vector = np.full(8, 1.0 + number) if stays else None
            changes.append(Sounding(one, "a", None, vector))
            there[one] = changes[-1]
        shelf = shelf.merged(changes)
    left = sorted(one.bytes for one, sounding in there.items() if sounding.vector is not None)
    assert [shelf.id_at(place).bytes for place in range(len(shelf))] == left
    for place in range(len(shelf)):
        sounding = there[shelf.id_at(place)]
        assert sounding.vector is not None
        assert np.allclose(shelf.vectors[place] * shelf.scales[place], sounding.vector, rtol=0.01)


def test_ids_that_end_in_zeros_are_found() -> None:
    ids = [UUID(int=n << 64) for n in range(1, 6)] + [UUID(int=0)]
    shelf = empty_shelf(8).merged([Sounding(one, "", None, np.ones(8)) for one in ids])
    assert {shelf.id_at(int(place)) for place in shelf.places(ids)} == set(ids)
    assert len(shelf.places([UUID(int=77)])) == 0


def test_vectors_of_another_length_are_left_out() -> None:
    shelf = empty_shelf(8).merged([Sounding(new_id(), "", None, np.ones(8)), Sounding(new_id(), "", None, np.ones(9))])
    assert len(shelf) == 1


def test_the_pool_is_filled_up_with_what_the_caps_held_back() -> None:
    made = [Sounding(new_id(), "one artist", None, np.eye(8)[0]) for _ in range(30)]
    shelf = empty_shelf(8).merged(made)
    scores = shelf.scores(np.eye(8)[0])[:, 0]
    assert len(pool(shelf, scores, 10, Caps(3, 2))) == 10
    assert len(best(np.full(5, -np.inf, np.float32), 3)) == 0
    assert len(best(np.zeros(3, np.float32), 9)) == 3


def test_centres_stand_for_groups_and_are_always_the_same() -> None:
    groups = np.repeat(np.eye(128, dtype=np.float32)[:3], 20, axis=0)
    vectors = groups + 0.02 * RANDOM.standard_normal(groups.shape).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = centres(vectors)
    assert found.shape == (4, 128)
    assert ((found @ vectors.T).max(axis=0) > 0.9).all()
    assert np.array_equal(found, centres(vectors))


def test_chance_is_even_and_streams_are_unrelated() -> None:
    ids = np.array([new_id().bytes for _ in range(4000)], "S16")
    one, other = chance(ids, 0), chance(ids, 1)
    assert abs(float(one.mean()) - 0.5) < 0.03
    assert abs(float(np.corrcoef(one, other)[0, 1])) < 0.06
    assert np.array_equal(one, chance(ids, 0))
