"""Sketches: which recordings are worth comparing, however they were encoded and wherever they begin."""

import numpy as np
from numpy.typing import NDArray

from otolith.identify.engine.sketch import HEARD, Sketches, candidates, gather, sketch_of

Codes = NDArray[np.uint32]
STEP = 1365 / 11025


def music(seed: int, length: int = 1600) -> Codes:
    """Codes as music has them: each differs from the one before in a few bits."""
    random = np.random.default_rng(seed)
    changes = np.uint32(1) << random.integers(0, 32, (length, 4), dtype=np.uint32)
    return np.bitwise_xor.accumulate(np.bitwise_xor.reduce(changes, axis=1))


def noisy(codes: Codes, share: float, seed: int = 0) -> Codes:
    """The codes with a share of their bits the other way, as another encoding has them."""
    random = np.random.default_rng(seed)
    flipped = random.random((len(codes), 32)) < share
    noise: Codes = (flipped * (np.uint64(1) << np.arange(32, dtype=np.uint64))).sum(axis=1).astype(np.uint32)
    return codes ^ noise


def sketches(*recordings: Codes) -> Sketches:
    return gather([sketch_of(codes) for codes in recordings], [len(codes) * STEP for codes in recordings])


def test_another_encoding_that_begins_later_is_found_with_its_shift() -> None:
    recordings = [music(seed) for seed in range(30)]
    others = [noisy(codes[24:], 0.04, seed) for seed, codes in enumerate(recordings)]
    found = candidates(sketches(*recordings), sketches(*others), within=15)
    assert {(one.first, one.second) for one in found} >= {(number, number) for number in range(30)}
    for one in found:
        if one.first == one.second:
            assert abs(one.shift - 24) <= 8


def test_strangers_hardly_ever_look_alike() -> None:
    found = candidates(
        sketches(*(music(seed) for seed in range(200))), sketches(*(music(seed) for seed in range(200, 400))), within=15
    )
    assert len(found) < 20


def test_recordings_of_other_lengths_are_not_compared() -> None:
    whole = music(1)
    assert candidates(sketches(whole), sketches(whole[:1200]), within=15) == []
    assert len(candidates(sketches(whole), sketches(whole[:1500]), within=15)) == 1


def test_a_sketch_is_small_and_the_same_for_what_is_heard_later() -> None:
    long = music(2, 20_000)
    assert len(sketch_of(long)) < 6 * HEARD / 6
    assert sketch_of(long) == sketch_of(long[:HEARD])
    assert len(sketch_of(music(3, 300))) == 6 * 96


def test_what_has_no_variety_has_no_sketch() -> None:
    assert sketch_of(np.full(1000, 7, np.uint32)) == b""
    assert sketch_of(np.empty(0, np.uint32)) == b""
    empty = sketches(np.full(1000, 7, np.uint32))
    assert candidates(empty, sketches(music(1)), within=15) == []


def test_codes_that_everybody_has_do_not_make_everybody_alike() -> None:
    common = music(9, 200)
    recordings = [np.concatenate([common, music(seed)]) for seed in range(100, 180)]
    assert len(candidates(sketches(*recordings), sketches(*recordings), within=15)) < 80 + 20
