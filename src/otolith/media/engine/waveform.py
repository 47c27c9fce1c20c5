"""The picture of a recording: lowest, highest and mean-square level in several resolutions, made in one pass."""

from dataclasses import dataclass
from typing import Any, ClassVar, TypedDict

import numpy as np
from numpy.typing import NDArray

from otolith.core.audio import Signal, Source

RATE = 11025
FINEST_SAMPLES_PER_POINT = 128
MOST_POINTS = 1 << 19
OVERVIEW_POINTS = 1000
_BATCH = 512 * FINEST_SAMPLES_PER_POINT


class WaveformLevel(TypedDict):
    """One resolution.

    `peaks` holds int8 pairs (lowest, highest), one pair a point, with full scale at -128 and 127. `rms` holds one
    uint8 a point on the same scale (128 is full scale).
    """

    samples_per_point: int
    points: int
    peaks: bytes
    rms: bytes


@dataclass(frozen=True, slots=True)
class WaveformResult:
    """The levels from the finest (128 samples a point, 86 a second) by halves down to at most 1,000 points.

    A recording longer than 1 h 41 min starts with a coarser level, so that no level has more than 524,288 points.
    Nothing heard gives no level. `duration` is what was heard, in seconds.
    """

    rate: int
    duration: float
    levels: list[WaveformLevel]


class Waveform:
    """Collects the levels of a recording of any length in at most 8 MB."""

    name: ClassVar[str] = "waveform"
    version: ClassVar[int] = 1
    wants: ClassVar[Signal] = Signal(rate=RATE, channels="mono", sample="s16")

    def __init__(self, source: Source) -> None:
        del source
        self._pending = np.empty(_BATCH, dtype=np.int16)
        self._filled = 0
        self._heard = 0
        self._finest = _Points(FINEST_SAMPLES_PER_POINT, np.empty((3, 1 << 14), dtype=np.float32), 0)

    def push(self, samples: NDArray[np.int16]) -> None:
        """Take int16 mono samples of shape ``(n,)`` at 11,025 Hz, any `n`."""
        self._heard += len(samples)
        taken = 0
        while taken < len(samples):
            count = min(len(samples) - taken, _BATCH - self._filled)
            self._pending[self._filled : self._filled + count] = samples[taken : taken + count]
            self._filled += count
            taken += count
            if self._filled == _BATCH:
                self._finest.add(_summarise(self._pending))
                self._filled = 0

    def finish(self) -> WaveformResult:
        """Answer with all levels; the last point of a level may stand for fewer samples than the others."""
        if self._filled:
            self._finest.add(_summarise(self._pending[: self._filled]))
            self._filled = 0
        points, samples_per_point = self._finest.table(), self._finest.samples_per_point
        levels: list[WaveformLevel] = []
        while points.shape[1]:
            levels.append(_level(points, samples_per_point))
            if points.shape[1] <= OVERVIEW_POINTS:
                break
            points, samples_per_point = _halved(points), 2 * samples_per_point
        return WaveformResult(rate=RATE, duration=self._heard / RATE, levels=levels)


def to_audiowaveform(level: WaveformLevel, rate: int = RATE) -> dict[str, Any]:
    """A level in the JSON form of BBC audiowaveform, version 2, which waveform players read."""
    return {
        "version": 2,
        "channels": 1,
        "sample_rate": rate,
        "samples_per_pixel": level["samples_per_point"],
        "bits": 8,
        "length": level["points"],
        "data": np.frombuffer(level["peaks"], dtype=np.int8).tolist(),
    }


class _Points:
    """A table of points (rows: lowest, highest, mean square) that grows, and halves itself instead of outgrowing."""

    def __init__(self, samples_per_point: int, table: NDArray[np.float32], filled: int) -> None:
        self.samples_per_point = samples_per_point
        self._table = table
        self._filled = filled

    def add(self, points: NDArray[np.float32]) -> None:
        for _ in range((self.samples_per_point // FINEST_SAMPLES_PER_POINT).bit_length() - 1):
            points = _halved(points)
        count = points.shape[1]
        if self._filled + count > MOST_POINTS:
            kept = _halved(self.table())
            self._filled = kept.shape[1]
            self._table[:, : self._filled] = kept
            self.samples_per_point *= 2
            points = _halved(points)
            count = points.shape[1]
        if self._filled + count > self._table.shape[1]:
            self._table = np.concatenate([self._table, np.empty_like(self._table)], axis=1)
        self._table[:, self._filled : self._filled + count] = points
        self._filled += count

    def table(self) -> NDArray[np.float32]:
        return self._table[:, : self._filled]


def _summarise(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    """Lowest, highest and mean square (full scale 1) of every 128 samples: shape ``(3, points)``."""
    starts = np.arange(0, len(samples), FINEST_SAMPLES_PER_POINT)
    power = np.square(samples, dtype=np.float32)
    lengths = np.diff(starts, append=len(samples)).astype(np.float32)
    return np.stack(
        [
            np.minimum.reduceat(samples, starts).astype(np.float32),
            np.maximum.reduceat(samples, starts).astype(np.float32),
            np.add.reduceat(power, starts) / (lengths * np.float32(32768.0**2)),
        ]
    )


def _halved(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Every two neighbours joined into one; a single last one stands alone."""
    pairs = points.shape[1] // 2
    left, right = points[:, : 2 * pairs : 2], points[:, 1 : 2 * pairs : 2]
    joined = np.stack([np.minimum(left[0], right[0]), np.maximum(left[1], right[1]), (left[2] + right[2]) / 2])
    return np.concatenate([joined, points[:, 2 * pairs :]], axis=1)


def _level(points: NDArray[np.float32], samples_per_point: int) -> WaveformLevel:
    peaks = np.floor(points[:2].T / 256).astype(np.int8)
    rms = np.rint(128 * np.sqrt(points[2])).astype(np.uint8)
    return {
        "samples_per_point": samples_per_point,
        "points": points.shape[1],
        "peaks": peaks.tobytes(),
        "rms": rms.tobytes(),
    }
