"""Cuts a stream of samples into overlapping frames and turns them into power spectra, in bounded memory."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.ndimage import uniform_filter1d

Float32 = NDArray[np.float32]

_LOUDEST = 100.0  # 40 dB over full scale.


class Framer:
    """Collects blocks of any size and gives back batches of overlapping frames.

    Frame ``k`` is centred on sample ``k * hop``; the stream is thought to be silent before its start and after
    its end. Every full batch has the same number of frames whatever the size of the blocks pushed, so that what is
    computed from a batch depends on the samples alone, to the last bit.
    """

    def __init__(self, window: int, hop: int, batch: int) -> None:
        self._window = window
        self._hop = hop
        self._batch = batch
        self._buffer: Float32 = np.zeros(window + (batch - 1) * hop, dtype=np.float32)
        self._filled = window // 2
        self._samples = 0
        self._given = 0

    def push(self, samples: Float32) -> Iterator[Float32]:
        """The batches that `samples`, a 1-D float32 array, completes; each is a view valid until the next one."""
        samples = _sane(samples)
        self._samples += samples.size
        start = 0
        while start < samples.size:
            room = min(self._buffer.size - self._filled, samples.size - start)
            self._buffer[self._filled : self._filled + room] = samples[start : start + room]
            self._filled += room
            start += room
            if self._filled == self._buffer.size:
                yield self._frames(self._batch)
                self._given += self._batch
                used = self._batch * self._hop
                kept = self._buffer.size - used
                self._buffer[:kept] = self._buffer[used:]
                self._filled = kept

    def finish(self) -> Iterator[Float32]:
        """The frames that are left, so that there is one for every `hop` samples begun."""
        frames = -(-self._samples // self._hop)
        if frames:
            yield from self.push(np.zeros(self._window // 2, dtype=np.float32))
        if frames > self._given:
            yield self._frames(frames - self._given)

    def _frames(self, count: int) -> Float32:
        view = np.lib.stride_tricks.sliding_window_view(self._buffer, self._window)
        return view[:: self._hop][:count]


def _sane(samples: Float32) -> Float32:
    """`samples`, or where they hold values that are no sound (not a number, far over full scale) a mended copy."""
    with np.errstate(all="ignore"):
        energy = float(np.dot(samples, samples))
    if energy <= _LOUDEST**2 * max(1, samples.size):
        return samples
    mended = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
    return np.clip(mended, -_LOUDEST, _LOUDEST)


def power_spectra(frames: Float32, window: Float32) -> Float32:
    """Power of each bin of the windowed `frames` (n, w): float32 of shape (n, w // 2 + 1)."""
    spectra = fft.rfft(frames * window, axis=1)
    return np.asarray(np.square(spectra.real) + np.square(spectra.imag), dtype=np.float32)


def hann(size: int) -> Float32:
    """A periodic Hann window scaled so that a full-scale sine has a peak power of one."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    return np.asarray(window * (2 / window.sum()), dtype=np.float32)


class Series:
    """A growing table of rows of fixed width, in half precision or less: a few bytes a frame for hours of sound."""

    def __init__(self, width: int, kind: type[np.float16 | np.uint8] = np.float16) -> None:
        self._rows: NDArray[Any] = np.empty((1024, width), dtype=kind)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, more: NDArray[Any]) -> None:
        needed = self._count + more.shape[0]
        if needed > self._rows.shape[0]:
            rows = max(needed, self._rows.shape[0] * 3 // 2)
            grown = np.empty((rows, self._rows.shape[1]), dtype=self._rows.dtype)
            grown[: self._count] = self._rows[: self._count]
            self._rows = grown
        self._rows[self._count : needed] = more
        self._count = needed

    def rows(self) -> NDArray[Any]:
        """Everything so far, of shape (frames, width), as a view."""
        return self._rows[: self._count]


def moving_mean(values: NDArray[np.float64], frames: int) -> NDArray[np.float64]:
    """The mean of the `frames` values around each row of `values`, along its first axis."""
    return np.asarray(uniform_filter1d(values, frames, axis=0, mode="nearest"))
