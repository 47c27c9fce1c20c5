"""The waveform: true to the samples at every level, small for any length, and readable by other players."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from otolith.core.audio import Source
from otolith.media.engine.waveform import (
    FINEST_SAMPLES_PER_POINT,
    MOST_POINTS,
    OVERVIEW_POINTS,
    RATE,
    Waveform,
    WaveformLevel,
    WaveformResult,
    to_audiowaveform,
)

SOURCE = Source(rate=44100, layout=("FL", "FR"), duration=None)
NOISE = np.random.default_rng(0).integers(-32768, 32768, 400_000).astype(np.int16)


def picture(samples: NDArray[np.int16]) -> WaveformResult:
    engine = Waveform(SOURCE)
    engine.push(samples)
    return engine.finish()


def pairs(level: WaveformLevel) -> NDArray[np.int8]:
    return np.frombuffer(level["peaks"], dtype=np.int8).reshape(-1, 2)


@pytest.mark.parametrize("count", [1, 127, 128, 129, 100_000, 400_000])
def test_every_level_holds_the_extremes_and_the_mean_square(count: int) -> None:
    samples = NOISE[:count]
    result = picture(samples)
    assert result.duration == count / RATE
    assert result.levels[0]["samples_per_point"] == FINEST_SAMPLES_PER_POINT
    for level in result.levels:
        size = level["samples_per_point"]
        assert level["points"] == -(-count // size) == len(level["rms"])
        parts = [samples[start : start + size].astype(np.int64) for start in range(0, count, size)]
        assert pairs(level).tolist() == [[part.min() // 256, part.max() // 256] for part in parts]
        rms = np.array([np.sqrt(np.mean(part**2)) / 256 for part in parts[:-1]])
        assert np.abs(np.frombuffer(level["rms"], np.uint8)[:-1] - rms).max(initial=0) <= 0.51


def test_levels_go_by_halves_down_to_an_overview() -> None:
    result = picture(NOISE)
    sizes = [level["samples_per_point"] for level in result.levels]
    assert sizes == [128, 256, 512]
    assert [level["points"] <= OVERVIEW_POINTS for level in result.levels] == [False, False, True]


def test_a_short_sound_has_one_level_and_nothing_has_none() -> None:
    assert len(picture(NOISE[:1000]).levels) == 1
    assert picture(NOISE[:0]) == WaveformResult(rate=RATE, duration=0.0, levels=[])


def test_full_scale_is_full_scale() -> None:
    level = picture(np.array([-32768, 32767] * 64, dtype=np.int16)).levels[0]
    assert pairs(level).tolist() == [[-128, 127]]
    assert level["rms"] == bytes([128])


@given(sizes=st.lists(st.integers(0, 100_000), min_size=1, max_size=12))
@settings(max_examples=25, deadline=None)
def test_the_sizes_of_the_blocks_change_nothing(sizes: list[int]) -> None:
    engine, start = Waveform(SOURCE), 0
    for size in sizes:
        engine.push(NOISE[start : start + size])
        start += size
    assert engine.finish() == picture(NOISE[: sum(sizes)])


def test_ten_hours_stay_small_and_keep_their_extremes() -> None:
    engine, hour = Waveform(SOURCE), np.zeros(3600 * RATE, dtype=np.int16)
    hour[1000] = 20_000
    tracemalloc.start()
    for _ in range(10):
        engine.push(hour)
    result = engine.finish()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40_000_000
    assert result.levels[0]["points"] <= MOST_POINTS
    assert 500 <= result.levels[-1]["points"] <= OVERVIEW_POINTS
    assert result.duration == 36_000
    for level in result.levels:
        spikes = np.flatnonzero(pairs(level)[:, 1] == 20_000 // 256)
        expected = (np.arange(10) * len(hour) + 1000) // level["samples_per_point"]
        assert spikes.tolist() == expected.tolist()


def test_the_form_of_audiowaveform() -> None:
    level = picture(NOISE[:300]).levels[0]
    told = to_audiowaveform(level)
    assert {
        key: told[key] for key in ("version", "channels", "sample_rate", "samples_per_pixel", "bits", "length")
    } == {
        "version": 2,
        "channels": 1,
        "sample_rate": 11025,
        "samples_per_pixel": 128,
        "bits": 8,
        "length": 3,
    }
    assert told["data"] == pairs(level).reshape(-1).tolist()
