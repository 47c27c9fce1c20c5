"""Follows the beat: dynamic programming over the onsets, then a choice of which of the pulse's phases is the beat."""

import numpy as np
from numpy.typing import NDArray

from otolith.library.engine.evidence import Evidence
from otolith.library.engine.music_model import model

Array = NDArray[np.float64]
PHASES = 12
_TIGHTNESS = 100.0


def follow(strength: Array, period: Array | float) -> Array:
    """Frames of the beats: the chain of frames with the greatest strength whose steps keep near `period`.

    Ellis, "Beat tracking by dynamic programming" (2007), computed for as many frames at once as the shortest
    allowed step has. `period`, in frames, may be given for each frame.
    """
    count = strength.size
    periods = np.broadcast_to(np.asarray(period, dtype=np.float64), (count,))
    typical = float(np.median(periods)) if count else 1.0
    shortest, longest = max(2, int(typical * 0.6)), int(typical * 1.7) + 1
    steps = np.arange(longest, shortest - 1, -1)
    total = np.zeros(count + longest)
    origin = np.full(count, -1)
    for start in range(0, count, shortest):
        frames = np.arange(start, min(start + shortest, count))
        cost = _TIGHTNESS * np.square(np.log(steps / periods[frames, None]))
        reached = total[frames[:, None] + longest - steps] - cost
        best = reached.argmax(axis=1)
        gain = reached[np.arange(frames.size), best]
        total[frames + longest] = strength[frames] + np.maximum(gain, 0.0)
        origin[frames] = np.where(gain > 0, frames - steps[best], -1)
    if count == 0:
        return np.empty(0)
    tail = max(0, count - round(typical) - 1)
    frame = tail + int(np.argmax(total[longest + tail :]))
    chain = []
    while frame >= 0:
        chain.append(frame)
        frame = int(origin[frame])
    return np.array(chain[::-1], dtype=np.float64)


def profile(curves: Array, beats: Array) -> Array:
    """The mean of each of `curves` at `PHASES` places within the beat, less its mean and scaled: (phases, curves)."""
    place = np.interp(np.arange((beats.size - 1) * PHASES) / PHASES, np.arange(beats.size), beats)
    low = np.clip(place.astype(np.intp), 0, curves.shape[0] - 2)
    part = (place - low)[:, None]
    values = curves[low] * (1 - part) + curves[low + 1] * part
    mean = values.reshape(-1, PHASES, curves.shape[1]).mean(axis=0)
    mean -= mean.mean(axis=0)
    return np.asarray(mean / (mean.std(axis=0) + 0.15 * curves.std(axis=0) + 1e-6))


def phase_features(evidence: Evidence, beats: Array) -> Array:
    """The beat's profile as seen from each of its phases, and how near that phase the music began: (phases, n)."""
    table = profile(evidence.curves, beats)
    onsets = evidence.curves[:, 0]
    first = int(np.argmax(onsets > 0.5 * np.percentile(onsets, 95)))
    period = float(np.median(np.diff(beats)))
    turn = (first - beats[0]) / period * PHASES
    away = np.abs((np.arange(PHASES) - turn + PHASES / 2) % PHASES - PHASES / 2)
    begun = np.exp(-0.5 * np.square(away / 0.8))
    return np.stack([np.append(np.roll(table, -phase, axis=0).ravel(), begun[phase]) for phase in range(PHASES)])


def track(evidence: Evidence, period: float) -> Array:
    """Beats of a section as (fractional) frames, for a beat of `period` frames."""
    beats = follow(evidence.strength, period)
    if beats.size < 4:
        return beats
    phase = int(np.argmax(model("phase").scores(phase_features(evidence, beats))))
    if phase == 0:
        return beats
    shifted = np.interp(np.arange(beats.size) + phase / PHASES, np.arange(beats.size), beats)[:-1]
    return follow(evidence.strength * _near(shifted, evidence.strength.size, period), period)


def _near(beats: Array, count: int, period: float) -> Array:
    """A curve of `count` frames, one at `beats` and falling to nothing a quarter of a period away."""
    frames = np.arange(count)
    after = np.clip(np.searchsorted(beats, frames), 1, beats.size - 1)
    distance = np.minimum(np.abs(frames - beats[after - 1]), np.abs(beats[after] - frames))
    outside = np.minimum(np.abs(frames - beats[0]), np.abs(frames - beats[-1]))
    distance = np.where((frames < beats[0]) | (frames > beats[-1]), outside % period, distance)
    distance = np.minimum(distance, np.maximum(period - distance, 0.0))
    return np.asarray(np.exp(-0.5 * np.square(distance / (0.08 * period))))
