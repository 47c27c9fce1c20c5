"""The embedding: near for what sounds alike, blind to level, key and codec, the same however the stream is cut."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from otolith.core.audio import Signal
from otolith.library.engine.embedding import DIMENSIONS, PALETTE, pack, unpack
from otolith.library.engine.embedding_model import constants
from tests.library.engine.sounds import INSTRUMENTS, RATE, Samples, hear, tune
from tests.signals import blocks, write


def vector(samples: Samples) -> NDArray[np.float32]:
    packed = hear(samples).embedding
    assert packed is not None
    return unpack(packed)


def test_it_has_unit_length_and_fits_in_its_column() -> None:
    packed = hear(tune("organ", 1)).embedding
    assert packed is not None
    assert len(packed) == 2 * DIMENSIONS
    assert np.linalg.norm(np.frombuffer(packed, dtype="<f2").astype(np.float64)) == pytest.approx(1, abs=0.002)


def test_packing_keeps_half_precision() -> None:
    given = np.random.default_rng(1).standard_normal(DIMENSIONS)
    given /= np.linalg.norm(given)
    assert unpack(pack(given)) == pytest.approx(given, abs=1e-3)


def test_the_parts_of_the_model_fit_together() -> None:
    model = constants()
    components, features = model.means.shape
    assert model.palette.shape == (components * (features + 1), PALETTE)
    assert model.manner.shape == (model.centre.size, DIMENSIONS - PALETTE)
    assert model.voice.size == model.centre.size + 1
    assert all(np.isfinite(table).all() for table in (model.palette, model.manner, model.voice, model.variances))


@pytest.mark.parametrize("block", [1000, 44_100, 70_001])
def test_the_blocks_do_not_matter(block: int) -> None:
    samples = tune("bell", 2, seconds=9)
    assert hear(samples, block) == hear(samples)


def test_level_does_not_matter() -> None:
    samples = tune("saw", 3)
    assert float(vector(samples) @ vector(samples * np.float32(0.1))) > 0.98


def test_the_same_instrument_in_another_key_and_tune_is_nearer_than_another_in_the_same() -> None:
    heard = {name: vector(tune(name, 4)) for name in INSTRUMENTS}
    for name in INSTRUMENTS:
        moved = vector(tune(name, 5, shift=3))
        assert max(heard, key=lambda other: float(moved @ heard[other])) == name


def test_halves_and_poor_copies_find_their_recording(tmp_path: Path) -> None:
    pieces = [tune(name, seed, tempo=90 + 9 * seed) for seed in range(3) for name in INSTRUMENTS]
    whole = np.array([vector(piece) for piece in pieces])
    form = Signal(rate=RATE, channels="mono", sample="f32")
    for index, piece in enumerate(pieces):
        stereo = np.stack([piece, piece])
        file = write(tmp_path / f"{index}", stereo, RATE, "mp3", bit_rate=64_000)
        copy = np.concatenate([np.asarray(part, dtype=np.float32) for part in blocks(file, form)])
        assert int(np.argmax(whole @ vector(copy))) == index
        half = vector(piece[piece.size // 2 :])
        assert int(np.argmax(whole @ half)) % len(INSTRUMENTS) == index % len(INSTRUMENTS)


@pytest.mark.parametrize("seconds", [0.0, 0.5, 1.5])
def test_hardly_any_sound_has_no_embedding(seconds: float) -> None:
    result = hear(tune("organ", 1)[: round(seconds * RATE)])
    assert result.embedding is None
    assert result.voice is None


def test_silence_and_broken_samples_answer_plainly() -> None:
    silent = hear(np.zeros(5 * RATE, dtype=np.float32))
    assert (silent.embedding, silent.energy, silent.brightness, silent.segments) == (None, None, None, [])
    broken = tune("organ", 1)
    broken[1000:1100] = np.nan
    broken[2000] = np.inf
    assert np.isfinite(vector(broken)).all()


def test_noise_has_an_embedding_of_its_own() -> None:
    noise = 0.2 * np.random.default_rng(5).standard_normal(10 * RATE).astype(np.float32)
    assert float(vector(noise) @ vector(tune("organ", 1, seconds=10))) < 0.5


def test_of_hours_a_spread_of_stretches_is_heard() -> None:
    part = tune("bell", 6, seconds=60)
    long = np.tile(part, 20)
    assert float(vector(long) @ vector(part)) > 0.95
