"""Turns the two streams the engine keeps, onsets and chroma, into the curves that tempo and beats are read from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from otolith.library.engine.chroma import FRAME_RATE as CHROMA_RATE
from otolith.library.engine.chroma import harmonic_change
from otolith.library.engine.onsets import FRAME_RATE
from otolith.library.engine.spectrum import moving_mean

Array = NDArray[np.float64]
_OUTLIER = 1.5
_BLUR = 1.3  # Frames: played music is not exact to 12 ms.
# How much the sum of all onsets, the five groups from bass to treble, and change of harmony and of bass count
# towards a beat.
_STRENGTH = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 1.5, 0.5, 0.5])


@dataclass(frozen=True, slots=True)
class Evidence:
    """One section of a recording: `curves` (frames, 8) at the onset rate, `strength` (frames,) of a beat.

    The columns of `curves` are the onsets of all bands, of each of the five groups, and the change of harmony and
    of bass. `onsets` and `harmony` are the same before they were brought to one rate.
    """

    onsets: Array
    harmony: Array
    curves: Array
    strength: Array


def gather(flux: NDArray[np.floating], chroma: NDArray[np.floating]) -> Evidence:
    """Evidence from onset flux (n, 5) and chroma (m, 24) of the same stretch of time."""
    table = flux.astype(np.float64)
    # The first sound after silence rises by the whole range of the logarithm; it must not outweigh the music.
    table = np.minimum(table, _OUTLIER * np.percentile(table, 99, axis=0))
    groups = gaussian_filter1d(table, _BLUR, axis=0)
    onsets = np.concatenate([groups.sum(axis=1, keepdims=True), groups], axis=1)
    harmony = harmonic_change(chroma)
    time = np.arange(onsets.shape[0]) * (CHROMA_RATE / FRAME_RATE)
    slow = np.stack([np.interp(time, np.arange(harmony.shape[0]), column) for column in harmony.T], axis=1)
    curves = np.concatenate([onsets, slow], axis=1)
    return Evidence(onsets, harmony, curves, _beat_strength(curves))


def _beat_strength(curves: Array) -> Array:
    spread = curves.std(axis=0)
    floor = np.concatenate([[1e-9], np.full(5, 0.25 * spread[1:6].max() + 1e-9), [0.05, 0.05]])
    mixed = (curves / (spread + floor)) @ _STRENGTH
    window = round(6 * FRAME_RATE)
    mean = moving_mean(mixed, window)
    local = np.sqrt(moving_mean(np.square(mixed - mean), window))
    return np.asarray(mixed / (local + 0.2 * local.max() + 1e-9))
