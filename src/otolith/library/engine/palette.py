"""Describes the palette of a recording: which of two hundred kinds of sound occur in it, and how they differ there.

A Fisher vector (Perronnin and Dance, 2007): where the frames lie, seen from each component of a mixture of Gaussians
that was fitted once on many instruments. Unlike a mean it tells a piano and a flute that take turns from an organ.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct

from otolith.library.engine.spectrum import Float32

Array = NDArray[np.float64]
_KEPT = 40  # Pairs of bands, up to 8.6 kHz: what lies above is the first that a codec throws away.
_DEEPEST = -65.0  # Decibels under the mean power; what is fainter depends on codecs and converters.
_COEFFICIENTS = 14
_AT_ONCE = 1024  # Frames: lest a long recording take more memory than a short one.


class Mixture(Protocol):
    """Gaussians with diagonal covariances: `weights` (k,), `means` and `variances` (k, features) of scaled frames."""

    @property
    def weights(self) -> Array: ...

    @property
    def means(self) -> Array: ...

    @property
    def variances(self) -> Array: ...


def frames(bands: Float32, flatness: Float32, sounding: NDArray[np.intp]) -> Array:
    """What the sounding frames are like (n, 23): fourteen cepstral coefficients, and how noisy nine bands are.

    `bands` (m, BANDS) and `flatness` (m, NOISE_BANDS) in decibels; the level of the recording does not matter.
    """
    kept = bands[:, :_KEPT].astype(np.float64)
    power = np.power(10.0, kept[sounding] / 10)
    mean = 10 * np.log10(max(1e-12, float(power.sum(axis=1).mean())))
    cepstrum = dct(np.maximum(kept - mean, _DEEPEST), axis=1, norm="ortho")[:, :_COEFFICIENTS]
    return np.concatenate([cepstrum[sounding], flatness[sounding]], axis=1)


def fisher_vector(scaled: Array, mixture: Mixture) -> Array:
    """The vector (k * features + k,) of unit length of frames (n, features) that were scaled as the mixture's were."""
    amount, total = np.zeros(mixture.weights.size), np.zeros_like(mixture.means)
    for start in range(0, scaled.shape[0], _AT_ONCE):
        part = scaled[start : start + _AT_ONCE]
        share = likelihoods(part, mixture)
        share -= share.max(axis=1, keepdims=True)
        np.exp(share, out=share)
        share /= share.sum(axis=1, keepdims=True)
        amount += share.sum(axis=0)
        total += share.T @ part
    root = np.sqrt(mixture.weights)
    moved = (total - amount[:, None] * mixture.means) / np.sqrt(mixture.variances) / root[:, None]
    row = np.concatenate([(moved / scaled.shape[0]).ravel(), (amount / scaled.shape[0] - mixture.weights) / root])
    row = np.sign(row) * np.sqrt(np.abs(row))
    return np.asarray(row / max(1e-9, float(np.linalg.norm(row))))


def likelihoods(scaled: Array, mixture: Mixture) -> Array:
    """The logarithm of each component's share in the density at each frame: (n, k)."""
    means, variances = mixture.means, mixture.variances
    constant = np.log(2 * np.pi * variances).sum(axis=1) + (np.square(means) / variances).sum(axis=1)
    quadratic = np.square(scaled) @ (-0.5 / variances).T + scaled @ (means / variances).T
    return np.asarray(quadratic + np.log(mixture.weights) - 0.5 * constant)
