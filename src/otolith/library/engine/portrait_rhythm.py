"""Describes rhythm: how dense the onsets are, how they repeat, where in the beat they fall, and what makes a bar."""

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.ndimage import gaussian_filter1d

from otolith.library.engine import portrait_metre
from otolith.library.engine.onsets import FRAME_RATE, GROUPS

Array = NDArray[np.float64]
_LAGS = np.geomspace(0.1, 3.2, 24)  # Seconds.
_BEATS = np.array([0.25, 1 / 3, 0.5, 2 / 3, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0])
_WINDOW = 512
_QUICK_EDGES = np.geomspace(0.5, 20.0, 12)  # Hz.
_PARTS_OF_BEAT = 8
_BLUR = 1.5  # Frames.
_USUAL_PERIOD = 0.5
_LONGEST = round(6.6 * FRAME_RATE)
_PEAK = 0.25  # An onset rises at least this many nepers more than its surroundings.


def describe(flux: NDArray[np.floating], tempo: float | None, confidence: float | None, beats: Array) -> Array:
    """Statistics of the onsets (n, GROUPS), with what was found of the beat, n > 0."""
    table = flux.astype(np.float64)
    table = np.minimum(table, 1.5 * np.percentile(table, 99, axis=0))
    table = gaussian_filter1d(table, _BLUR, axis=0)
    curves = np.concatenate([table.sum(axis=1, keepdims=True), table], axis=1)
    period = 60.0 / tempo if tempo else _USUAL_PERIOD
    return np.concatenate(
        [
            [np.log(_USUAL_PERIOD / period), confidence or 0.0],
            _density(curves),
            _repetition(curves, period),
            _quick_movement(table),
            _place_in_beat(table, beats),
            portrait_metre.describe(table, beats, confidence or 0.0),
        ]
    )


def onset_rate(flux: NDArray[np.floating]) -> float:
    """Notes and strokes that begin, a second."""
    if flux.shape[0] < 3:
        return 0.0
    curve = gaussian_filter1d(flux.astype(np.float64).sum(axis=1), _BLUR)
    return float(_peaks(curve[:, None])[0])


def _peaks(curves: Array) -> Array:
    """How many peaks a second each curve (n, columns) has that stand clear of what is around them."""
    clear = gaussian_filter1d(curves, 12.0, axis=0) + _PEAK * np.maximum(curves.std(axis=0), 0.02)
    inner = curves[1:-1]
    is_peak = (inner > curves[:-2]) & (inner >= curves[2:]) & (inner > clear[1:-1])
    return np.asarray(is_peak.sum(axis=0) / curves.shape[0] * FRAME_RATE)


def _density(curves: Array) -> Array:
    mean, spread = curves.mean(axis=0), curves.std(axis=0)
    share = mean[1:] / (mean[0] + 0.01)
    strongest = np.percentile(curves, 98, axis=0)
    return np.concatenate(
        [
            [np.log(mean[0] + 0.01)],
            share,
            np.log((spread + 0.01) / (mean + 0.01)),
            np.log((strongest + 0.05) / (mean + 0.05)),
            np.log1p(_peaks(curves)),
        ]
    )


def _repetition(curves: Array, period: float) -> Array:
    """How far each curve repeats after so many seconds and so many beats, and the highest after the lowest."""
    centred = curves - curves.mean(axis=0)
    size = fft.next_fast_len(centred.shape[0] + _LONGEST, real=True)
    spectra = fft.rfft(centred, size, axis=0)
    own = fft.irfft(np.square(np.abs(spectra)), size, axis=0)[:_LONGEST]
    power = np.maximum(own[0], 1e-9)
    crossed = fft.irfft(spectra[:, 1] * np.conj(spectra[:, -1] + spectra[:, -2]), size)[:_LONGEST]
    crossed = crossed / np.sqrt(power[1] * (power[-1] + power[-2]))
    table = np.concatenate([own / power, crossed[:, None]], axis=1)
    # What repeats nearly after a time counts nearly as much; otherwise no two pieces would ever be alike.
    table = np.concatenate([table[:4], gaussian_filter1d(table, 2.0, axis=0)[4:]])
    places = np.concatenate([_LAGS, np.minimum(_BEATS * period, 6.4)]) * FRAME_RATE
    frames = np.arange(table.shape[0])
    return np.concatenate([np.interp(places, frames, column) for column in table.T])


def _quick_movement(table: Array) -> Array:
    """The fluctuation pattern: how strongly each group of bands pulses, from 0.5 to 20 times a second."""
    if table.shape[0] < _WINDOW:
        table = np.pad(table, ((0, _WINDOW - table.shape[0]), (0, 0)))
    view = np.lib.stride_tricks.sliding_window_view(table, _WINDOW, axis=0)[:: _WINDOW // 2]
    strength = np.abs(fft.rfft((view - view.mean(axis=2, keepdims=True)) * np.hanning(_WINDOW), axis=2))
    mean = strength.mean(axis=0)
    hertz = np.fft.rfftfreq(_WINDOW, 1 / FRAME_RATE)
    places = np.searchsorted(hertz, _QUICK_EDGES)
    ranges = np.add.reduceat(mean, places, axis=1)[:, :-1] / np.diff(places)
    return np.asarray(np.log((ranges + 1e-3) / (ranges.mean(axis=1, keepdims=True) + 1e-3)).ravel())


def _place_in_beat(table: Array, beats: Array) -> Array:
    """The mean onset of each group in each eighth of the beat, relative to the group's mean."""
    if beats.size < 4:
        return np.zeros(GROUPS * _PARTS_OF_BEAT)
    parts = np.interp(
        np.arange((beats.size - 1) * _PARTS_OF_BEAT) / _PARTS_OF_BEAT, np.arange(beats.size), beats * FRAME_RATE
    )
    places = np.clip(np.rint(parts).astype(np.intp), 0, table.shape[0] - 1)
    # The strongest of three frames, because no stroke falls on its place to the frame.
    near = np.maximum.reduce([table[np.clip(places + shift, 0, table.shape[0] - 1)] for shift in (-2, 0, 2)])
    profile = near.reshape(-1, _PARTS_OF_BEAT, GROUPS).mean(axis=0)
    return np.asarray(np.log((profile + 0.02) / (profile.mean(axis=0) + 0.02)).T.ravel())
