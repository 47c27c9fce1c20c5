"""Judges how a recording sounds beyond tempo and key: energy, timbre, dynamics, silence, parts, and its embedding."""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otolith.library.engine.dynamics import Spectrum, punch, silences, spectrum
from otolith.library.engine.embedding import pack
from otolith.library.engine.embedding_model import constants, embed
from otolith.library.engine.portrait import Portrait, Streams, draw, excerpted, sounding_frames
from otolith.library.engine.portrait_rhythm import onset_rate
from otolith.library.engine.structure import divide
from otolith.library.engine.texture import decoded

_LEAST = 5  # Frames: half a second.


@dataclass(frozen=True, slots=True)
class SoundResult:
    """How a recording sounds; None where the question has no answer.

    `energy` and `voice` from 0 to 1, `onset_rate` a second, `brightness` in Hz, `dynamics_db` as `dynamics.punch`
    says, silences in seconds, `segments` as `structure.divide` gives them, `timbre` the other fields of
    `dynamics.Spectrum`, `embedding` packed.
    """

    energy: float | None = None
    voice: float | None = None
    onset_rate: float | None = None
    brightness: float | None = None
    dynamics_db: float | None = None
    silence_start: float | None = None
    silence_end: float | None = None
    segments: list[dict[str, Any]] = field(default_factory=list)
    timbre: dict[str, float] = field(default_factory=dict)
    embedding: bytes | None = None


def judge(streams: Streams) -> SoundResult:
    """What the streams of a whole recording tell."""
    start, end = silences(decoded(streams.level))
    segments = divide(streams.bands, streams.chroma)
    part = excerpted(streams)
    frames = sounding_frames(part)
    if frames.size < _LEAST:
        return SoundResult(silence_start=round(start, 3), silence_end=round(end, 3))
    lean = spectrum(decoded(part.bands[frames]), decoded(part.flatness[frames]))
    strokes, dynamics = onset_rate(part.flux), punch(decoded(part.level))
    portrait = draw(part)
    return SoundResult(
        energy=round(energy(lean, part.flux, strokes, dynamics), 3),
        voice=None if portrait is None else round(voice(portrait), 3),
        onset_rate=round(strokes, 2),
        brightness=round(lean.brightness, 1),
        dynamics_db=None if dynamics is None else round(dynamics, 1),
        silence_start=round(start, 3),
        silence_end=round(end, 3),
        segments=segments,
        timbre={name: round(value, 3) for name, value in asdict(lean).items() if name != "brightness"},
        embedding=None if portrait is None else pack(embed(portrait)),
    )


def energy(lean: Spectrum, flux: NDArray[np.floating], strokes: float, dynamics: float | None) -> float:
    """How lively a recording is, from 0 to 1: the mean of five ramps.

    Strokes a second, how strong they are, brightness, noisiness, and how pressed the level is. The ends of the ramps
    are what calm and lively pieces of `bench/similarity_set.py` measure; there is no truth to fit against.
    """
    strength = float(np.log(flux.astype(np.float32).sum(axis=1).mean() + 0.01))
    ramps = [
        _ramp(strokes, 1.0, 9.0),
        _ramp(strength, -2.5, 0.0),
        _ramp(float(np.log2(lean.brightness)), 9.0, 11.5),
        _ramp(lean.noisiness, 0.2, 0.8),
        _ramp(-(dynamics if dynamics is not None else 10.0), -14.0, -6.0),
    ]
    return float(np.mean(ramps))


def voice(portrait: Portrait) -> float:
    """How likely somebody sings or speaks, from 0 to 1, by a logistic regression on the statistics.

    It learnt from speech and singing that were synthesised (`bench/voice_fit.py`), so take it for a hint.
    """
    model = constants()
    odds = float(model.scaled(portrait.row()) @ model.voice[:-1] + model.voice[-1])
    return float(1 / (1 + np.exp(-np.clip(odds, -30, 30))))


def _ramp(value: float, low: float, high: float) -> float:
    return float(np.clip((value - low) / (high - low), 0.0, 1.0))
