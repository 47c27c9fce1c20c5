"""Listens for the beginnings of notes: how much new energy each part of the spectrum gains, frame by frame."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from otolith.library.engine.spectrum import Float32, Framer, Series, hann, power_spectra

RATE = 22050
HOP = 256
FRAME_RATE = RATE / HOP
GROUPS = 5
_WINDOW = 2048
_BATCH = 256
BANDS = 84
_LOWEST, _HIGHEST = 28.0, 10000.0
_GROUP_EDGES = (130.0, 320.0, 1000.0, 3500.0)
_LAG = 3
_FLOOR = 1e-3  # 60 dB under the loudest band of the recent past.
_SILENCE = 1e-6
_FORGET = 0.25  # Nepers of level a batch of 3 s.


def _warp(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(hertz < 400.0, hertz / 400.0, 1.0 + np.log(np.maximum(hertz, 400.0) / 400.0))


def _edges() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The edges of the bands, evenly spaced on the warped scale, and in Hz."""
    low, high = _warp(np.array([_LOWEST, _HIGHEST]))
    edges = np.linspace(low, high, BANDS + 2)
    return edges, np.where(edges < 1.0, edges * 400.0, 400.0 * np.exp(edges - 1.0))


def band_centres() -> NDArray[np.float64]:
    """The middle of each band in Hz."""
    return _edges()[1][1:-1]


def _filterbank() -> tuple[Float32, NDArray[np.intp]]:
    """Triangular bands, linear below 400 Hz and logarithmic above (Slaney's mel scale stretched), and their groups."""
    bins = np.arange(_WINDOW // 2 + 1) * RATE / _WINDOW
    edges, hertz = _edges()
    position = _warp(bins)[:, None]
    step = edges[1] - edges[0]
    weights = np.maximum(0.0, 1.0 - np.abs(position - edges[None, 1:-1]) / step)
    weights /= np.maximum(weights.sum(axis=0), 1e-9)
    return weights.astype(np.float32), np.searchsorted(np.array(_GROUP_EDGES), hertz[1:-1])


class OnsetStream:
    """Spectral flux in five groups of bands, in the manner of SuperFlux (Böck and Widmer, DAFx 2013).

    The magnitudes are compressed by a logarithm whose floor follows the loudest band of the recent past, so that
    the answer does not depend on the level of the recording. Each band is compared with the strongest of its
    neighbours `_LAG` frames earlier, which keeps vibrato from counting as new notes. `listen` is handed each batch of
    frames with the power of their bands, for who needs the same spectra.
    """

    def __init__(self, listen: Callable[[Float32, Float32], None] | None = None) -> None:
        self._listen = listen
        self._framer = Framer(_WINDOW, HOP, _BATCH)
        self._window = hann(_WINDOW)
        self._weights, group = _filterbank()
        self._mix = np.zeros((BANDS, GROUPS), dtype=np.float32)
        self._mix[np.arange(BANDS), group] = 1.0
        self._mix /= self._mix.sum(axis=0)
        self._before: Float32 = np.zeros((_LAG, BANDS), dtype=np.float32)
        self._reference = 0.0
        self.flux = Series(GROUPS)

    def push(self, samples: Float32) -> None:
        for frames in self._framer.push(samples):
            self._hear(frames)

    def finish(self) -> None:
        for frames in self._framer.finish():
            self._hear(frames)

    def _hear(self, frames: Float32) -> None:
        power = power_spectra(frames, self._window) @ self._weights
        if self._listen is not None:
            self._listen(frames, power)
        bands = np.sqrt(power)
        joined = np.concatenate([self._before, bands])
        self._before = joined[-_LAG:]
        self._reference = max(float(bands.max()), self._reference * float(np.exp(-_FORGET)))
        if self._reference < _SILENCE:
            self.flux.append(np.zeros((bands.shape[0], GROUPS), dtype=np.float32))
            return
        level = np.log(joined / np.float32(self._reference) + np.float32(_FLOOR))
        earlier = maximum_filter1d(level[:-_LAG], 3, axis=1, mode="nearest")
        rise = np.maximum(level[_LAG:] - earlier, 0.0)
        self.flux.append(rise @ self._mix)
