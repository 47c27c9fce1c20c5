"""The loudness engine: against FFmpeg's `ebur128`, at the edges of what sound can be, and in blocks of any size."""

import re
import subprocess
import tracemalloc
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otolith.core.audio import Source
from otolith.library.engine.loudness import Loudness, LoudnessResult
from tests.services import require
from tests.signals import Sound, blocks, music, silence, source_of, tone, write

needs_ffmpeg = pytest.mark.usefixtures("ffmpeg")


@pytest.fixture(scope="module")
def ffmpeg() -> None:
    """The yardstick, without which nothing is measured."""
    require("ffmpeg")


NOTHING = LoudnessResult(None, None, None, None, None, None, None, None)
STEREO = ("FL", "FR")


class Recording(NamedTuple):
    form: str
    rate: int
    seed: int


RECORDINGS = [
    Recording("wav", 44100, 1),
    Recording("wav24", 48000, 2),
    Recording("flac", 96000, 3),
    Recording("float", 192000, 4),
    Recording("mp3", 44100, 5),
    Recording("mp3", 22050, 6),
    Recording("ogg", 44100, 7),
    Recording("opus", 48000, 8),
    Recording("m4a", 32000, 9),
    Recording("wav", 8000, 10),
    Recording("wav", 11025, 11),
]


def measure(sound: Sound, rate: int, layout: tuple[str, ...] = STEREO, size: int | None = None) -> LoudnessResult:
    engine = Loudness(Source(rate=rate, layout=layout, duration=None))
    for start in range(0, sound.shape[1], size or max(1, sound.shape[1])):
        engine.push(sound[:, start : start + (size or sound.shape[1])])
    return engine.finish()


def ebur128(path: Path) -> tuple[float, float, float]:
    """Integrated loudness, loudness range and true peak as FFmpeg reads them, from its log for the last digits."""
    filters = "ebur128=peak=true:metadata=1,ametadata=print:file=-"
    done = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", str(path), "-af", filters, "-f", "null", "-"],
        capture_output=True,
        text=True,
        check=True,
    )
    last = dict(re.findall(r"lavfi\.r128\.(\S+)=(\S+)", done.stdout))
    peaks = [float(value) for key, value in last.items() if key.startswith("true_peaks_ch")]
    return float(last["I"]), float(last["LRA"]), 20 * float(np.log10(max(peaks)))


def heard(path: Path) -> LoudnessResult:
    engine = Loudness(source_of(path))
    for block in blocks(path, engine.wants):
        engine.push(cast("Sound", block))
    return engine.finish()


def swelling(seconds: float, rate: int, seed: int) -> Sound:
    """Music whose level moves over 25 dB, so that gates and loudness range have work."""
    sound = music(seconds, rate, seed, loudness=0.98)
    level = -12.5 + 12.5 * np.cos(2 * np.pi * np.arange(sound.shape[1]) / (rate * 12.0))
    return np.asarray(sound * 10 ** (level / 20), dtype=np.float32)


@needs_ffmpeg
@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda r: f"{r.form}-{r.rate}")
def test_agrees_with_ffmpeg(recording: Recording, tmp_path: Path) -> None:
    path = write(tmp_path / "piece", swelling(24, recording.rate, recording.seed), recording.rate, recording.form)
    ours, theirs = heard(path), ebur128(path)
    assert ours.loudness_lufs == pytest.approx(theirs[0], abs=0.1)
    assert ours.loudness_range_lu == pytest.approx(theirs[1], abs=0.2)
    assert ours.true_peak_dbtp == pytest.approx(theirs[2], abs=0.2)


@needs_ffmpeg
def test_agrees_with_ffmpeg_on_overdriven_music(tmp_path: Path) -> None:
    clipped = np.clip(6 * music(15, 44100, 21), -1, 1).astype(np.float32)
    path = write(tmp_path / "piece", clipped, 44100, "float")
    ours, theirs = heard(path), ebur128(path)
    assert ours.loudness_lufs == pytest.approx(theirs[0], abs=0.1)
    assert ours.true_peak_dbtp == pytest.approx(theirs[2], abs=0.2)
    assert ours.true_peak_dbtp is not None
    assert ours.true_peak_dbtp > 0.5


@needs_ffmpeg
@pytest.mark.parametrize("layout", ["mono", "5.0", "5.1", "5.1(side)"])
def test_agrees_with_ffmpeg_on_other_layouts(layout: str, tmp_path: Path) -> None:
    count = {"mono": 1, "5.0": 5, "5.1": 6, "5.1(side)": 6}[layout]
    pieces = [music(10, 48000, seed, loudness=0.1 + 0.1 * seed)[0] for seed in range(count)]
    path = write(tmp_path / "piece", np.stack(pieces), 48000, "float", layout)
    assert heard(path).loudness_lufs == pytest.approx(ebur128(path)[0], abs=0.1)


