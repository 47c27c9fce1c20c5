"""True peak by BS.1770-5, annex 2: the highest point of the curve between the samples, found by oversampling."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Array32 = NDArray[np.float32]

_HALF = 16
"""Taps on each side of a point; twice as many as the filter that the standard prints."""

_TAPS = 2 * _HALF
_KAISER_BETA = 9.0
_SEGMENT = 128
_STRETCH = 16
_AT_ONCE = 64
_ROUNDING = 1 + 1e-5


class TruePeak:
    """The largest sample and the largest interpolated point of a stream, as factors of full scale.

    Below 96 kHz the curve is looked at four times a sample, below 192 kHz twice, and above that the samples
    themselves are close enough. Oversampling everything would be the most expensive part of the whole analysis, so
    only those segments are oversampled that could hold a new maximum: between two samples the curve exceeds the
    larger one by at most `c` times the largest second difference around, where `c` follows from the filter. That is a
    bound and no estimate: the result is the one of oversampling everything.
    """

    def __init__(self, rate: int, channels: int) -> None:
        self.sample_peak = 0.0
        self._between = 0.0
        factor = 4 if rate < 96_000 else 2 if rate < 192_000 else 1
        phases = [interpolator(step / factor) for step in range(1, factor)]
        bounds = [_bounds(taps) for taps in phases]
        self._bend = max((bend for bend, _ in bounds), default=0.0)
        self._slack = max((slack for _, slack in bounds), default=0.0)
        self._gain = max((float(np.abs(taps).sum()) * _ROUNDING for taps in phases), default=1.0)
        self._matrix = _oversampler(phases) if phases else None
        self._before = np.zeros((channels, _TAPS - 1), dtype=np.float32)

    @property
    def true_peak(self) -> float:
        return max(self.sample_peak, self._between)

    def push(self, samples: Array32) -> None:
        """Take finite float32 samples of shape ``(channels, n)``."""
        if self._matrix is None:
            self.sample_peak = max(self.sample_peak, float(np.abs(samples).max(initial=0.0)))
            return
        line = np.concatenate([self._before, samples], axis=1)
        if line.shape[1] < len(self._matrix):
            self._before = line
            return
        self._before = line[:, 1 - _TAPS :].copy()
        self._look(line, self._matrix)

    def drain(self) -> None:
        """Look at the last samples too, which until now waited for their successors: silence follows them."""
        self.push(np.zeros((len(self._before), _HALF), dtype=np.float32))

    def _look(self, line: Array32, matrix: Array32) -> None:
        """Search the intervals of `line` that have all their taps: from sample 15 to the sample 16 before the end."""
        count = line.shape[1] - _TAPS + 1
        starts = np.arange(0, count, _SEGMENT)
        sizes = np.abs(line)
        around = float(sizes.max())
        self.sample_peak = max(self.sample_peak, around)
        if around * self._gain <= self.true_peak:
            return
        sizes = sizes[:, _HALF - 1 : -_HALF + 1]
        peaks = np.maximum.reduceat(sizes[:, :-1], starts, axis=1)
        bends = np.diff(line, axis=1)
        bends = np.abs(bends[:, 1:] - bends[:, :-1])
        bend = np.maximum.reduceat(bends, starts, axis=1)
        bend[:, :-1] = np.maximum(bend[:, :-1], bend[:, 1:])
        peaks = np.maximum(peaks, sizes[:, np.minimum(starts + _SEGMENT, count)])
        bounds = (peaks + self._bend * bend + self._slack * around) * np.float32(_ROUNDING)
        channel, segment = np.nonzero(bounds > self.true_peak)
        if not len(channel):
            return
        windows = sliding_window_view(line, len(matrix), axis=1)
        while len(channel):
            best = np.argsort(bounds[channel, segment])[-_AT_ONCE:]
            channel, segment = channel[best], segment[best]
            bounds[channel, segment] = 0.0
            places = starts[segment][:, None] + np.arange(0, _SEGMENT, _STRETCH)
            places = np.minimum(places, windows.shape[1] - 1)
            found = windows[channel[:, None], places].reshape(-1, windows.shape[2]) @ matrix
            self._between = max(self._between, float(np.abs(found).max()))
            channel, segment = np.nonzero(bounds > self.true_peak)


def interpolator(place: float) -> NDArray[np.float64]:
    """The 32 taps that give the curve at `place` (0 to 1) between two samples: a sinc under a Kaiser window."""
    times = np.arange(1 - _HALF, _HALF + 1) - place
    window = np.i0(_KAISER_BETA * np.sqrt(1 - (times / _HALF) ** 2))
    taps = np.sinc(times) * window
    return np.asarray(taps / taps.sum(), dtype=np.float64)


def _bounds(taps: NDArray[np.float64]) -> tuple[float, float]:
    """How far the curve can leave the straight line between two samples, as (c, d).

    The taps minus those of the straight line sum to zero, so summed up twice they act on second differences: the
    curve leaves the line by at most c times the largest of these, plus d times the largest sample, because the taps'
    first moment is not exactly that of the line.
    """
    times = np.arange(1 - _HALF, _HALF + 1)
    line = np.zeros(_TAPS)
    place = float(taps @ times)
    nearest = min(max(place, 0.0), 1.0)
    line[_HALF - 1 : _HALF + 1] = 1 - nearest, nearest
    slopes = np.cumsum(taps - line)
    bends = np.cumsum(slopes)
    return float(np.abs(bends[:-1]).sum()), 2 * float(abs(bends[-1]))


def _oversampler(phases: list[NDArray[np.float64]]) -> Array32:
    """The matrix from 47 samples to the points between the middle 17: shape ``(47, 16 × phases)``."""
    matrix = np.zeros((_TAPS - 1 + _STRETCH, _STRETCH, len(phases)))
    for start in range(_STRETCH):
        for index, taps in enumerate(phases):
            matrix[start : start + _TAPS, start, index] = taps
    return matrix.reshape(_TAPS - 1 + _STRETCH, -1).astype(np.float32)
