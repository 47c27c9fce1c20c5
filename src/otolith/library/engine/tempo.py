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
_CROSS_MULTIPLES = (1 / 2, 1, 3 / 2, 2, 3, 4, 6)
_USUAL_TEMPO = 115.0
_REGULAR = 0.5  # A pulse whose onsets repeat this well over 40 s leaves no doubt that there is one.


@dataclass(frozen=True, slots=True)
class Tempogram:
    """How a section repeats, averaged over windows.

    `onsets` (lags, 6) and `harmony` (lags, 2) are autocorrelations; `cross` (lags, 1) is the correlation of low
    onsets with high ones, as of a bass drum with a snare. `note_rate` and `chord_rate` count changes a second.
    """

    onsets: Array
    harmony: Array
    cross: Array
    note_rate: float
    chord_rate: float


@dataclass(frozen=True, slots=True)
class Pulse:
    """A beat's period in seconds, and how sure it is (0..1) that there is a pulse and that this is the beat."""

    period: float
    confidence: float


def tempogram(evidence: Evidence) -> Tempogram:
    harmony = evidence.harmony[:, 0]
    return Tempogram(
        _autocorrelation(evidence.onsets, FRAME_RATE),
        _autocorrelation(evidence.harmony, CHROMA_RATE),
        _cross_correlation(evidence.onsets),
        0.1 + _peaks(evidence.strength, 98) / evidence.strength.size * FRAME_RATE,
        0.02 + _peaks(harmony, 99) / harmony.size * CHROMA_RATE,
    )


def _peaks(curve: Array, percentile: float) -> int:
    """How many maxima of `curve` reach half of its `percentile`."""
    inner = curve[1:-1]
    tall = inner > 0.5 * np.percentile(curve, percentile)
    return int(np.count_nonzero((inner > curve[:-2]) & (inner >= curve[2:]) & tall))


def _cross_correlation(onsets: Array) -> Array:
    curves = onsets - moving_mean(onsets, round(_DETREND_SECONDS * FRAME_RATE))
    low = curves[:, 1] + 0.5 * curves[:, 2]
    high = curves[:, 4] + 0.5 * (curves[:, 3] + curves[:, 5])
    count, lags = low.size, int(_LONGEST_LAG * FRAME_RATE)
    size = fft.next_fast_len(count + lags, real=True)
    both = fft.irfft(np.real(fft.rfft(low, size) * np.conj(fft.rfft(high, size))), size)[:lags]
    bias = np.maximum(count - np.arange(lags), 1) / count
    return np.asarray((both / bias / (np.sqrt(np.sum(low**2) * np.sum(high**2)) + 1e-9))[:, None])


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
    """What is known of each candidate: (periods, n)."""
    octaves = np.log2(60.0 / periods / _USUAL_TEMPO)
    notes, chords = np.log2(gram.note_rate * periods), np.log2(gram.chord_rate * periods)
    single = [octaves, octaves**2, np.abs(octaves)]
    single += [np.maximum(octaves - 0.6, 0) ** 2, np.maximum(-octaves - 0.6, 0) ** 2]
    single += [notes, notes**2, chords, chords**2]
    tables = [
        _examine(gram.onsets, FRAME_RATE, periods, _MULTIPLES),
        _examine(gram.harmony, CHROMA_RATE, periods, _MULTIPLES),
        _examine(gram.cross, FRAME_RATE, periods, _CROSS_MULTIPLES),
    ]
    return np.concatenate([*tables, np.stack(single, axis=1)], axis=1)


def _examine(curve: Array, rate: float, periods: Array, multiples: tuple[float, ...]) -> Array:
    """`curve` at `multiples` of each period, zero where the lag is too long or too short to be known."""
    lags = periods[:, None] * np.array(multiples)
    known = (lags < _LONGEST_LAG - 0.2) & (lags * rate > 1.6)
    values = _at(curve, rate, lags.ravel()).reshape(*lags.shape, -1)
    return np.asarray((values * known[..., None]).reshape(periods.size, -1))


def find_pulse(evidence: Evidence) -> Pulse | None:
    """The most likely beat of a section, or None where nothing repeats."""
    gram = tempogram(evidence)
    periods = candidates(gram)
    if periods.size == 0:
        return None
    chances = softmax(model("tempo").scores(features(gram, periods)))
    best = int(np.argmax(chances))
    lags = periods[best] * np.arange(1, 5)
    salience = float(_at(gram.onsets[:, :1], FRAME_RATE, lags[lags < _LONGEST_LAG])[:, 0].max())
    # Chance likeness, which noise shows as well, shrinks with the square root of the time listened to.
    seconds = evidence.strength.size / FRAME_RATE
    regular = min(1.0, max(0.0, salience) * float(np.sqrt(seconds / 40.0)) / _REGULAR)
    return Pulse(float(periods[best]), float(chances[best]) * regular)
