"""Keeps a coarse picture of the spectrum, of its noisiness and of the level, for the statistics of timbre."""

import numpy as np
from numpy.typing import NDArray

from otolith.library.engine import onsets
from otolith.library.engine.chroma import RATE, WINDOW
from otolith.library.engine.spectrum import Float32, Series

Codes = NDArray[np.uint8]

FRAME_RATE = onsets.FRAME_RATE / 8
BANDS = onsets.BANDS // 2
NOISE_EDGES = (60.0, 150.0, 300.0, 600.0, 1200.0, 2000.0, 3000.0, 4500.0, 6500.0, 9000.0)
NOISE_BANDS = len(NOISE_EDGES) - 1
LEVEL_RATE = onsets.FRAME_RATE
_POOLED = 8
_LOWEST = -120.0  # Decibels; the darkest a picture gets.
_STEP = 0.5
_FINEST = 10 ** (_LOWEST / 10)


class Texture:
    """Three series of small numbers, at most seven bytes for every 12 ms of sound.

    Told of the spectra that `OnsetStream` and `ChromaStream` make anyway: pairs of bands, as the mean power of 93 ms;
    the flatness (geometric over arithmetic mean) of the bins in nine bands, which is 0 dB for noise and far below for
    tones; and the mean power of each 12 ms of the waveform itself.
    """

    def __init__(self) -> None:
        self._bands = Series(BANDS, np.uint8)
        self._flatness = Series(NOISE_BANDS, np.uint8)
        self._level = Series(1, np.uint8)
        self._edges = np.rint(np.array(NOISE_EDGES) * WINDOW / RATE).astype(np.intp)

    def hear_onsets(self, frames: Float32, power: Float32) -> None:
        """Take frames (n, window) centred on every hop, and the power of their bands (n, onsets.BANDS)."""
        margin = (frames.shape[1] - onsets.HOP) // 2
        middle = frames[:, margin : margin + onsets.HOP]
        self._level.append(_coded(np.einsum("ij,ij->i", middle, middle)[:, None] / onsets.HOP))
        pairs = power.reshape(power.shape[0], BANDS, 2).sum(axis=2)
        starts = np.arange(0, pairs.shape[0], _POOLED)
        counts = np.diff(np.append(starts, pairs.shape[0]))[:, None]
        self._bands.append(_coded(np.add.reduceat(pairs, starts, axis=0) / counts))

    def hear_chroma(self, power: Float32) -> None:
        """Take the power of the bins of the long frames (n, bins)."""
        first, last = self._edges[0], self._edges[-1]
        part = power[:, first:last] + np.float32(_FINEST)
        places = self._edges[:-1] - first
        widths = np.diff(self._edges)
        mean = np.log10(np.add.reduceat(part, places, axis=1) / widths)
        geometric = np.add.reduceat(np.log10(part), places, axis=1) / widths
        self._flatness.append(_code(10 * (geometric - mean)))

    def bands(self) -> Codes:
        """Each pair of bands: (frames, BANDS) at `FRAME_RATE`, to be `decoded`."""
        return self._bands.rows()

    def flatness(self) -> Codes:
        """Never above zero: (frames, NOISE_BANDS) at `FRAME_RATE`, to be `decoded`."""
        return self._flatness.rows()

    def level(self) -> Codes:
        """Under full scale (a sine of full scale is -3): (frames,) at `LEVEL_RATE`, to be `decoded`."""
        return np.asarray(self._level.rows()[:, 0], dtype=np.uint8)


def _coded(power: NDArray[np.floating]) -> Codes:
    return _code(10 * np.log10(power + np.float32(_FINEST)))


def _code(decibels: NDArray[np.floating]) -> Codes:
    return np.asarray(np.clip(np.rint((decibels - _LOWEST) / _STEP), 0, 255), dtype=np.uint8)


def decoded(rows: Codes) -> Float32:
    """The decibels that `Texture` keeps as small numbers, in steps of half of one."""
    return rows.astype(np.float32) * np.float32(_STEP) + np.float32(_LOWEST)
