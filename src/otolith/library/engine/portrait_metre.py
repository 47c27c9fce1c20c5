"""Describes the pattern of a bar: how onsets high and low take turns, whatever the tempo, wherever the bar begins."""

import numpy as np
from numpy.typing import NDArray

from otolith.library.engine.onsets import FRAME_RATE, GROUPS

Array = NDArray[np.float64]
_PARTS = 12  # Of a beat: halves, thirds and quarters all fall on one.
_BEATS = 12  # A window: bars of two, three and four beats all fit in.
# Times in twelve beats: from once in four beats to six times a beat.
_TIMES = np.array([3, 4, 6, 8, 9, 12, 15, 16, 18, 21, 24, 30, 36, 48, 72])
_PAIRS = np.triu_indices(GROUPS, 1)
_SLOWEST = 0.8  # Seconds a beat; a tempo that was taken for half or double of it gives the same pattern.
SIZE = _TIMES.size * (GROUPS + 2 * _PAIRS[0].size)


def describe(table: Array, beats: Array) -> Array:
    """Cross spectra (SIZE,) of the smoothed onsets (n, GROUPS) over beats, which are given in seconds.

    The phase between two groups of bands tells the drum on one and three from the drum on two and four, and does not
    change with where the counting began.
    """
    if beats.size < _BEATS // 2 or table.shape[0] < 2:
        return np.zeros(SIZE)
    windows = _windows(_folded(table, beats))
    spectra = np.fft.rfft(windows - windows.mean(axis=1, keepdims=True), axis=1)[:, _TIMES]
    crossed = np.einsum("wkg,wkh->kgh", spectra, np.conj(spectra)) / windows.shape[0]
    own = np.einsum("kgg->kg", crossed).real
    whole = own.sum(axis=0) + 1e-6
    between = crossed / np.sqrt(whole[:, None] * whole)
    pairs = between[:, *_PAIRS]
    pairs = pairs / np.sqrt(np.abs(pairs) + 1e-6)
    return np.concatenate([np.sqrt(own / whole).ravel(), pairs.real.ravel(), pairs.imag.ravel()])


def _folded(table: Array, beats: Array) -> Array:
    """The onsets at every twelfth of a beat, a beat lasting from 0.4 to 0.8 seconds."""
    period = float(np.median(np.diff(beats)))
    octave = int(np.ceil(np.log2(period / _SLOWEST)))
    step = 2.0**-octave / _PARTS
    places = np.interp(np.arange(0, beats.size - 1, step), np.arange(beats.size), beats * FRAME_RATE)
    frames = np.arange(table.shape[0])
    return np.stack([np.interp(places, frames, column) for column in table.T], axis=1)


def _windows(folded: Array) -> Array:
    """Overlapping stretches of twelve beats: (windows, places, GROUPS)."""
    size = _BEATS * _PARTS
    if folded.shape[0] < size:
        folded = np.resize(folded, (size, folded.shape[1]))
    view = np.lib.stride_tricks.sliding_window_view(folded, size, axis=0)[:: size // 3]
    return np.asarray(view.transpose(0, 2, 1))
