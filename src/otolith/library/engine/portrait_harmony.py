"""Describes harmony in whatever key: which intervals sound together and follow each other, and how fast."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from otolith.library.engine.chroma import FRAME_RATE, harmonic_change

Array = NDArray[np.float64]
_LAGS = tuple(round(seconds * FRAME_RATE) for seconds in (0.5, 1.0, 2.0))
_LONG = round(4 * FRAME_RATE)
_MAJOR = np.isin(np.arange(12), (0, 4, 7)).astype(np.float64)
_MINOR = np.isin(np.arange(12), (0, 3, 7)).astype(np.float64)


def describe(chroma: NDArray[np.floating]) -> Array:
    """Statistics of the chroma (n, 24), treble and bass, n > 0; transposing a piece does not change them."""
    table = chroma.astype(np.float64)
    treble, bass = table[:, :12], table[:, 12:]
    shares = [_share(side) for side in (treble, bass)]
    long_term = [_share(side.mean(axis=0, keepdims=True)) for side in (treble, bass)]
    windows = [_share(uniform_filter1d(side, _LONG, axis=0, mode="nearest")[:: _LONG // 2]) for side in (treble, bass)]
    return np.concatenate(
        [
            *(_intervals(side, side)[1:7] for side in shares + windows + long_term),
            _intervals(shares[1], shares[0]),
            *(_intervals(side[:-lag], side[lag:]) for lag in _LAGS for side in shares),
            *(_spread(side) for side in shares + long_term),
            _fullness(treble, bass),
            _change(table),
            _modes(shares[0]),
        ]
    )


def _share(side: Array) -> Array:
    return np.asarray(side / np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 0.3))


def _intervals(earlier: Array, later: Array) -> Array:
    """For each of the twelve steps up from a pitch class in `earlier`, how much of `later` sounds there."""
    if earlier.shape[0] == 0:
        return np.zeros(12)
    one, other = np.fft.rfft(earlier, axis=1), np.fft.rfft(later, axis=1)
    return np.asarray(np.fft.irfft((np.conj(one) * other).mean(axis=0), 12))


def _spread(side: Array) -> Array:
    """Over how many pitch classes the sound is spread: one for a single tone, more for chords and clusters."""
    total = side.sum(axis=1)
    return np.array([total.mean(), np.sort(side, axis=1)[:, -1].mean()])


def _fullness(treble: Array, bass: Array) -> Array:
    high, low = treble.sum(axis=1), bass.sum(axis=1)
    return np.array([np.log(high.mean() + 1), np.log(low.mean() + 1), np.log(high.std() + 1), np.log(low.std() + 1)])


def _change(table: Array) -> Array:
    change = harmonic_change(table)
    return np.concatenate([change.mean(axis=0), change.std(axis=0), np.percentile(change, 90, axis=0)])


def _modes(treble: Array) -> Array:
    """How much what sounds is like some major triad, like some minor triad, and the difference."""
    likeness = [
        np.fft.irfft(np.fft.rfft(treble, axis=1) * np.conj(np.fft.rfft(shape)), 12, axis=1).max(axis=1).mean()
        for shape in (_MAJOR, _MINOR)
    ]
    return np.array([*likeness, 10 * (likeness[0] - likeness[1])])
