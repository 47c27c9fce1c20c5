"""Listens to files as the product does, and makes the copies that the embedding must see through."""

import tempfile
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from scipy.signal import oaconvolve

from bench.similarity_set import studio
from otolith.core.audio import Signal
from otolith.library.engine import onsets, rhythm
from otolith.library.engine.chroma import ChromaStream
from otolith.library.engine.onsets import OnsetStream
from otolith.library.engine.portrait import Streams
from otolith.library.engine.texture import Texture
from tests.signals import blocks, write

Sound = NDArray[np.float32]
_MONO = Signal(rate=onsets.RATE, channels="mono", sample="f32")


def listen(samples: Sound) -> Streams:
    """The streams of mono samples at 22,050 Hz."""
    texture = Texture()
    flux, chroma = OnsetStream(texture.hear_onsets), ChromaStream(texture.hear_chroma)
    for stream in (flux, chroma):
        stream.push(samples)
        stream.finish()
    beat = rhythm.judge(flux.flux.rows(), chroma.series.rows())
    return Streams(
        texture.bands(),
        texture.flatness(),
        texture.level(),
        flux.flux.rows(),
        chroma.series.rows(),
        beat.tempo,
        beat.tempo_confidence,
        np.array(beat.beats),
    )


def load(path: Path) -> tuple[Sound, int]:
    """The samples of a WAV file, shape (n, channels), and their rate."""
    sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return sound, rate


def mono(sound: Sound, rate: int) -> Sound:
    if rate == onsets.RATE:
        return np.asarray(sound.mean(axis=1), dtype=np.float32)
    return np.asarray(soxr.resample(sound.mean(axis=1), rate, onsets.RATE, quality="HQ"), dtype=np.float32)


def through_codec(sound: Sound, rate: int, bit_rate: int) -> Sound:
    """Mono at 22,050 Hz of what an MP3 of so many bits a second leaves."""
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder) / "x", np.ascontiguousarray(sound.T), rate, "mp3", bit_rate=bit_rate)
        return np.concatenate([np.asarray(part, dtype=np.float32) for part in blocks(path, _MONO)])


def through_studio(samples: Sound, rng: np.random.Generator) -> Sound:
    """Another master of mono samples at 22,050 Hz: tilted, pressed, with more room or some noise, as chance wills."""
    rate = onsets.RATE
    changed = studio(samples, rate, float(rng.normal(0, 1.5)), float(rng.choice([0, 0, 1.5, 3])))
    if rng.random() < 0.4:
        tail = np.exp(-np.arange(rate) / rate * rng.uniform(4, 9)) * rng.standard_normal(rate)
        tail[: rate // 100] = 0
        wet = oaconvolve(changed, tail)[: changed.size]
        changed = changed + 0.25 * rng.random() * wet * (np.std(changed) / max(1e-9, float(np.std(wet))))
    if rng.random() < 0.3:
        changed = changed + np.std(changed) * 10 ** (rng.uniform(-45, -25) / 20) * rng.standard_normal(changed.shape)
    return np.asarray(changed / max(1.0, float(np.abs(changed).max())), dtype=np.float32)


def heard(file: Path, studio: list[int], *, encoded: bool = False) -> list[Streams]:
    """The streams of a rendered piece: as it is, as the studio of that seed left it, and through a poor MP3 if asked.

    They are kept beside the file.
    """
    kept = file.with_suffix(".npz")
    if not kept.exists():
        sound, rate = load(file)
        samples = mono(sound, rate)
        parts = [samples, through_studio(samples, np.random.default_rng(studio))]
        if encoded:
            parts.append(through_codec(sound, rate, 64_000))
        keep(kept, [listen(part) for part in parts])
    return kept_streams(kept)


def keep(path: Path, copies: Sequence[Streams]) -> None:
    tables = {
        f"{index}.{field.name}": np.asarray(getattr(copy, field.name) or 0.0)
        if field.name.startswith("tempo")
        else getattr(copy, field.name)
        for index, copy in enumerate(copies)
        for field in fields(Streams)
    }
    part = path.with_name(path.stem + ".part.npz")
    np.savez(part, allow_pickle=False, **tables)
    part.rename(path)


def kept_streams(path: Path) -> list[Streams]:
    with np.load(path) as tables:
        count = len(tables.files) // len(fields(Streams))
        rows = [{field.name: tables[f"{index}.{field.name}"] for field in fields(Streams)} for index in range(count)]
    for row in rows:
        row["tempo"], row["tempo_confidence"] = float(row["tempo"]) or None, float(row["tempo_confidence"]) or None
    return [Streams(**row) for row in rows]
