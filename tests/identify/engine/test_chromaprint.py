"""Chromaprint against `fpcalc`, its own program, and whatever the size of the blocks."""

import subprocess
import tracemalloc
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from otolith.core.audio import Source
from otolith.identify.engine.chromaprint import Chromaprint, ChromaprintResult
from otolith.identify.engine.chromaprint_frames import HOP, RATE
from otolith.identify.engine.chromaprint_text import bit_error_rate, decode, encode
from tests.services import require
from tests.signals import blocks, music, source_of, write

SOURCE = Source(rate=RATE, layout=("FC",), duration=None)
ALLOWED_ERROR = 0.001

needs_fpcalc = pytest.mark.usefixtures("yardstick")


@pytest.fixture(scope="module")
def yardstick() -> None:
    """The yardstick, without which nothing is measured."""
    require("fpcalc")


class Recording(NamedTuple):
    form: str
    seed: int
    rate: int
    seconds: float


RECORDINGS = [
    Recording("wav", 1, 44100, 40),
    Recording("wav", 2, 8000, 25),
    Recording("flac", 3, 48000, 40),
    Recording("flac", 4, 96000, 20),
    Recording("mp3", 5, 44100, 150),
    Recording("mp3", 6, 22050, 60),
    Recording("ogg", 7, 44100, 40),
    Recording("ogg", 8, 48000, 40),
    Recording("opus", 9, 48000, 40),
    Recording("opus", 10, 48000, 40),
    Recording("m4a", 11, 44100, 40),
    Recording("m4a", 12, 32000, 40),
]


def fingerprint(path: Path) -> ChromaprintResult:
    engine = Chromaprint(source_of(path))
    for block in blocks(path, engine.wants):
        engine.push(cast("NDArray[np.int16]", block))
    return engine.finish()


def fpcalc(path: Path, *arguments: str) -> str:
    """What `fpcalc` prints as the fingerprint; it also complains about the end of some WAV files, and means nothing."""
    done = subprocess.run(["fpcalc", *arguments, str(path)], capture_output=True, text=True, check=False)
    return done.stdout.split("FINGERPRINT=")[1].strip()


def codes_of(raw: str) -> NDArray[np.uint32]:
    return np.array([int(code) for code in raw.split(",")], dtype=np.int64).astype(np.uint32)


def heard(samples: NDArray[np.int16], size: int | None = None) -> ChromaprintResult:
    engine = Chromaprint(SOURCE)
    for start in range(0, len(samples), size or max(1, len(samples))):
        engine.push(samples[start : start + (size or len(samples))])
    return engine.finish()


@needs_fpcalc
@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda r: f"{r.form}-{r.rate}")
def test_agrees_with_fpcalc_in_every_format(recording: Recording, tmp_path: Path) -> None:
    sound = music(recording.seconds, recording.rate, recording.seed, loudness=0.95)
    path = write(tmp_path / "piece", sound, recording.rate, recording.form)
    ours = fingerprint(path)
    whole = codes_of(fpcalc(path, "-raw", "-length", "0"))
    assert len(ours.codes) == len(whole)
    assert bit_error_rate(ours.codes, whole) <= ALLOWED_ERROR
    theirs = decode(fpcalc(path, "-length", "120"))
    assert ours.fingerprint is not None
    told = decode(ours.fingerprint)
    assert told.algorithm == theirs.algorithm == 1
    assert len(told.codes) == len(theirs.codes)
    assert bit_error_rate(told.codes, theirs.codes) <= ALLOWED_ERROR


@needs_fpcalc
def test_the_compressed_form_is_the_one_that_fpcalc_writes(tmp_path: Path) -> None:
    path = write(tmp_path / "piece", music(30, 44100, 3), 44100, "flac")
    codes = codes_of(fpcalc(path, "-raw", "-length", "120"))
    text = fpcalc(path, "-length", "120")
    assert encode(codes) == text
    assert np.array_equal(decode(text).codes, codes)


def test_different_pieces_differ_in_about_half_of_the_bits() -> None:
    first, second = (heard(_mono(music(20, RATE, seed))) for seed in (1, 2))
    assert 0.3 < bit_error_rate(first.codes, second.codes, 20) < 0.6


def test_an_excerpt_is_found_at_its_place() -> None:
    piece = _mono(music(30, RATE, 4))
    whole, part = heard(piece), heard(piece[50 * HOP : 150 * HOP])
    assert bit_error_rate(whole.codes, part.codes, max_offset=80) < 0.01
    assert bit_error_rate(part.codes, whole.codes, max_offset=80) < 0.01
    assert bit_error_rate(whole.codes, part.codes, max_offset=5) > 0.2


@given(sizes=st.lists(st.integers(0, 9000), min_size=1, max_size=40))
@settings(max_examples=30, deadline=None)
def test_the_sizes_of_the_blocks_change_nothing(sizes: list[int]) -> None:
    piece = PIECE[: sum(sizes) or 1]
    engine, start = Chromaprint(SOURCE), 0
    for size in sizes:
        engine.push(piece[start : start + size])
        start += size
    engine.push(piece[start:])
    assert engine.finish() == heard(piece)


def test_a_block_of_one_sample_is_a_block() -> None:
    assert heard(PIECE[:32000], size=1) == heard(PIECE[:32000])


@pytest.mark.parametrize("samples", [0, 1, 4095, 4096, 4096 + 18 * HOP])
def test_too_little_sound_has_no_fingerprint(samples: int) -> None:
    assert heard(PIECE[:samples]) == ChromaprintResult(fingerprint=None, full=b"", duration=samples / RATE)


def test_the_first_code_comes_with_the_twentieth_frame() -> None:
    result = heard(PIECE[: 4096 + 19 * HOP])
    assert len(result.codes) == 1
    assert result.fingerprint is not None


def test_silence_is_one_code_over_and_over() -> None:
    result = heard(np.zeros(60 * RATE, dtype=np.int16))
    assert len(set(result.codes.tolist())) == 1


def test_acoustid_gets_two_minutes_and_the_index_gets_everything() -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(-9000, 9000, 130 * RATE).astype(np.int16)
    result = heard(noise)
    assert result.fingerprint is not None
    first = decode(result.fingerprint).codes
    assert len(first) == 948
    assert len(result.codes) == 1 + (len(noise) - 4096) // HOP - 19
    assert np.array_equal(first, result.codes[:948])


def test_memory_stays_small_over_an_hour() -> None:
    engine, minute = Chromaprint(SOURCE), np.zeros(60 * RATE, dtype=np.int16)
    engine.push(minute)
    tracemalloc.start()
    for _ in range(60):
        engine.push(minute)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4_000_000


def _mono(sound: NDArray[np.float32]) -> NDArray[np.int16]:
    return np.asarray(np.rint(sound.mean(axis=0) * 32767), dtype=np.int16)


PIECE = _mono(music(16, RATE, 9))
