"""Loudness by EBU R 128 and ITU-R BS.1770-5: programme loudness, loudness range, true peak and ReplayGain 2.0."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from otolith.core.audio import Signal, Source
from otolith.library.engine.loudness_filter import LOWEST_RATE, KWeighting
from otolith.library.engine.loudness_gate import Gate
from otolith.library.engine.true_peak import TruePeak

REPLAYGAIN_REFERENCE_LUFS = -18.0
_SAMPLES_AT_ONCE = 1 << 17
_UNBELIEVABLE = 1e15


@dataclass(frozen=True, slots=True)
class LoudnessResult:
    """How loud a recording is; None where the question has no answer.

    Integrated loudness needs 400 ms above -70 LUFS, loudness range 3 s of it, and both a rate of at least 4 kHz;
    peaks need one sample that is not zero. `replaygain_db` brings the recording to -18 LUFS, and
    `replaygain_peak` is the true peak as a factor of full scale.
    """

    loudness_lufs: float | None
    loudness_range_lu: float | None
    momentary_max_lufs: float | None
    short_term_max_lufs: float | None
    true_peak_dbtp: float | None
    sample_peak_dbfs: float | None
    replaygain_db: float | None
    replaygain_peak: float | None


class Loudness:
    """Measures as the samples pass, in memory of one block and eight bytes for every 100 ms.

    A sample that is not finite counts as silence.
    """

    name: ClassVar[str] = "loudness"
    version: ClassVar[int] = 1
    wants: ClassVar[Signal] = Signal(rate=None, channels="all", sample="f32")

    def __init__(self, source: Source) -> None:
        self._peak = TruePeak(source.rate, source.channels)
        self._gate = Gate()
        self._filter = None
        most = max(1, _SAMPLES_AT_ONCE // source.channels)
        if source.rate >= LOWEST_RATE:
            self._filter = KWeighting(source.rate, source.layout, most)
            self._gate = Gate(source.rate / 10 / self._filter.hop)
            most = self._filter.block
        self._block = np.empty((source.channels, most), dtype=np.float32)
        self._filled = 0

    def push(self, samples: NDArray[np.float32]) -> None:
        """Take float32 samples of shape ``(channels, n)``, full scale ±1, any `n`."""
        taken, count = 0, samples.shape[1]
        while taken < count:
            step = min(count - taken, self._block.shape[1] - self._filled)
            self._block[:, self._filled : self._filled + step] = samples[:, taken : taken + step]
            self._filled += step
            taken += step
            if self._filled == self._block.shape[1]:
                self._measure()

    def finish(self) -> LoudnessResult:
        """Answer with what was heard."""
        if self._filled:
            self._measure()
        self._peak.drain()
        loudness = self._gate.integrated()
        true_peak = self._peak.true_peak
        return LoudnessResult(
            loudness_lufs=loudness,
            loudness_range_lu=self._gate.range(),
            momentary_max_lufs=self._gate.momentary_max(),
            short_term_max_lufs=self._gate.short_term_max(),
            true_peak_dbtp=_decibels(true_peak),
            sample_peak_dbfs=_decibels(self._peak.sample_peak),
            replaygain_db=None if loudness is None else REPLAYGAIN_REFERENCE_LUFS - loudness,
            replaygain_peak=true_peak or None,
        )

    def _measure(self) -> None:
        block = self._block[:, : self._filled]
        # A NaN fails every comparison, so this one test finds it too, for the price of one pass.
        if not max(block.max(), -block.min()) < _UNBELIEVABLE:
            block[~(np.abs(block) < _UNBELIEVABLE)] = 0.0
        self._peak.push(block)
        if self._filter is not None:
            self._gate.push(self._filter.energies(block))
        self._filled = 0


def _decibels(amplitude: float) -> float | None:
    return 20 * math.log10(amplitude) if amplitude > 0 else None
