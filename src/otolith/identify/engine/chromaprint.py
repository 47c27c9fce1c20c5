"""Chromaprint, the acoustic fingerprint of AcoustID, computed in blocks while the file is decoded."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy import fft

from otolith.core.audio import Signal, Source
from otolith.identify.engine.chromaprint_classifiers import CONTEXT, classify
from otolith.identify.engine.chromaprint_frames import FRAME, HOP, RATE, VERSION
from otolith.identify.engine.chromaprint_text import encode

BANDS = 12
ACOUSTID_SECONDS = 120
"""AcoustID compares the first two minutes of a recording."""

_LOWEST_BIN = round(28 * FRAME / RATE)
_HIGHEST_BIN = round(3520 * FRAME / RATE)
_BATCH = 32
_SMOOTHING = np.array([0.25, 0.75, 1.0, 0.75, 0.25])
_SILENT_NORM = 0.01


@dataclass(frozen=True, slots=True)
class ChromaprintResult:
    """The fingerprint of one recording, or nulls where less than 2.8 seconds were heard.

    `fingerprint` covers the first 120 seconds in the compressed form that AcoustID takes. `full` covers the whole
    recording: one little-endian uint32 every 1,365 samples (123.8 ms). `duration` is what was heard, in seconds.
    """

    fingerprint: str | None
    full: bytes
    duration: float

    @property
    def codes(self) -> NDArray[np.uint32]:
        """The whole recording's codes as an array."""
        return np.frombuffer(self.full, dtype="<u4").astype(np.uint32, copy=False)


class Chromaprint:
    """AcoustID's algorithm 1 ("test2"); give it FFmpeg's own resampling and it agrees with `fpcalc` bit for bit.

    Memory is one batch of frames and four bytes for each 1,365 samples heard.
    """

    name: ClassVar[str] = "chromaprint"
    version: ClassVar[int] = VERSION
    wants: ClassVar[Signal] = Signal(rate=RATE, channels="mono", sample="s16")

    def __init__(self, source: Source) -> None:
        del source
        self._samples = np.empty(FRAME + (_BATCH - 1) * HOP, dtype=np.int16)
        self._filled = 0
        self._heard = 0
        self._energies = np.empty((0, BANDS))
        self._chroma = np.empty((0, BANDS))
        self._codes: list[NDArray[np.uint32]] = []

    def push(self, samples: NDArray[np.int16]) -> None:
        """Take int16 mono samples of shape ``(n,)`` at 11,025 Hz, any `n`."""
        self._heard += len(samples)
        taken = 0
        while taken < len(samples):
            count = min(len(samples) - taken, len(self._samples) - self._filled)
            self._samples[self._filled : self._filled + count] = samples[taken : taken + count]
            self._filled += count
            taken += count
            if self._filled == len(self._samples):
                self._listen(_BATCH)

    def finish(self) -> ChromaprintResult:
        """Answer with what was heard; a last frame that is not full counts for nothing, as in `fpcalc`."""
        if self._filled >= FRAME:
            self._listen(1 + (self._filled - FRAME) // HOP)
        codes = np.concatenate([*self._codes, np.empty(0, np.uint32)]).astype("<u4")
        frames = 1 + (ACOUSTID_SECONDS * RATE - FRAME) // HOP
        first = codes[: frames - len(_SMOOTHING) + 1 - CONTEXT]
        text = encode(first) if len(first) else None
        return ChromaprintResult(fingerprint=text, full=codes.tobytes(), duration=self._heard / RATE)

    def _listen(self, frames: int) -> None:
        """Turn the first `frames` frames of the buffer into codes and keep the samples that later frames need."""
        used = frames * HOP
        energies = _band_energies(self._samples[: used - HOP + FRAME])
        self._samples[: self._filled - used] = self._samples[used : self._filled].copy()
        self._filled -= used
        self._energies = np.concatenate([self._energies, energies])
        if len(self._energies) < len(_SMOOTHING):
            return
        smoothed = np.tensordot(sliding_window_view(self._energies, len(_SMOOTHING), axis=0), _SMOOTHING, 1)
        self._energies = self._energies[1 - len(_SMOOTHING) :]
        self._chroma = np.concatenate([self._chroma, _normalised(smoothed)])
        self._codes.append(classify(self._chroma))
        self._chroma = self._chroma[-CONTEXT:]


def _band_energies(samples: NDArray[np.int16]) -> NDArray[np.float64]:
    """The energy of the twelve pitch classes in every frame of `samples`: shape ``(frames, 12)``."""
    frames = sliding_window_view(samples, FRAME)[::HOP] * _WINDOW
    spectrum = fft.rfft(frames, axis=1)[:, _LOWEST_BIN:_HIGHEST_BIN]
    power = spectrum.real**2 + spectrum.imag**2
    energies: NDArray[np.float64] = (power @ _BAND_OF_BIN).astype(np.float64)
    return energies


def _normalised(chroma: NDArray[np.float64]) -> NDArray[np.float64]:
    norms = np.sqrt(np.square(chroma).sum(axis=1, keepdims=True))
    return np.where(norms < _SILENT_NORM, 0.0, chroma / np.maximum(norms, _SILENT_NORM))


def _window() -> NDArray[np.float32]:
    """A Hamming window that also brings int16 to full scale 1.0."""
    hamming = 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(FRAME) / (FRAME - 1))
    return (hamming / 32767).astype(np.float32)


def _band_of_bin() -> NDArray[np.float32]:
    """A matrix of shape ``(bins, 12)`` with a one where a bin of the spectrum belongs to a pitch class."""
    octave = np.log2(np.arange(_LOWEST_BIN, _HIGHEST_BIN) * RATE / FRAME / 27.5)
    band = np.floor(BANDS * (octave - np.floor(octave))).astype(int)
    return np.asarray(band[:, None] == np.arange(BANDS), dtype=np.float32)


_WINDOW = _window()
_BAND_OF_BIN = _band_of_bin()
