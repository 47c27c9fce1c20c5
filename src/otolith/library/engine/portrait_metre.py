"""Describes the pattern of a bar: how onsets high and low take turns, over beats and over seconds."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from otolith.library.engine.onsets import FRAME_RATE, GROUPS

Array = NDArray[np.float64]
Spectra = NDArray[np.complex128]
_PARTS = 12  # Of a beat: halves, thirds and quarters all fall on one.
_BEATS = 12  # A window: bars of two, three and four beats all fit in.
# Times in twelve beats: from once in four beats to six times a beat.
_TIMES = np.array([3, 4, 6, 8, 9, 12, 15, 16, 18, 21, 24, 30, 36, 48, 72])
_PAIRS = np.triu_indices(GROUPS, 1)
_SLOWEST = 0.8  # Seconds a beat; a tempo that was taken for half or double of it gives the same pattern.
_HERTZ = np.geomspace(0.4, 12.0, 18)
_WIDTH = 0.12  # Of a range around each of these, as a natural logarithm: tempi so far apart still go together.
_WINDOW = round(8 * FRAME_RATE)
_OF_ONE = GROUPS + 2 * _PAIRS[0].size
OVER_BEATS = _TIMES.size * _OF_ONE
"""So many of the numbers hang on the beats."""
SIZE = OVER_BEATS + _HERTZ.size * _OF_ONE


def describe(table: Array, beats: Array, confidence: float) -> Array:
    """Cross spectra (SIZE,) of the smoothed onsets (n, GROUPS) over beats, given in seconds, and over seconds, n > 0.

    The phase between two groups of bands tells the drum on one and three from the drum on two and four, and does not
    change with where the counting began. What is told over beats counts as far as these are sure, from 0 to 1: a copy
    in which others are found, or none, would otherwise be another piece. What is told over seconds asks for no beat.
    """
    return np.concatenate([_over_beats(table, beats, confidence), _over_seconds(table)])


def _over_beats(table: Array, beats: Array, confidence: float) -> Array:
    if beats.size < _BEATS // 2 or table.shape[0] < 2:
        confidence, spectra = 0.0, np.ones((1, _TIMES.size, GROUPS), np.complex128)
    else:
        windows = _windows(_folded(table, beats), _BEATS * _PARTS)
        spectra = np.fft.rfft(windows - windows.mean(axis=1, keepdims=True), axis=1)[:, _TIMES]
    own, pairs = _crossed(np.einsum("wkg,wkh->kgh", spectra, np.conj(spectra)) / spectra.shape[0])
    # In doubt every pulse is as strong as the others, and none goes with another.
    own = confidence * own + (1 - confidence) / np.sqrt(_TIMES.size)
    return _flat(own, confidence * pairs)


def _over_seconds(table: Array) -> Array:
    windows = _windows(table, _WINDOW)
    shape = np.hanning(_WINDOW)[:, np.newaxis]
    spectra = np.fft.rfft((windows - windows.mean(axis=1, keepdims=True)) * shape, axis=1)[:, : _ranges().shape[1]]
    crossed = np.einsum("wkg,wkh->kgh", spectra, np.conj(spectra)) / spectra.shape[0]
    return _flat(*_crossed(np.einsum("nk,kgh->ngh", _ranges(), crossed)))


@cache
def _ranges() -> Array:
    """How much each frequency of a window counts for each range (ranges, frequencies)."""
    hertz = np.fft.rfftfreq(_WINDOW, 1 / FRAME_RATE)
    hertz = hertz[hertz < 2 * _HERTZ[-1]]
    apart = np.log(np.maximum(hertz, 1e-3) / _HERTZ[:, np.newaxis])
    table = np.exp(-0.5 * np.square(apart / _WIDTH))
    return np.asarray(table / table.sum(axis=1, keepdims=True))


def _crossed(crossed: Spectra) -> tuple[Array, Spectra]:
    """How strongly each group pulses, and how each goes with each other, from cross spectra (n, GROUPS, GROUPS)."""
    own = np.einsum("kgg->kg", crossed).real
    whole = own.sum(axis=0) + 1e-6
    between = crossed / np.sqrt(whole[:, None] * whole)
    pairs = between[:, *_PAIRS]
    return np.sqrt(own / whole), np.asarray(pairs / np.sqrt(np.abs(pairs) + 1e-6))


def _flat(own: Array, pairs: Spectra) -> Array:
    return np.concatenate([own.ravel(), pairs.real.ravel(), pairs.imag.ravel()])


def _folded(table: Array, beats: Array) -> Array:
    """The onsets at every twelfth of a beat, a beat lasting from 0.4 to 0.8 seconds."""
    period = float(np.median(np.diff(beats)))
    octave = int(np.ceil(np.log2(period / _SLOWEST)))
    step = 2.0**-octave / _PARTS
    places = np.interp(np.arange(0, beats.size - 1, step), np.arange(beats.size), beats * FRAME_RATE)
    frames = np.arange(table.shape[0])
    return np.stack([np.interp(places, frames, column) for column in table.T], axis=1)


def _windows(rows: Array, size: int) -> Array:
    """Overlapping stretches of so many rows: (windows, size, GROUPS)."""
    if rows.shape[0] < size:
        rows = np.resize(rows, (size, rows.shape[1]))
    view = np.lib.stride_tricks.sliding_window_view(rows, size, axis=0)[:: size // 3]
    return np.asarray(view.transpose(0, 2, 1))
