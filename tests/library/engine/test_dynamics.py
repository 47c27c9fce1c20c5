"""Silence, dynamics and the lean of the spectrum, on sounds of which they are known."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.library.engine.sounds import RATE, hear, tune

Samples = NDArray[np.float32]


def tone(hertz: float, seconds: float, level: float = 0.5) -> Samples:
    return (level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def noise(seconds: float, seed: int = 1) -> Samples:
    return (0.2 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))).astype(np.float32)


def still(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE), dtype=np.float32)


@pytest.mark.parametrize("level", [1.0, 0.01])
def test_silence_at_both_ends_is_measured_whatever_the_level(level: float) -> None:
    result = hear(np.concatenate([still(1.5), np.float32(level) * noise(6), still(3.2)]))
    assert result.silence_start == pytest.approx(1.5, abs=0.03)
    assert result.silence_end == pytest.approx(3.2, abs=0.03)


def test_dither_counts_as_silence_and_a_pause_in_the_middle_does_not() -> None:
    dither = (np.random.default_rng(2).choice([-1.0, 0.0, 1.0], 2 * RATE) / 65536).astype(np.float32)
    result = hear(np.concatenate([dither, noise(3), still(2), noise(3)]))
    assert result.silence_start == pytest.approx(2.0, abs=0.03)
    assert result.silence_end == pytest.approx(0.0, abs=0.03)


def test_nothing_but_silence_is_silent_from_both_ends() -> None:
    result = hear(still(4))
    assert result.silence_start == result.silence_end == pytest.approx(4, abs=0.03)


def test_strokes_stand_out_further_than_a_held_tone() -> None:
    strokes = still(12)
    for start in np.arange(0, 11.5, 0.5):
        stroke = noise(0.3) * np.exp(-np.arange(round(0.3 * RATE)) / (0.02 * RATE)).astype(np.float32)
        strokes[round(start * RATE) :][: stroke.size] += stroke
    held, struck = hear(tone(440, 12)).dynamics_db, hear(strokes).dynamics_db
    assert held is not None
    assert struck is not None
    assert held < 1
    assert struck > 9


def test_a_tone_is_as_bright_as_its_frequency_and_pure_and_noise_is_neither() -> None:
    low, high, hiss = hear(tone(500, 8)), hear(tone(3000, 8)), hear(noise(8))
    assert low.brightness == pytest.approx(500, rel=0.1)
    assert high.brightness == pytest.approx(3000, rel=0.1)
    assert hiss.timbre["noisiness"] > 0.9
    assert low.timbre["noisiness"] < 0.5
    assert high.timbre["bass_db"] < -20
    assert hiss.timbre["treble_db"] > -5


def test_onsets_are_counted() -> None:
    clicks = still(20)
    for start in np.arange(0.1, 19.9, 0.25):
        click = noise(0.05) * np.exp(-np.arange(round(0.05 * RATE)) / 150).astype(np.float32)
        clicks[round(start * RATE) :][: click.size] += click
    assert hear(clicks).onset_rate == pytest.approx(4, rel=0.1)
    held = hear(tone(330, 20)).onset_rate
    assert held is not None
    assert held < 0.5


def test_a_lively_piece_has_more_energy_than_a_calm_one() -> None:
    calm = hear(tune("flute", 1, tempo=50)).energy
    rng = np.random.default_rng(3)
    drums = still(20)
    for start in np.arange(0, 19.5, 0.125):
        hit = noise(0.1, int(rng.integers(99))) * np.exp(-np.arange(round(0.1 * RATE)) / 500).astype(np.float32)
        drums[round(start * RATE) :][: hit.size] += 3 * hit
    lively = hear(np.tanh(2 * (tune("saw", 1, tempo=160) + drums))).energy
    assert calm is not None
    assert lively is not None
    assert 0 <= calm < lively - 0.2
    assert lively <= 1
