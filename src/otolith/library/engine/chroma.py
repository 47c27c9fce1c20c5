"""Follows the harmony: which of the twelve pitch classes sound, and which of them in the bass, frame by frame."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from otolith.library.engine.spectrum import Float32, Framer, Series, hann, power_spectra

RATE = 22050
HOP = 2048
FRAME_RATE = RATE / HOP
WINDOW = 8192
_BATCH = 64
_LOWEST, _BASS_TOP, _HIGHEST = 40.0, 210.0, 3000.0
_FIRST = round(_LOWEST * WINDOW / RATE)
_LAST = round(_HIGHEST * WINDOW / RATE)
_PROMINENCE = 1.5  # A partial stands this factor above the mean magnitude around it.
_NEIGHBOURHOOD = 61  # Bins: about 160 Hz.
_FLOOR = 3e-3
_CENTRE, _SPREAD = 60.0, 12.0  # Partials count less above middle C, where most of them are overtones.
_SILENCE = 1e-6
_FORGET = 0.5


class ChromaStream:
    """Chroma of the spectral peaks, for treble and bass apart, with the tuning of the recording followed.

    Only local maxima that stand clear of their surroundings count, which leaves out drums and noise; a peak's
    frequency is refined by a parabola through the logarithms of its three bins. `series` holds 24 columns a frame:
    treble C..B, then bass C..B. `listen` is handed the power of all bins of each batch, for who needs the same spectra.
    """

    def __init__(self, listen: Callable[[Float32], None] | None = None) -> None:
        self._listen = listen
        self._framer = Framer(WINDOW, HOP, _BATCH)
        self._window = hann(WINDOW)
        self._reference = 0.0
        self._mistuning = 0j
        self._tuning = 0.0
        self.series = Series(24)

    def push(self, samples: Float32) -> None:
        for frames in self._framer.push(samples):
            self._hear(frames)

    def finish(self) -> None:
        for frames in self._framer.finish():
            self._hear(frames)

    def _hear(self, frames: Float32) -> None:
        power = power_spectra(frames, self._window)
        if self._listen is not None:
            self._listen(power)
        magnitude = np.sqrt(power[:, _FIRST - 1 : _LAST + 1])
        count = magnitude.shape[0]
        self._reference = max(float(magnitude.max()), self._reference * float(np.exp(-_FORGET)))
        if self._reference < _SILENCE:
            self.series.append(np.zeros((count, 24), dtype=np.float32))
            return
        frame, pitch, weight = self._partials(magnitude)
        self._follow_tuning(pitch, weight)
        place = pitch - self._tuning
        nearest = np.rint(place)
        # A partial half way between two semitones tells nothing.
        clarity = 1.0 - 2.0 * np.abs(place - nearest)
        bass = pitch < 12 * np.log2(_BASS_TOP / 440.0) + 69
        column = frame * 24 + nearest.astype(np.int64) % 12 + np.where(bass, 12, 0)
        chroma = np.bincount(column, weights=weight * clarity, minlength=count * 24).reshape(count, 24)
        self.series.append(chroma.astype(np.float32))

    def _partials(self, magnitude: Float32) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Frame, MIDI pitch and weight of each spectral peak."""
        inner = magnitude[:, 1:-1]
        around = uniform_filter1d(magnitude, _NEIGHBOURHOOD, axis=1, mode="nearest")[:, 1:-1]
        threshold = np.maximum(around * np.float32(_PROMINENCE), np.float32(self._reference * _FLOOR))
        is_peak = (inner > magnitude[:, :-2]) & (inner >= magnitude[:, 2:]) & (inner > threshold)
        frame, column = np.nonzero(is_peak)
        left, middle, right = (
            np.log(magnitude[frame, column + shift].astype(np.float64) + 1e-12) for shift in range(3)
        )
        curve = left - 2 * middle + right
        offset = np.where(curve < 0, 0.5 * (left - right) / np.minimum(curve, -1e-9), 0.0)
        hertz = (column + _FIRST + np.clip(offset, -0.5, 0.5)) * RATE / WINDOW
        strength = np.exp(middle)
        pitch = 12 * np.log2(hertz / 440.0) + 69
        weight = np.log1p(strength / (self._reference * 0.02))
        weight *= np.exp(-0.5 * np.square(np.maximum(pitch - _CENTRE, 0.0) / _SPREAD))
        return frame.astype(np.int64), pitch, weight

    def _follow_tuning(self, pitch: NDArray[np.float64], weight: NDArray[np.float64]) -> None:
        """Moves the tuning, in semitones off 440 Hz, to the circular mean of all partials above the bass so far."""
        clear = pitch > 55
        self._mistuning += complex(np.sum(weight[clear] * np.exp(2j * np.pi * pitch[clear])))
        if self._mistuning != 0:
            estimate = float(np.angle(self._mistuning)) / (2 * np.pi)
            self._tuning = estimate + round(self._tuning - estimate)


def harmonic_change(chroma: NDArray[np.floating]) -> NDArray[np.float64]:
    """How much treble and bass change at each frame: cosine distance of what sounds just after and just before.

    `chroma` (n, 24) as `ChromaStream.series` holds it; the answer has shape (n, 2).
    """
    table = chroma.astype(np.float64).reshape(-1, 2, 12)
    smooth = uniform_filter1d(table, 3, axis=0)
    change = np.zeros(table.shape[:2])
    if table.shape[0] < 5:
        return change
    before, after = smooth[:-4], smooth[4:]
    sizes = np.linalg.norm(before, axis=2), np.linalg.norm(after, axis=2)
    cosine = (before * after).sum(axis=2) / np.maximum(sizes[0] * sizes[1], 1e-6)
    change[2:-2] = np.where(np.minimum(*sizes) > 0.5, 1.0 - cosine, 0.0)
    return change
