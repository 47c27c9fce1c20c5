"""K-weighting of BS.1770 at any sample rate, as matrix products over blocks instead of a loop over samples."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LOWEST_RATE = 4000
"""Below this rate, in Hz, the shelf of the K-weighting has no place under half of it, and there is no loudness."""

HOPS_A_SECOND = 100

_SURROUND_WEIGHT = 1.41
_SIDES = frozenset({"SL", "SR", "SDL", "SDR", "WL", "WR"})
_BACKS = frozenset({"BL", "BR"})
_LOW_FREQUENCY = frozenset({"LFE", "LFE2"})
_VANISHED = 1e-18

Matrix = NDArray[np.float64]
Matrix32 = NDArray[np.float32]


class _Section(NamedTuple):
    """A biquad with a0 = 1."""

    b: tuple[float, float, float]
    a: tuple[float, float]


def channel_weights(layout: tuple[str, ...]) -> NDArray[np.float64]:
    """The weight of each channel by BS.1770-5: 1.41 between 60° and 120° from the front, 0 for low frequency effects.

    The pair at the back is the surround pair of 5.1 and has its weight, unless the layout has a pair at the sides as
    well (7.1), where it stands beyond 120° and counts 1. Channels without a known place count 1.
    """
    surround = _SIDES if _SIDES & set(layout) else _SIDES | _BACKS
    return np.array([0.0 if n in _LOW_FREQUENCY else _SURROUND_WEIGHT if n in surround else 1.0 for n in layout])


def k_weighting(rate: int) -> tuple[_Section, _Section]:
    """The two stages of BS.1770 at `rate`: the shelf of the head and the high-pass RLB.

    The standard gives coefficients at 48 kHz only; these come from the analog filters behind them by the bilinear
    transform and agree with its tables there.
    """
    k, q = math.tan(math.pi * 1681.974450955533 / rate), 0.7071752369554196
    high = 10 ** (3.999843853973347 / 20)
    band = high**0.4996667741545416
    a0 = 1 + k / q + k * k
    shelf = _Section(
        ((high + band * k / q + k * k) / a0, 2 * (k * k - high) / a0, (high - band * k / q + k * k) / a0),
        (2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0),
    )
    k, q = math.tan(math.pi * 38.13547087602444 / rate), 0.5003270373238773
    a0 = 1 + k / q + k * k
    return shelf, _Section((1.0, -2.0, 1.0), (2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0))


class KWeighting:
    """The K-weighted energy of every hop (10 ms) of a stream, all channels weighted and summed.

    The filter is linear, so the output of a short stretch is a matrix times its samples plus a matrix times the state
    that the filter had before it, and the states of all stretches are again a matrix times what each contributes.
    Three such levels (stretch, hop, block) replace the recursion over samples: exact up to rounding, and an order of
    magnitude faster than a loop in C. The states are kept in coordinates in which each weighs the same in the output
    (output-normal form), so that float32 is precise enough even at 768 kHz, where the poles crowd around 1.
    """

    def __init__(self, rate: int, layout: tuple[str, ...], most_samples: int) -> None:
        self.hop, self._stretch = _grid(rate)
        self._channels = len(layout)
        self._hops = min(HOPS_A_SECOND, max(1, most_samples // self.hop))
        self.block = self._hops * self.hop
        self._weights = channel_weights(layout) / self.hop
        a, b, c, d = _state_space(k_weighting(rate))
        size, stretches = self._stretch, self.hop // self._stretch
        powers = _powers(a, size)
        response = np.concatenate([[d], powers[:-1] @ b @ c])
        lag = np.arange(size)[None, :] - np.arange(size)[:, None]
        within = np.where(lag >= 0, response[np.abs(lag)], 0.0)
        self._within = within.astype(np.float32)
        self._after = np.transpose(c @ powers[:-1]).astype(np.float32)
        self._input = (powers[size - 1 :: -1] @ b).astype(np.float32)
        self._stretch_states = _propagation(powers[size], stretches)
        self._hop_states = _propagation(np.linalg.matrix_power(powers[size], stretches), self._hops)
        self._state = np.zeros((self._channels, 4), dtype=np.float32)

    def energies(self, samples: Matrix32) -> NDArray[np.float64]:
        """The mean square of each whole hop in `samples` of shape ``(channels, n)``, at most `block` of them.

        Only the last call of a stream may bring another number than `block`.
        """
        hops = samples.shape[1] // self.hop
        if hops == 0:
            return np.empty(0)
        rows = self._channels * hops
        stretches = samples[:, : hops * self.hop].reshape(-1, self._stretch)
        gained = (stretches @ self._input).reshape(rows, -1)
        hop_gained = (gained @ self._stretch_states[4:, -4:]).reshape(self._channels, -1)
        states = np.concatenate([self._state, hop_gained], axis=1) @ self._hop_states[: 4 + 4 * hops, : 4 + 4 * hops]
        self._state = states[:, 4 * hops :]
        self._state[np.abs(self._state) < _VANISHED] = 0.0
        before = states[:, : 4 * hops].reshape(rows, 4)
        inner = np.concatenate([before, gained], axis=1) @ self._stretch_states[:, :-4]
        filtered = stretches @ self._within
        filtered += inner.reshape(-1, 4) @ self._after
        filtered = filtered.reshape(rows, self.hop)
        energies = np.einsum("ij,ij->i", filtered, filtered).astype(np.float64).reshape(self._channels, hops)
        weighted: NDArray[np.float64] = self._weights @ energies
        return weighted


def _grid(rate: int) -> tuple[int, int]:
    """The hop in samples, as near to 10 ms as it has a divisor that makes a good stretch, and that stretch.

    A stretch of L samples costs L + 16 hop / L² multiplications a sample, so the best one is near the cube root of
    32 hops.
    """
    nearest = max(1, round(rate / HOPS_A_SECOND))
    for hop in sorted(range(max(1, nearest - 4), nearest + 5), key=lambda hop: abs(hop - nearest)):
        costs = [(size + 16 * hop / size**2, size) for size in range(8, 97) if hop % size == 0]
        if costs and min(costs)[0] < 4 * hop ** (1 / 3) + 16:
            return hop, min(costs)[1]
    return nearest, nearest


def _state_space(sections: tuple[_Section, _Section]) -> tuple[Matrix, Matrix, Matrix, float]:
    """Both sections in a row as x' = A x + B u, y = C x + D u, in output-normal coordinates."""
    a, b, c, d = np.empty((0, 0)), np.empty(0), np.empty(0), 1.0
    for section in sections:
        b0, b1, b2 = section.b
        a1, a2 = section.a
        own = np.array([[-a1, 1.0], [-a2, 0.0]])
        gain = np.array([b1 - a1 * b0, b2 - a2 * b0])
        a = np.block([[a, np.zeros((len(a), 2))], [np.outer(gain, c), own]])
        b = np.concatenate([b, gain * d])
        c = np.concatenate([c * b0, [1.0, 0.0]])
        d *= b0
    root = np.linalg.cholesky(_observability(a, c)).T
    inverse = np.linalg.inv(root)
    return root @ a @ inverse, root @ b, c @ inverse, d


