"""Finds the tempo: candidates from the autocorrelation of the onsets, judged by how the music repeats around them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from otolith.library.engine.chroma import FRAME_RATE as CHROMA_RATE
from otolith.library.engine.evidence import Evidence
from otolith.library.engine.music_model import model, softmax
from otolith.library.engine.onsets import FRAME_RATE
from otolith.library.engine.spectrum import moving_mean

Array = NDArray[np.float64]
_WINDOW_SECONDS = 24.0
_LONGEST_LAG = 8.5
_DETREND_SECONDS = 3.0
_SHORTEST_BEAT, _LONGEST_BEAT = 0.27, 1.6
_CANDIDATES = 14
_PEAKS = 10
# What a lag with a strong peak may be in beats, and the lags, in beats, at which a candidate is examined.
_RATIOS = (1, 2, 3, 4, 6, 8, 1 / 2, 1 / 3, 2 / 3, 3 / 2, 3 / 4, 4 / 3)
_MULTIPLES = (1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 1, 4 / 3, 3 / 2, 2, 3, 4, 6, 8)
_USUAL_TEMPO = 115.0


@dataclass(frozen=True, slots=True)
class Tempogram:
    """Autocorrelation, averaged over windows, of the onset curves (lags, 6) and of harmonic change (lags, 2)."""

    onsets: Array
    harmony: Array


@dataclass(frozen=True, slots=True)
class Pulse:
    """A beat's period in seconds, how sure the model is of it (0..1) and how strongly the onsets repeat with it."""

    period: float
    probability: float
    salience: float


def tempogram(evidence: Evidence) -> Tempogram:
    return Tempogram(_autocorrelation(evidence.onsets, FRAME_RATE), _autocorrelation(evidence.harmony, CHROMA_RATE))


def _autocorrelation(curves: Array, rate: float) -> Array:
    curves = curves - moving_mean(curves, round(_DETREND_SECONDS * rate))
    count = curves.shape[0]
    lags = int(_LONGEST_LAG * rate)
    window = min(int(_WINDOW_SECONDS * rate), count)
    starts = list(range(0, count - window + 1, max(1, window // 2)))
    if count - window - starts[-1] > window // 4:
        starts.append(count - window)
    size = fft.next_fast_len(2 * max(window, lags), real=True)
    bias = np.maximum(window - np.arange(lags), 1)[:, None] / window
    total = np.zeros((lags, curves.shape[1]))
    for start in starts:
        spectrum = fft.rfft(curves[start : start + window], size, axis=0)
        raw = fft.irfft(np.square(np.abs(spectrum)), size, axis=0)[:lags]
        total += raw / bias / np.where(raw[0] > 1e-9, raw[0], np.inf)
    return total / len(starts)


def _at(curve: Array, rate: float, lags: Array, tolerance: float = 0.02) -> Array:
    """The highest value of each column of `curve` within `tolerance` of each of `lags` seconds: (lags, columns)."""
    steps = 1.0 + tolerance * np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
    place = np.clip(lags[:, None] * rate * steps, 0, curve.shape[0] - 2)
    low = place.astype(np.intp)
    part = (place - low)[..., None]
    return np.asarray((curve[low] * (1 - part) + curve[low + 1] * part).max(axis=1))


def candidates(gram: Tempogram) -> Array:
    """Beat periods in seconds worth judging, at most `_CANDIDATES`, no two within 3 %."""
    curve = gram.onsets[:, 0]
    inner = curve[1:-1]
    peaks = np.flatnonzero((inner > curve[:-2]) & (inner >= curve[2:])) + 1
    peaks = peaks[(peaks > 0.2 * FRAME_RATE) & (peaks < 4.3 * FRAME_RATE)]
    peaks = peaks[np.argsort(-curve[peaks], kind="stable")][:_PEAKS]
    if peaks.size == 0:
        return np.empty(0)
    left, middle, right = curve[peaks - 1], curve[peaks], curve[peaks + 1]
    lag = (peaks + 0.5 * (left - right) / np.minimum(left - 2 * middle + right, -1e-12)) / FRAME_RATE
    periods = (lag[:, None] / np.array(_RATIOS)).ravel()
    periods = periods[(periods >= _SHORTEST_BEAT) & (periods <= _LONGEST_BEAT)]
    multiples = periods[:, None] * np.array([1, 2, 3, 4])
    values = _at(gram.onsets[:, :1], FRAME_RATE, multiples.ravel(), 0.01).reshape(multiples.shape)
    salience = np.where(multiples < _LONGEST_LAG, values, 0.0).sum(axis=1)
    kept: list[float] = []
    for period in periods[np.argsort(-salience, kind="stable")]:
        if all(abs(np.log(period / other)) > 0.03 for other in kept):
            kept.append(float(period))
            if len(kept) == _CANDIDATES:
                break
    return np.array(kept)


def features(gram: Tempogram, periods: Array) -> Array:
    """What is known of each candidate: (periods, n). The last five columns are about the tempo alone."""
    lags = periods[:, None] * np.array(_MULTIPLES)
    known = (lags < _LONGEST_LAG - 0.2)[..., None]
    onsets = _at(gram.onsets, FRAME_RATE, lags.ravel()).reshape(*lags.shape, -1) * known
    harmony = _at(gram.harmony, CHROMA_RATE, lags.ravel()).reshape(*lags.shape, -1) * known
    harmony *= (lags > 0.15)[..., None]
    octaves = np.log2(60.0 / periods / _USUAL_TEMPO)
    prior = [octaves, octaves**2, np.abs(octaves)]
    prior += [np.maximum(octaves - 0.6, 0) ** 2, np.maximum(-octaves - 0.6, 0) ** 2]
    count = periods.size
    return np.concatenate([onsets.reshape(count, -1), harmony.reshape(count, -1), np.stack(prior, axis=1)], axis=1)


def find_pulse(evidence: Evidence) -> Pulse | None:
    """The most likely beat of a section, or None where nothing repeats."""
    gram = tempogram(evidence)
    periods = candidates(gram)
    if periods.size == 0:
        return None
    chances = softmax(model("tempo").scores(features(gram, periods)))
    best = int(np.argmax(chances))
    salience = float(_at(gram.onsets[:, :1], FRAME_RATE, periods[best : best + 1])[0, 0])
    return Pulse(float(periods[best]), float(chances[best]), salience)
