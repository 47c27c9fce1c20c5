"""Music-like test signals, and the means to write them to sound files of any format and read them back."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import cast

import av
import numpy as np
from numpy.typing import NDArray

from otolith.core.audio import Signal, Source

Sound = NDArray[np.float32]
"""Samples of shape ``(channels, n)`` with full scale at ±1."""


@dataclass(frozen=True)
class Format:
    """How PyAV writes a format: the file's ending, the encoder, its sample format, a bit rate for lossy ones."""

    suffix: str
    codec: str
    sample_format: str
    bit_rate: int | None = None


FORMATS = {
    "wav": Format("wav", "pcm_s16le", "s16"),
    "wav24": Format("wav", "pcm_s24le", "s32"),
    "float": Format("wav", "pcm_f32le", "flt"),
    "flac": Format("flac", "flac", "s16"),
    "mp3": Format("mp3", "libmp3lame", "s16p", 192_000),
    "ogg": Format("ogg", "libvorbis", "fltp", 160_000),
    "opus": Format("opus", "libopus", "flt", 128_000),
    "m4a": Format("m4a", "aac", "fltp", 192_000),
}


def music(seconds: float, rate: int = 44100, seed: int = 0, loudness: float = 0.7) -> Sound:
    """A stereo piece: chords with overtones, a bass, and noisy drums, all from `seed`; its peak is `loudness`."""
    rng = np.random.default_rng(seed)
    beat = 60 / rng.uniform(80, 150)
    length = round(seconds * rate)
    sound = np.zeros((2, length))
    root = rng.integers(40, 52)
    scale = np.array([0, 2, 4, 5, 7, 9, 11]) if rng.random() < 0.5 else np.array([0, 2, 3, 5, 7, 8, 10])
    for index in range(int(seconds / beat)):
        degree = int(rng.integers(0, 7)) if index % 4 == 0 else 0
        for voice in range(4):
            note = root + scale[(degree + 2 * voice) % 7] + 12 * (voice % 3)
            _add(
                sound, round(index * beat * rate), _pluck(440 * 2 ** ((note - 69) / 12), 2 * beat, rate), voice / 3, rng
            )
        _add(sound, round(index * beat * rate), _drum(rng, rate, low=index % 2 == 0), 0.5, rng)
        _add(sound, round((index + 0.5) * beat * rate), 0.3 * _drum(rng, rate, low=False), 0.7, rng)
    peak = np.abs(sound).max() or 1.0
    return (sound * (loudness / peak)).astype(np.float32)


def tone(seconds: float, rate: int, hertz: float, dbfs: float, channels: int = 2, phase: float = 0.0) -> Sound:
    """The same sine in every channel; `dbfs` is the level of its crest, `phase` in degrees."""
    time = np.arange(round(seconds * rate)) / rate
    wave = 10 ** (dbfs / 20) * np.sin(2 * np.pi * hertz * time + np.deg2rad(phase))
    return np.tile(wave.astype(np.float32), (channels, 1))


def silence(seconds: float, rate: int, channels: int = 2) -> Sound:
    return np.zeros((channels, round(seconds * rate)), dtype=np.float32)


def write(path: Path, sound: Sound, rate: int, form: str, layout: str = "stereo", bit_rate: int | None = None) -> Path:
    """Encode `sound` as `path` with the ending of the format; answers with the whole path."""
    chosen = FORMATS[form]
    target = path.with_suffix("." + chosen.suffix)
    if chosen.codec == "libvorbis":
        return _write_vorbis(target, sound, rate, chosen)
    with av.open(str(target), "w") as container:
        stream = container.add_stream(chosen.codec, rate=rate)
        assert isinstance(stream, av.AudioStream)
        stream.layout = layout
        stream.format = chosen.sample_format
        if chosen.bit_rate is not None:
            stream.bit_rate = bit_rate or chosen.bit_rate
        resampler = av.AudioResampler(format=chosen.sample_format, layout=layout, rate=rate)
        for start in range(0, sound.shape[1], 4096):
            block = np.ascontiguousarray(sound[:, start : start + 4096])
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=layout)
            frame.sample_rate = rate
            frame.pts = start
            for converted in resampler.resample(frame):
                container.mux(stream.encode(converted))
        for converted in resampler.resample(None):
            container.mux(stream.encode(converted))
        container.mux(stream.encode(None))
    return target


def _write_vorbis(target: Path, sound: Sound, rate: int, chosen: Format) -> Path:
    """Vorbis by the `ffmpeg` of the machine, because PyAV's wheel has no encoder for it that is fit for use."""
    samples = ["-f", "f32le", "-ar", str(rate), "-ac", str(len(sound)), "-i", "-"]
    command = ["ffmpeg", "-v", "error", "-y", *samples, "-c:a", chosen.codec, "-b:a", str(chosen.bit_rate)]
    subprocess.run([*command, str(target)], input=np.ascontiguousarray(sound.T).tobytes(), check=True)
    return target


def source_of(path: Path) -> Source:
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        names = tuple(channel.name for channel in stream.layout.channels)
        seconds = None if container.duration is None else container.duration / av.time_base
        return Source(rate=stream.rate, layout=names, duration=seconds)


def blocks(path: Path, wants: Signal) -> Iterator[NDArray[np.float32] | NDArray[np.int16]]:
    """Decode `path` into the blocks that an engine wants, with FFmpeg's own resampler."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        planar = wants.channels == "all"
        sample = {"s16": "s16", "f32": "flt"}[wants.sample] + ("p" if planar else "")
        layout = stream.layout.name if planar else "mono"
        resampler = av.AudioResampler(format=sample, layout=layout, rate=wants.rate or stream.rate)
        for frame in [*container.decode(stream), None]:
            for converted in resampler.resample(frame):
                samples = converted.to_ndarray()
                yield cast("NDArray[np.float32] | NDArray[np.int16]", samples if planar else samples[0])


@lru_cache(maxsize=64)
def _pluck(hertz: float, seconds: float, rate: int) -> NDArray[np.float64]:
    time = np.arange(round(seconds * rate)) / rate
    overtones = [k for k in range(1, 13) if k * hertz < rate / 2]
    wave = sum((np.sin(2 * np.pi * hertz * k * time) / k**1.2 for k in overtones), np.zeros_like(time))
    return np.asarray(wave * np.exp(-3 * time / seconds) * np.minimum(1, time * 200))


def _drum(rng: np.random.Generator, rate: int, *, low: bool) -> NDArray[np.float64]:
    time = np.arange(round(0.2 * rate)) / rate
    if low:
        return np.asarray(3 * np.sin(2 * np.pi * (50 * time + 2 * (1 - np.exp(-30 * time)))) * np.exp(-15 * time))
    return np.asarray(rng.standard_normal(len(time)) * np.exp(-40 * time))


def _add(
    sound: NDArray[np.float64], start: int, wave: NDArray[np.float64], pan: float, rng: np.random.Generator
) -> None:
    length = min(len(wave), sound.shape[1] - start)
    if length <= 0:
        return
    level = rng.uniform(0.7, 1.0)
    sound[0, start : start + length] += level * np.sqrt(1 - pan) * wave[:length]
    sound[1, start : start + length] += level * np.sqrt(pan) * wave[:length]