def _observability(a: Matrix, c: Matrix) -> Matrix:
    """The Gramian W = Σ (Aᵀ)ᵏ Cᵀ C Aᵏ, by doubling the number of terms until nothing is added."""
    gramian, power = np.outer(c, c), a
    while np.abs(power).max() > 1e-30:
        gramian = gramian + power.T @ gramian @ power
        power = power @ power
    symmetric: Matrix = (gramian + gramian.T) / 2
    return symmetric


def _powers(a: Matrix, count: int) -> Matrix:
    """A⁰ to Aᶜᵒᵘⁿᵗ, stacked."""
    powers = [np.eye(len(a))]
    for _ in range(count):
        powers.append(powers[-1] @ a)
    return np.stack(powers)


def _propagation(step: Matrix, count: int) -> Matrix32:
    """The matrix from (first state, gain of each of `count` items) to the state before each item and after the last.

    It acts on rows: shape ``(4 + 4 count, 4 count + 4)``, where an item takes state s to ``step @ s`` plus its gain.
    """
    powers = _powers(step, count).transpose(0, 2, 1)
    lag = np.arange(count + 1)[None, :] - np.arange(count)[:, None] - 1
    gains = np.where((lag >= 0)[:, :, None, None], powers[np.maximum(lag, 0)], 0.0)
    matrix = np.concatenate([powers[None], gains]).transpose(0, 2, 1, 3)
    return matrix.reshape(4 + 4 * count, 4 + 4 * count).astype(np.float32)
