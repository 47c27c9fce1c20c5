"""The matrix in memory: it ranks as the exact cosines do, and is the same however it came about."""

from dataclasses import replace
from uuid import UUID

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from otolith.core.ids import new_id
from otolith.library.engine.embedding import PALETTE
from otolith.library.similar.engine.likeness import alike, likeness
from otolith.library.similar.engine.picking import Caps, best, centres, chance, pool
from otolith.library.similar.engine.shelf import Sounding, empty_shelf, joined

RANDOM = np.random.default_rng(4)


def soundings(count: int, dimensions: int = 128) -> list[Sounding]:
    vectors = RANDOM.standard_normal((count, dimensions))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return [Sounding(new_id(), f"artist {n % 5}", None, vectors[n]) for n in range(count)]


def cubic_mean(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """The likeness of two embeddings, as its documentation has it."""
    cosines = [
        float(one[part] @ other[part] / np.linalg.norm(one[part]) / np.linalg.norm(other[part]))
        for part in (slice(None, PALETTE), slice(PALETTE, None))
    ]
    return float(np.cbrt(0.63 * cosines[0] ** 3 + 0.37 * cosines[1] ** 3))


def test_scores_are_the_cosines_to_within_thousandths() -> None:
    made = soundings(3000)
    shelf = empty_shelf(128).merged(made)
    true = np.stack([one.vector for one in sorted(made, key=lambda one: one.id.bytes) if one.vector is not None])
    for query in true[:3]:
        assert np.abs(shelf.scores(query)[:, 0] - true @ query).max() < 0.004
    assert np.array_equal(shelf.scores(true[:1]), joined([shelf, empty_shelf(128)]).scores(true[:1]))


def test_a_shelf_of_two_parts_ranks_by_both_halves_apart() -> None:
    made = soundings(3000)
    shelf = empty_shelf(128, 2).merged(made)
    true = [one.vector for one in sorted(made, key=lambda one: one.id.bytes) if one.vector is not None]
    for query in true[:3]:
        naive = np.array([cubic_mean(query, other) for other in true])
        found = shelf.scores(query)[:, 0]
        # Where both halves are at right angles a cube root is steep: there the cubes agree.
        assert np.abs(found**3 - naive**3).max() < 0.004
        assert np.abs(found - naive)[np.abs(naive) > 0.3].max() < 0.02
        assert best(found, 1) == best(naive, 1)
        assert np.allclose(alike(np.stack(true), query[np.newaxis])[:, 0] ** 3, naive**3, atol=1e-6)
    assert np.array_equal(shelf.scores(true[0]), joined([shelf, empty_shelf(128, 2)]).scores(true[0]))


def test_likeness_is_that_of_the_halves_where_they_agree_and_that_of_the_nearer_where_not() -> None:
    cosines = np.linspace(-1, 1, 9, dtype=np.float32)
    assert np.allclose(likeness(cosines, cosines), cosines, atol=1e-6)
    near, middling, far = (np.full(1, cosine, np.float32) for cosine in (0.9, 0.5, 0.1))
    assert likeness(near, far)[0] > likeness(middling, middling)[0]
    assert np.all(np.diff(likeness(cosines, np.zeros(9, np.float32))) > 0)
    assert np.all(np.diff(likeness(np.full(9, 0.5, np.float32), cosines)) > 0)


def test_a_half_that_is_empty_is_like_nothing() -> None:
    half = np.concatenate([np.eye(64)[0], np.zeros(64)])
    shelf = empty_shelf(128, 2).merged([Sounding(new_id(), "", None, half)])
    assert shelf.scores(half)[0, 0] == np.float32(alike(half[np.newaxis], half[np.newaxis])[0, 0])
    assert np.isfinite(shelf.scores(np.zeros(128))).all()


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
        assert np.allclose(shelf.vectors_at(np.array([place])), sounding.vector / np.linalg.norm(sounding.vector))


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
