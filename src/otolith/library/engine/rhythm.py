"""Hears the tempo of a recording and where its beats fall."""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from otolith.library.engine import chroma, onsets
from otolith.library.engine.beats import track
from otolith.library.engine.evidence import gather
from otolith.library.engine.tempo import find_pulse

_SECTION_SECONDS = 300.0  # Longer recordings are heard in sections of this length, each with its own tempo.
_WHOLE_SECONDS = 900.0
_SHORTEST_SECONDS = 4.0
_LEAST_CONFIDENCE = 0.15  # Noise stays below 0.1, music above 0.24.
_LEAST_ONSET = 0.2  # The strongest onsets of soft strings reach twice this; a held tone hardly a thousandth.
_LATENCY = -0.005  # Seconds from an onset as marked here to the onset as played.


@dataclass(frozen=True, slots=True)
class RhythmResult:
    """Tempo in beats a minute, how sure it is (0..1), and the beats in seconds; None and empty without a pulse."""

    tempo: float | None = None
    tempo_confidence: float | None = None
    beats: list[float] = field(default_factory=list)


def judge(flux: NDArray[np.floating], harmony: NDArray[np.floating]) -> RhythmResult:
    """Tempo and beats from onset flux (n, 5) and chroma (m, 24) of a whole recording."""
    seconds = flux.shape[0] / onsets.FRAME_RATE
    count = 1 if seconds <= _WHOLE_SECONDS else round(seconds / _SECTION_SECONDS)
    edges = np.linspace(0.0, seconds, count + 1)
    parts = [_section(flux, harmony, start, end) for start, end in pairwise(edges)]
    heard = [part for part in parts if part.tempo is not None]
    if not heard:
        return RhythmResult()
    # The tempo that most beats keep stands for the whole.
    tempi = np.array([part.tempo for part in heard])
    weights = np.array([len(part.beats) for part in heard], dtype=np.float64)
    near = np.abs(np.log(tempi[:, None] / tempi)) < 0.04
    leader = int(np.argmax(near @ weights))
    share = weights * near[leader]
    tempo = float(np.sum(share * tempi) / share.sum())
    sureness = np.array([part.tempo_confidence for part in heard])
    confidence = float(np.sum(share * sureness) / weights.sum())
    beats: list[float] = []
    for part in heard:
        # Where two sections meet, the same beat may have been found from both sides.
        earliest = beats[-1] + 30.0 / (part.tempo or tempo) if beats else 0.0
        beats += [beat for beat in part.beats if beat >= earliest]
    return RhythmResult(round(tempo, 2), round(confidence, 3), beats)


def _section(flux: NDArray[np.floating], harmony: NDArray[np.floating], start: float, end: float) -> RhythmResult:
    first = round(start * onsets.FRAME_RATE)
    part = flux[first : round(end * onsets.FRAME_RATE)]
    if part.shape[0] < _SHORTEST_SECONDS * onsets.FRAME_RATE:
        return RhythmResult()
    slow = harmony[round(start * chroma.FRAME_RATE) : round(end * chroma.FRAME_RATE) + 1]
    if np.percentile(part.astype(np.float32).sum(axis=1), 99) < _LEAST_ONSET:
        return RhythmResult()
    evidence = gather(part, slow)
    pulse = find_pulse(evidence)
    if pulse is None or pulse.confidence < _LEAST_CONFIDENCE:
        return RhythmResult()
    beats = track(evidence, pulse.period * onsets.FRAME_RATE)
    if beats.size < 4:
        return RhythmResult()
    times = (beats + first) / onsets.FRAME_RATE + _LATENCY
    tempo = _tempo_of(times, pulse.period)
    return RhythmResult(tempo, pulse.confidence, [round(max(0.0, float(time)), 3) for time in times])


def _tempo_of(times: NDArray[np.float64], period: float) -> float:
    """Beats a minute from the steps that kept the beat, as their mean is finer than one frame."""
    steps = np.diff(times)
    kept = steps[np.abs(np.log(steps / period)) < 0.08]
    return 60.0 / float(kept.mean() if kept.size >= 3 else period)
