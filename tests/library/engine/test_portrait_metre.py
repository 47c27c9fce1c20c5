"""The pattern of a bar: known grooves, whatever their tempo, their octave of it, and wherever the counting begins."""

from typing import TypedDict

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from otolith.library.engine.onsets import FRAME_RATE, GROUPS
from otolith.library.engine.portrait_metre import SIZE, describe

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


def told(groove: Groove, *, tempo: float = 110.0, meter: int = 4, first: int = 0, beat: float = 1.0) -> Array:
    """The description of forty-eight beats, counted from the beat `first`, `beat` of them at a time."""
    period = 60 / tempo
    table = np.zeros((round(49 * period * FRAME_RATE), GROUPS))
    for group, places in groove.items():
        for bar in range(48 // meter):
            for place in places:
                table[round((bar * meter + place) * period * FRAME_RATE), group] = 1.0
    return describe(gaussian_filter1d(table, 1.5, axis=0), np.arange(first, 48, beat) * period)


def alike(one: Array, other: Array) -> float:
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


@pytest.mark.parametrize("change", [{"tempo": 131.0}, {"first": 1}, {"beat": 2.0}, {"beat": 0.5}])
def test_tempo_and_counting_do_not_matter(change: Counting) -> None:
    assert alike(told(ROCK), told(ROCK, **change)) > 0.95


def test_what_is_struck_together_is_not_what_answers() -> None:
    assert alike(told(ROCK), told(TOGETHER)) < 0.9


def test_three_beats_are_not_four() -> None:
    assert alike(told(ROCK), told(WALTZ, meter=3)) < 0.9


def test_without_beats_nothing_is_said() -> None:
    assert not describe(np.ones((500, GROUPS)), np.zeros(0)).any()


def test_silence_and_a_few_beats_answer_plainly() -> None:
    few = describe(np.zeros((300, GROUPS)), np.arange(7, dtype=np.float64) * 0.5)
    assert few.shape == (SIZE,)
    assert np.isfinite(few).all()
