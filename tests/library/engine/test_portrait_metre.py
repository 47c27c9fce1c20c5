"""The pattern of a bar: known grooves, whatever their tempo, their octave of it, and wherever the counting begins."""

from typing import TypedDict

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from otolith.library.engine.onsets import FRAME_RATE, GROUPS
from otolith.library.engine.portrait_metre import OVER_BEATS, SIZE, describe

Array = NDArray[np.float64]
Groove = dict[int, tuple[float, ...]]
ROCK: Groove = {0: (0, 2), 2: (1, 3), 4: (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5)}
TOGETHER: Groove = {0: (0, 2), 2: (0, 2), 4: (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5)}
WALTZ: Groove = {0: (0,), 2: (1, 2), 4: (0, 0.5, 1, 1.5, 2, 2.5)}


class Counting(TypedDict, total=False):
    """What may differ between two countings of a groove."""

    tempo: float
    first: int
    beat: float


def played(groove: Groove, tempo: float = 110.0, meter: int = 4) -> Array:
    """The onsets of forty-eight beats."""
    period = 60 / tempo
    table = np.zeros((round(49 * period * FRAME_RATE), GROUPS))
    for group, places in groove.items():
        for bar in range(48 // meter):
            for place in places:
                table[round((bar * meter + place) * period * FRAME_RATE), group] = 1.0
    return np.asarray(gaussian_filter1d(table, 1.5, axis=0))


def told(groove: Groove, *, tempo: float = 110.0, meter: int = 4, first: int = 0, beat: float = 1.0) -> Array:
    """What is told of them over beats, which are counted from the beat `first`, `beat` of them at a time."""
    return describe(played(groove, tempo, meter), np.arange(first, 48, beat) * 60 / tempo, 1.0)[:OVER_BEATS]


def told_in_seconds(groove: Groove, *, tempo: float = 110.0, meter: int = 4) -> Array:
    return describe(played(groove, tempo, meter), np.zeros(0), 0.0)[OVER_BEATS:]


def alike(one: Array, other: Array) -> float:
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


@pytest.mark.parametrize("change", [{"tempo": 131.0}, {"first": 1}, {"beat": 2.0}, {"beat": 0.5}])
def test_tempo_and_counting_do_not_matter(change: Counting) -> None:
    assert alike(told(ROCK), told(ROCK, **change)) > 0.95


def test_what_is_struck_together_is_not_what_answers() -> None:
    assert alike(told(ROCK), told(TOGETHER)) < 0.9


def test_three_beats_are_not_four() -> None:
    assert alike(told(ROCK), told(WALTZ, meter=3)) < 0.9


def test_what_is_told_over_seconds_needs_no_beat() -> None:
    rock = told_in_seconds(ROCK)
    assert alike(rock, told_in_seconds(ROCK, tempo=113.0)) > 0.9
    assert alike(rock, told_in_seconds(TOGETHER)) < 0.9
    assert alike(rock, told_in_seconds(WALTZ, meter=3)) < 0.9


def test_beats_count_as_far_as_they_are_sure() -> None:
    table, beats = played(ROCK), np.arange(48) * 60 / 110
    sure, half, unsure = (describe(table, beats, confidence) for confidence in (1.0, 0.5, 0.0))
    assert half == pytest.approx((sure + unsure) / 2)
    assert unsure == pytest.approx(describe(table, np.zeros(0), 1.0))
    assert unsure == pytest.approx(describe(table, beats * 1.5, 0.0))


def test_silence_and_a_few_beats_answer_plainly() -> None:
    for length in (1, 300):
        few = describe(np.zeros((length, GROUPS)), np.arange(7, dtype=np.float64) * 0.5, 0.5)
        assert few.shape == (SIZE,)
        assert np.isfinite(few).all()
