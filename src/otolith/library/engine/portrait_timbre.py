"""Describes timbre: how a recording's energy is spread over the spectrum, and how it moves there."""

from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct

from otolith.library.engine.spectrum import Float32
from otolith.library.engine.texture import FRAME_RATE

Array = NDArray[np.float64]
_KEPT = 40  # Pairs of bands, up to 8.6 kHz: what lies above is the first that a codec throws away.
_DEEPEST = -65.0  # Decibels under the mean power; what is fainter depends on codecs and converters.
_COEFFICIENTS = 20
_WIDE = 13
_GROUPS = 8
_WINDOW = 64
_SLOW_EDGES = (0.1, 0.5, 1.0, 2.0, 3.5, 5.5)  # Hz.


def describe(bands: Float32, flatness: Float32) -> Array:
    """Statistics of the sounding frames: `bands` (n, BANDS) and `flatness` (n, NOISE_BANDS) in decibels, n > 0.

    Nothing here depends on the level of the recording.
    """
    power = np.power(10.0, bands[:, :_KEPT] / 10)
    mean = 10 * np.log10(max(1e-12, float(power.sum(axis=1).mean())))
    level = np.maximum(bands[:, :_KEPT].astype(np.float64) - mean, _DEEPEST)
    cepstrum = dct(level, axis=1, norm="ortho")[:, :_COEFFICIENTS]
    return np.concatenate([_of_cepstrum(cepstrum), _of_bands(level), _of_flatness(flatness.astype(np.float64))])


def _of_cepstrum(cepstrum: Array) -> Array:
    """The mean shape of the spectrum, how much it moves, and how fast."""
    steps = np.abs(np.diff(cepstrum, axis=0, prepend=cepstrum[:1])).mean(axis=0)
    return np.concatenate(
        [
            cepstrum.mean(axis=0)[1:],
            np.log(cepstrum.std(axis=0) + 0.5),
            np.log(steps + 0.3),
        ]
    )


def _of_bands(level: Array) -> Array:
    """How far each part of the spectrum rises and falls, how it strikes, and how it swells."""
    wide = _pooled(level, _WIDE)
    low, middle, high = np.percentile(wide, (10, 50, 90), axis=0)
    rise = np.maximum(np.diff(wide, axis=0, prepend=wide[:1]), 0.0).mean(axis=0)
    return np.concatenate([low - middle, high - middle, np.log(rise + 0.2), _slow_movement(_pooled(level, _GROUPS))])


def _of_flatness(flatness: Array) -> Array:
    """How noisy each part of the spectrum is, at most times, at its purest and at its noisiest."""
    low, middle, high = np.percentile(flatness, (10, 50, 90), axis=0)
    return np.concatenate([low, middle, high, flatness.std(axis=0)])


def _pooled(level: Array, groups: int) -> Array:
    edges = np.rint(np.linspace(0, level.shape[1], groups + 1)).astype(np.intp)
    return np.asarray(np.add.reduceat(level, edges[:-1], axis=1) / np.diff(edges))


def _slow_movement(level: Array) -> Array:
    """How much of the movement in each part of the spectrum is slow and how much quick, from 0.1 to 5.5 Hz."""
    if level.shape[0] < _WINDOW:
        level = np.pad(level, ((0, _WINDOW - level.shape[0]), (0, 0)), mode="edge")
    view = np.lib.stride_tricks.sliding_window_view(level, _WINDOW, axis=0)[:: _WINDOW // 2]
    strength = np.abs(np.fft.rfft((view - view.mean(axis=2, keepdims=True)) * np.hanning(_WINDOW), axis=2))
    # (windows, groups, frequencies): the mean over the recording, in five ranges.
    ranges = strength.mean(axis=0) @ _slow_ranges()
    return np.asarray(np.log(ranges + 5.0).ravel())


@cache
def _slow_ranges() -> Array:
    hertz = np.fft.rfftfreq(_WINDOW, 1 / FRAME_RATE)
    inside = [(hertz >= low) & (hertz < high) for low, high in pairwise(_SLOW_EDGES)]
    table = np.stack(inside, axis=1).astype(np.float64)
    return np.asarray(table / np.maximum(table.sum(axis=0), 1.0))
