"""True peak: the search that looks only where a maximum can be finds what looking everywhere finds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from otolith.library.engine.true_peak import TruePeak, interpolator
from tests.signals import music, tone


def everywhere(sound: NDArray[np.float32], phases: int) -> float:
    """The highest point with every sample and every interpolated point looked at, in double precision."""
    highest = float(np.abs(sound).max())
    for channel in sound.astype(np.float64):
        for step in range(1, phases):
            highest = max(highest, float(np.abs(np.convolve(channel, interpolator(step / phases)[::-1])).max()))
    return highest


def searched(sound: NDArray[np.float32], rate: int, size: int) -> float:
    search = TruePeak(rate, len(sound))
    for start in range(0, sound.shape[1], size):
        search.push(sound[:, start : start + size])
    search.drain()
    return search.true_peak


@pytest.mark.parametrize(("rate", "phases"), [(8000, 4), (44100, 4), (95999, 4), (96000, 2), (191999, 2), (192000, 1)])
@pytest.mark.parametrize("size", [1, 15, 128, 1000, 5000])
def test_noise(rate: int, phases: int, size: int) -> None:
    sound = np.random.default_rng(rate + size).standard_normal((2, 5000)).astype(np.float32)
    assert searched(sound, rate, size) == pytest.approx(everywhere(sound, phases), rel=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_music(seed: int) -> None:
    sound = np.clip(3 * music(3, 44100, seed), -1, 1).astype(np.float32)
    assert searched(sound, 44100, 4410) == pytest.approx(everywhere(sound, 4), rel=1e-5)


@given(
    values=st.lists(st.floats(-1, 1, width=32, allow_subnormal=False), min_size=1, max_size=600),
    size=st.integers(1, 300),
)
@settings(max_examples=60, deadline=None)
def test_any_samples(values: list[float], size: int) -> None:
    sound = np.array([values], dtype=np.float32)
    assert searched(sound, 44100, size) == pytest.approx(everywhere(sound, 4), rel=1e-5)


@pytest.mark.parametrize("hertz", [50, 997, 5000, 10_000, 15_000, 18_000])
def test_the_crest_of_a_sine(hertz: float) -> None:
    sound = tone(1, 44100, hertz, 0.0, phase=33.0)
    sound[:, :2000] *= np.linspace(0, 1, 2000, dtype=np.float32)
    sound[:, -2000:] *= np.linspace(1, 0, 2000, dtype=np.float32)
    assert 20 * np.log10(searched(sound, 44100, 44100)) == pytest.approx(0, abs=0.1)


def test_the_taps_keep_a_constant_as_it_is() -> None:
    assert interpolator(0.25).sum() == pytest.approx(1)
    assert interpolator(0.25)[::-1] == pytest.approx(interpolator(0.75))