def test_replaygain_brings_a_recording_to_its_reference() -> None:
    result = measure(tone(5, 48000, 1000, -10.0), 48000)
    assert result.loudness_lufs is not None
    assert result.replaygain_db == pytest.approx(-18.0 - result.loudness_lufs)
    assert result.replaygain_peak == pytest.approx(10 ** (-10 / 20), rel=0.01)


def test_one_channel_is_three_decibels_quieter_than_the_same_on_two() -> None:
    one = measure(tone(5, 48000, 1000, -20.0, channels=1), 48000, ("FC",)).loudness_lufs
    two = measure(tone(5, 48000, 1000, -20.0, channels=2), 48000).loudness_lufs
    assert one is not None
    assert two is not None
    assert two - one == pytest.approx(3.01, abs=0.01)


@pytest.mark.parametrize("rate", [1, 8000, 44100, 768000])
@pytest.mark.parametrize("seconds", [0, 1.5])
def test_silence_and_nothing_have_no_loudness(rate: int, seconds: float) -> None:
    assert measure(silence(seconds, rate), rate) == NOTHING


def test_less_than_a_block_of_the_gate_has_peaks_only() -> None:
    result = measure(tone(0.3, 48000, 1000, -20.0), 48000)
    assert result.loudness_lufs is None
    assert result.loudness_range_lu is None
    assert result.sample_peak_dbfs == pytest.approx(-20, abs=0.1)
    assert result.true_peak_dbtp is not None


def test_what_is_under_the_absolute_gate_has_no_programme_loudness() -> None:
    result = measure(tone(5, 48000, 1000, -80.0), 48000)
    assert result.loudness_lufs is None
    assert result.replaygain_db is None
    assert result.short_term_max_lufs == pytest.approx(-80, abs=0.1)


@pytest.mark.parametrize("rate", [1, 2, 7, 100, 3999])
def test_a_rate_too_low_for_the_filter_has_peaks_only(rate: int) -> None:
    sound = np.tile(np.array([[0.5, -0.25, 0.125]], dtype=np.float32), (2, 200))
    result = measure(sound, rate)
    assert result.loudness_lufs is None
    assert result.momentary_max_lufs is None
    assert result.sample_peak_dbfs == pytest.approx(-6.02, abs=0.01)


@pytest.mark.parametrize("rate", [4000, 10007, 44100, 47999, 352800, 768000])
def test_a_tone_reads_the_same_at_every_rate(rate: int) -> None:
    result = measure(tone(2, rate, 500, -23.0), rate)
    assert result.loudness_lufs == pytest.approx(-23.6 if rate > 8000 else -23.3, abs=0.3)
    assert result.true_peak_dbtp == pytest.approx(-23, abs=0.1)


def test_sixty_four_channels_add_up() -> None:
    names = tuple(f"UNK{index}" for index in range(64))
    result = measure(tone(2, 48000, 1000, -40.0, channels=64), 48000, names)
    assert result.loudness_lufs == pytest.approx(-40 + 10 * np.log10(32), abs=0.1)


def test_samples_that_are_no_numbers_count_as_silence() -> None:
    sound = tone(3, 48000, 1000, -20.0)
    broken, mended = sound.copy(), sound.copy()
    places = [0, 5000, 70_000, sound.shape[1] - 1]
    broken[:, places] = np.array([np.nan, np.inf, -np.inf, 1e30], dtype=np.float32)
    mended[:, places] = 0.0
    assert measure(broken, 48000) == measure(mended, 48000)


def test_a_push_leaves_its_samples_alone() -> None:
    sound = np.full((2, 60_000), np.nan, dtype=np.float32)
    measure(sound, 48000)
    assert np.isnan(sound).all()


@given(sizes=st.lists(st.integers(0, 30_000), min_size=1, max_size=25))
@settings(max_examples=25, deadline=None)
def test_the_sizes_of_the_blocks_change_nothing(sizes: list[int]) -> None:
    piece = PIECE[:, : sum(sizes)]
    engine, start = Loudness(Source(rate=22050, layout=STEREO, duration=None)), 0
    for size in sizes:
        engine.push(piece[:, start : start + size])
        start += size
    assert engine.finish() == measure(piece, 22050)


def test_memory_stays_small_over_an_hour() -> None:
    engine = Loudness(Source(rate=8000, layout=("FC",), duration=None))
    minute = np.zeros((1, 60 * 8000), dtype=np.float32)
    engine.push(minute)
    tracemalloc.start()
    for _ in range(60):
        engine.push(minute)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6_000_000


PIECE = swelling(12, 22050, 5)
