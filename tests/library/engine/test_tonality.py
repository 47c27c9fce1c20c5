"""Key and mode: right in every key, whatever the level, the tuning and the cut of the stream; silent on noise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from otolith.core.audio import Source
from otolith.library.engine.camelot import PITCH_NAMES, camelot
from otolith.library.engine.music import Music, MusicResult

RATE = 22050
SOURCE = Source(rate=48000, layout=("FC",), duration=None)
Samples = NDArray[np.float32]
CADENCE = {
    "major": [(0, (0, 4, 7)), (5, (0, 4, 7)), (7, (0, 4, 7)), (0, (0, 4, 7))],
    "minor": [(0, (0, 3, 7)), (5, (0, 3, 7)), (7, (0, 4, 7)), (0, (0, 3, 7))],
}


def song(tonic: int, mode: str, *, seconds: float = 16.0, cents: float = 0.0) -> Samples:
    """The plainest cadence there is, over and over, on tones with six partials and a bass."""
    length = round(RATE * 1.0)
    time = np.arange(length) / RATE
    bars = []
    for root, shape in CADENCE[mode] * round(seconds / 4):
        bar = np.zeros(length)
        degree = (tonic + root) % 12
        for pitch in [36 + degree, *(60 + (degree + step) % 12 for step in shape)]:
            hertz = 440 * 2 ** ((pitch - 69 + cents / 100) / 12)
            bar += sum(np.sin(2 * np.pi * hertz * k * time) / k**1.5 for k in range(1, 7))
        bars.append(bar * np.exp(-time / 0.8))
    return (0.08 * np.concatenate(bars)).astype(np.float32)


def hear(samples: Samples, block: int = 1 << 20) -> MusicResult:
    engine = Music(SOURCE)
    for start in range(0, samples.size, block):
        engine.push(samples[start : start + block])
    return engine.finish()


@pytest.mark.parametrize("mode", ["major", "minor"])
@pytest.mark.parametrize("tonic", range(12))
def test_every_key(tonic: int, mode: str) -> None:
    result = hear(song(tonic, mode))
    assert (result.key, result.mode) == (PITCH_NAMES[tonic], mode)
    assert result.key_confidence is not None
    assert 0.5 < result.key_confidence <= 1.0


@pytest.mark.parametrize("cents", [-35.0, -20.0, 20.0, 35.0])
def test_the_tuning_is_followed(cents: float) -> None:
    result = hear(song(2, "minor", cents=cents))
    assert (result.key, result.mode) == ("D", "minor")


def test_level_does_not_matter() -> None:
    samples = song(9, "major")
    loud, soft = hear(samples), hear(samples * np.float32(0.01))
    assert (soft.key, soft.mode) == (loud.key, loud.mode) == ("A", "major")
    assert soft.key_confidence == pytest.approx(loud.key_confidence, abs=0.02)


def test_drums_over_the_music_do_not_hide_the_key() -> None:
    random = np.random.default_rng(3)
    samples = song(4, "minor")
    drum = random.standard_normal(4000) * np.exp(-np.arange(4000) / 900) * 0.4
    for start in range(0, samples.size - 4000, RATE // 2):
        samples[start : start + 4000] += drum.astype(np.float32)
    result = hear(samples)
    assert (result.key, result.mode) == ("E", "minor")


@pytest.mark.parametrize("seconds", [0.0, 0.1, 30.0])
def test_silence_has_no_key(seconds: float) -> None:
    result = hear(np.zeros(round(seconds * RATE), dtype=np.float32))
    assert (result.key, result.mode, result.camelot, result.key_confidence) == (None, None, None, None)


@pytest.mark.parametrize("seed", range(3))
def test_noise_has_no_key(seed: int) -> None:
    noise = np.random.default_rng(seed).standard_normal(20 * RATE) * 0.1
    assert hear(noise.astype(np.float32)).key is None


def test_a_test_tone_has_no_key() -> None:
    tone = 0.3 * np.sin(2 * np.pi * 1000 * np.arange(20 * RATE) / RATE)
    assert hear(tone.astype(np.float32)).key is None


SHORT = song(7, "major", seconds=8)
WHOLE = hear(SHORT)


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(1, 60_000), min_size=1, max_size=40))
def test_the_cut_of_the_stream_changes_nothing(sizes: list[int]) -> None:
    engine = Music(SOURCE)
    start = 0
    for size in [*sizes, SHORT.size]:
        engine.push(SHORT[start : start + size])
        start += size
    assert engine.finish() == WHOLE


def test_the_wheel_goes_by_fifths() -> None:
    assert camelot(0, "major") == "8B"
    assert camelot(9, "minor") == "8A"
    assert camelot(7, "major") == "9B"
    assert camelot(1, "major") == "3B"
    assert camelot(8, "minor") == "1A"
    codes = {camelot(tonic, mode) for tonic in range(12) for mode in ("major", "minor")}
    assert len(codes) == 24
