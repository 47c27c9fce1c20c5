"""Measures level over time: silence at both ends, how far strokes stand out, and how the spectrum leans."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from otolith.library.engine.onsets import band_centres
from otolith.library.engine.spectrum import Float32, moving_mean
from otolith.library.engine.texture import BANDS, LEVEL_RATE, NOISE_BANDS, NOISE_EDGES

Array = NDArray[np.float64]
_SILENT = -55.0  # Decibels under the loud parts: what a listener at home takes for silence.
_DIGITAL = -90.0  # Decibels under full scale: dither, whatever the rest is like.
_AROUND = round(3 * LEVEL_RATE)
_STRIDE = round(0.5 * LEVEL_RATE)
_ROLLOFF = 0.85
_BASS_TOP, _TREBLE_BOTTOM = 250.0, 4000.0


@dataclass(frozen=True, slots=True)
class Spectrum:
    """How the spectrum leans, over the sounding parts.

    `brightness` is the median centroid of the magnitudes in Hz, `rolloff` the frequency in Hz below which 85 % of the
    magnitudes lie, the shares of bass (below 250 Hz) and treble (above 4 kHz) are of the power in dB, `noisiness` is 0
    for pure tones and 1 for noise, and `movement` the mean change of the bands in dB from one 93 ms to the next.
    """

    brightness: float
    rolloff: float
    bass_db: float
    treble_db: float
    noisiness: float
    movement: float


def silences(level: Float32) -> tuple[float, float]:
    """Seconds of silence before and after the sound, from the level of each 12 ms; twice all where nothing sounds."""
    loud = np.percentile(level, 95) if level.size else -120.0
    sounding = np.flatnonzero(level > max(_DIGITAL, float(loud) + _SILENT))
    if not sounding.size:
        return level.size / LEVEL_RATE, level.size / LEVEL_RATE
    return float(sounding[0] / LEVEL_RATE), float((level.size - 1 - sounding[-1]) / LEVEL_RATE)


def punch(level: Float32) -> float | None:
    """How many dB the strongest 12 ms stand above the mean power of the 3 s around them: the median over the sound.

    Some 3 dB is a held tone, 6 to 9 a pressed mix, 12 and more a recording that breathes.
    """
    if level.size < _AROUND or level.max(initial=-120.0) <= _DIGITAL:
        return None
    mean = 10 * np.log10(np.maximum(moving_mean(np.power(10.0, level.astype(np.float64) / 10), _AROUND), 1e-12))
    above = (maximum_filter1d(level, _AROUND, mode="nearest") - mean)[::_STRIDE]
    heard = mean[::_STRIDE] > np.percentile(mean, 95) - 20
    return float(np.median(above[heard]))


def spectrum(bands: Float32, flatness: Float32) -> Spectrum:
    """The lean of the spectrum from the sounding frames' bands and flatness in dB, as `Texture` keeps them."""
    hertz, widths = _bands()
    power = np.power(10.0, bands.astype(np.float64) / 10)
    weight = np.sqrt(power) * widths
    total = np.maximum(weight.sum(axis=1), 1e-12)
    rising = np.cumsum(weight, axis=1) / total[:, None]
    energy = (power * widths).sum(axis=0)
    whole = max(1e-12, float(energy.sum()))
    steps = np.abs(np.diff(np.maximum(bands, bands.max() - 70), axis=0))
    return Spectrum(
        brightness=float(np.median(weight @ hertz / total)),
        rolloff=float(np.median(hertz[np.argmax(rising >= _ROLLOFF, axis=1)])),
        bass_db=_decibels(float(energy[hertz < _BASS_TOP].sum()) / whole),
        treble_db=_decibels(float(energy[hertz > _TREBLE_BOTTOM].sum()) / whole),
        noisiness=_noisiness(power, flatness),
        movement=float(steps.mean()) if steps.size else 0.0,
    )


def _noisiness(power: Array, flatness: Float32) -> float:
    """From the flatness of nine bands, each counting by its share of the magnitudes, since silence between is flat too.

    White noise is at -2.5 dB, tones that stand alone under -20.
    """
    hertz, widths = _bands()
    places = np.clip(np.searchsorted(NOISE_EDGES, hertz) - 1, 0, NOISE_BANDS - 1)
    share = np.zeros((power.shape[0], NOISE_BANDS))
    for band in range(NOISE_BANDS):
        share[:, band] = np.sqrt((power * widths)[:, places == band].sum(axis=1))
    mean = (share * flatness).sum(axis=1) / np.maximum(share.sum(axis=1), 1e-9)
    return float(np.clip(1 + (np.median(mean) + 2.5) / 20, 0, 1))


def _bands() -> tuple[Array, Array]:
    """Centre and width in Hz of each pair of bands."""
    centres = band_centres().reshape(BANDS, 2).mean(axis=1)
    return centres, np.gradient(centres)


def _decibels(share: float) -> float:
    return float(10 * np.log10(max(share, 1e-6)))
