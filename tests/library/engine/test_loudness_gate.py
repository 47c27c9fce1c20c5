"""The gates and windows by themselves, on energies whose answers are known."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otolith.library.engine.loudness_gate import Gate


def level(lufs: float) -> float:
    return math.pow(10, (lufs + 0.691) / 10)


def judged(energies: list[float], tenth: float, sizes: list[int]) -> tuple[float | None, ...]:
    gate, start = Gate(tenth), 0
    for size in sizes:
        gate.push(np.array(energies[start : start + size]))
        start += size
    gate.push(np.array(energies[start:]))
    return gate.integrated(), gate.range(), gate.momentary_max(), gate.short_term_max()


@pytest.mark.parametrize("tenth", [10.0, 10.0227, 9.87])
def test_a_constant_is_itself_on_every_scale(tenth: float) -> None:
    values = judged([level(-20)] * 1000, tenth, [])
    assert values == pytest.approx((-20, 0, -20, -20), abs=1e-9)


def test_blocks_of_400_milliseconds_step_by_100() -> None:
    integrated, loudness_range, momentary, short_term = judged([level(-20)] * 39, 10.0, [])
    assert (integrated, loudness_range, momentary, short_term) == (None, None, None, None)
    integrated, loudness_range, momentary, short_term = judged([level(-20)] * 40, 10.0, [])
    assert integrated == pytest.approx(-20)
    assert momentary == pytest.approx(-20)
    assert loudness_range is None
    assert short_term is None


def test_what_lies_ten_units_under_the_mean_does_not_count() -> None:
    loud, quiet = [level(-20)] * 6000, [level(-35)] * 6000
    integrated = judged(loud + quiet, 10.0, [])[0]
    # The three blocks that straddle the edge count; without the gate this would be -22.9.
    assert integrated == pytest.approx(-20, abs=0.02)


@given(sizes=st.lists(st.integers(0, 120), max_size=15), tenth=st.sampled_from([10.0, 10.0227, 10.4, 9.6]))
@settings(max_examples=50, deadline=None)
def test_the_sizes_of_the_pushes_change_nothing(sizes: list[int], tenth: float) -> None:
    energies = np.random.default_rng(0).uniform(0.0, 1.0, 1500).tolist()
    assert judged(energies, tenth, sizes) == pytest.approx(judged(energies, tenth, []), rel=1e-9)
