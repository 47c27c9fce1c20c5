"""Little bands whose instruments, tunes and beats are known, for tests of what sounds alike."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otolith.core.audio import Source
from otolith.library.engine.music import Music, MusicResult

RATE = 22050
SOURCE = Source(rate=RATE, layout=("FC",), duration=None)
Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Instrument:
    """A spectrum that falls with a slope, an attack and a decay in seconds, and some breath."""

    slope: float
    attack: float
    decay: float
    breath: float = 0.0


INSTRUMENTS = {
    "bell": Instrument(1.6, 0.002, 0.5),
    "organ": Instrument(0.9, 0.03, 20.0),
    "flute": Instrument(2.5, 0.06, 20.0, 0.3),
    "saw": Instrument(0.3, 0.004, 0.15),
}


def tune(name: str, seed: int, *, seconds: float = 20.0, tempo: float = 110.0, shift: int = 0) -> Samples:
    """Chords and a melody drawn from `seed`, played by one instrument, `shift` semitones higher."""
    rng = np.random.default_rng(seed)
    one = INSTRUMENTS[name]
    sound = np.zeros(round(seconds * RATE) + RATE)
    step = 60 / tempo / 2
    scale = np.array([0, 2, 4, 5, 7, 9, 11])
    for number in range(int(seconds / step)):
        pitches = [72 + int(rng.choice(scale))]
        if number % 8 == 0:
            root = int(rng.choice([0, 5, 7, 9]))
            pitches += [48 + root, 52 + root, 55 + root]
        for pitch in pitches:
            _add(sound, number * step, one, pitch + shift, step * (8 if pitch < 70 + shift else 1), rng)
    sound = sound[: round(seconds * RATE)]
    return np.asarray(0.5 * sound / np.abs(sound).max(), dtype=np.float32)


def _add(
    sound: NDArray[np.float64], start: float, one: Instrument, pitch: float, length: float, rng: np.random.Generator
) -> None:
    time = np.arange(round(length * RATE)) / RATE
    hertz = 440 * 2 ** ((pitch - 69) / 12)
    overtones = [k for k in range(1, 16) if k * hertz < 0.45 * RATE]
    tone = sum((np.sin(2 * np.pi * hertz * k * time) / k**one.slope for k in overtones), np.zeros_like(time))
    tone = tone + one.breath * rng.standard_normal(time.size)
    shape = np.minimum(1, time / one.attack) * np.exp(-time / one.decay) * np.minimum(1, (length - time) / 0.02)
    begin = round(start * RATE)
    part = (tone * shape)[: sound.size - begin]
    sound[begin : begin + part.size] += part


def hear(samples: Samples, block: int = 1 << 20) -> MusicResult:
    engine = Music(SOURCE)
    for start in range(0, samples.size, block):
        engine.push(samples[start : start + block])
    return engine.finish()
