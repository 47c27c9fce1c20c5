"""Draws the portrait of a recording: several hundred statistics of its timbre, rhythm and harmony."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otolith.library.engine import onsets, palette, portrait_harmony, portrait_rhythm, portrait_timbre
from otolith.library.engine.chroma import FRAME_RATE
from otolith.library.engine.texture import Codes, decoded

Array = NDArray[np.float64]
_DIGITAL = -110.0
_FAINTEST = -45.0  # Decibels under the loudest stretch: pauses and the room between the pieces are no timbre.
_LEAST = 20  # Frames: two seconds.
_WHOLE_SECONDS = 900.0
_STRETCHES = 24
_STRETCH_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Streams:
    """What the streams of one recording hold.

    `bands`, `flatness` and `chroma` at 10.8 frames a second, `level` and `flux` at 86; the first two and `level` as
    `Texture` keeps them; `tempo` in beats a minute, `beats` in seconds.
    """

    bands: Codes
    flatness: Codes
    level: Codes
    flux: NDArray[np.floating]
    chroma: NDArray[np.floating]
    tempo: float | None = None
    tempo_confidence: float | None = None
    beats: Array = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True, slots=True)
class Portrait:
    """The statistics by kind, and the sounding frames as `palette.frames` describes them."""

    timbre: Array
    rhythm: Array
    harmony: Array
    frames: Array

    def row(self) -> Array:
        return np.concatenate([self.timbre, self.rhythm, self.harmony])


def sounding_frames(streams: Streams) -> NDArray[np.intp]:
    """Which of the frames at 10.8 a second sound, rather than lie in a pause."""
    level = decoded(streams.bands.max(axis=1, initial=0))
    count = min(level.size, streams.flatness.shape[0], streams.chroma.shape[0])
    loud = float(np.percentile(level, 95)) if level.size else _DIGITAL
    return np.flatnonzero(level[:count] > max(_DIGITAL, loud + _FAINTEST))


def draw(streams: Streams) -> Portrait | None:
    """The portrait, or None where fewer than two seconds sound."""
    sounding = sounding_frames(streams)
    if sounding.size < _LEAST:
        return None
    first, last = sounding[0], sounding[-1] + 1
    step = round(onsets.FRAME_RATE / FRAME_RATE)
    return Portrait(
        portrait_timbre.describe(decoded(streams.bands[sounding]), decoded(streams.flatness[sounding])),
        portrait_rhythm.describe(
            streams.flux[first * step : last * step],
            streams.tempo,
            streams.tempo_confidence,
            streams.beats - first / FRAME_RATE,
        ),
        portrait_harmony.describe(streams.chroma[first:last]),
        palette.frames(decoded(streams.bands), decoded(streams.flatness), sounding),
    )


def excerpted(streams: Streams) -> Streams:
    """The whole of a recording of up to a quarter of an hour; of longer ones twelve minutes, spread over them."""
    seconds = streams.bands.shape[0] / FRAME_RATE
    if seconds <= _WHOLE_SECONDS:
        return streams
    starts = np.linspace(0.0, seconds - _STRETCH_SECONDS, _STRETCHES)

    def cut(rows: NDArray[Any], rate: float) -> NDArray[Any]:
        length = round(_STRETCH_SECONDS * rate)
        return np.concatenate([rows[round(start * rate) :][:length] for start in starts])

    beats = [
        streams.beats[(streams.beats >= start) & (streams.beats < start + _STRETCH_SECONDS)]
        - start
        + index * _STRETCH_SECONDS
        for index, start in enumerate(starts)
    ]
    return replace(
        streams,
        bands=cut(streams.bands, FRAME_RATE),
        flatness=cut(streams.flatness, FRAME_RATE),
        level=cut(streams.level, onsets.FRAME_RATE),
        flux=cut(streams.flux, onsets.FRAME_RATE),
        chroma=cut(streams.chroma, FRAME_RATE),
        beats=np.concatenate(beats),
    )
