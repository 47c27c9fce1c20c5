"""The statistics over time of EBU R 128: gated programme loudness, loudness range, momentary and short-term maxima."""

import math
from array import array

import numpy as np
from numpy.typing import NDArray

Energies = NDArray[np.float64]

_OFFSET = -0.691
_MOMENTARY_HOPS = 40
_SHORT_TERM_HOPS = 300
_MOMENTARY_TENTHS = 4
_SHORT_TERM_TENTHS = 30
_ABSOLUTE_GATE = -70.0
_INTEGRATED_GATE = -10.0
_RANGE_GATE = -20.0
_RANGE_PERCENTILES = (0.10, 0.95)


class Gate:
    """Takes the K-weighted energy of each hop of about 10 ms; keeps one number for every 100 ms.

    `tenth` is the number of hops in 100 ms, which need not be whole. The maxima are sought at every hop, because a
    meter that looks only every 100 ms reads a sound of 400 ms up to 0.6 LU too low; the gates work on steps of
    100 ms, as BS.1770 says.
    """

    def __init__(self, tenth: float = 10.0) -> None:
        self._tenth = tenth
        self._recent: Energies = np.empty(0)
        self._uncounted: Energies = np.empty(0)
        self._counted = 0
        self._tenths = array("d")
        self._momentary = 0.0
        self._short_term = 0.0

    def push(self, energies: Energies) -> None:
        hops = np.concatenate([self._recent, energies])
        sums = np.concatenate([[0.0], np.cumsum(hops)])
        self._momentary = max(self._momentary, _highest(sums, _MOMENTARY_HOPS))
        self._short_term = max(self._short_term, _highest(sums, _SHORT_TERM_HOPS))
        self._recent = hops[1 - _SHORT_TERM_HOPS :]
        self._count(np.concatenate([self._uncounted, energies]))

    def _count(self, hops: Energies) -> None:
        """Sum whole tenths of a second; where they are no whole number of hops, each edge is at the nearest hop."""
        edges = np.arange(len(self._tenths), 1 + int((self._counted + len(hops)) / self._tenth + 1))
        places = np.rint(edges * self._tenth).astype(np.int64) - self._counted
        places = places[places <= len(hops)]
        if len(places) > 1:
            sums = np.add.reduceat(hops, places[:-1]) if places[-1] == len(hops) else np.add.reduceat(hops, places)[:-1]
            self._tenths.frombytes((sums / np.diff(places)).tobytes())
        self._uncounted = hops[places[-1] :]
        self._counted += int(places[-1])

    def momentary_max(self) -> float | None:
        """The loudest 400 ms in LUFS."""
        return _lufs(self._momentary)

    def short_term_max(self) -> float | None:
        """The loudest 3 s in LUFS."""
        return _lufs(self._short_term)

    def integrated(self) -> float | None:
        """Programme loudness in LUFS: the mean of the blocks of 400 ms above both gates (BS.1770-5, annex 1)."""
        gated = _gated(self._blocks(_MOMENTARY_TENTHS), _INTEGRATED_GATE)
        return _lufs(float(gated.mean())) if len(gated) else None

    def range(self) -> float | None:
        """Loudness range in LU: from the 10th to the 95th percentile of gated short-term loudness (EBU Tech 3342)."""
        gated = np.sort(_gated(self._blocks(_SHORT_TERM_TENTHS), _RANGE_GATE))
        if not len(gated):
            return None
        low, high = (float(gated[math.floor((len(gated) - 1) * p + 0.5)]) for p in _RANGE_PERCENTILES)
        return 10 * math.log10(high / low)

    def _blocks(self, tenths: int) -> Energies:
        """The mean energy of every stretch of so many tenths of a second, a tenth apart."""
        sums = np.concatenate([[0.0], np.cumsum(np.frombuffer(self._tenths))])
        means: Energies = np.maximum(sums[tenths:] - sums[:-tenths], 0.0) / tenths
        return means


def _highest(sums: Energies, hops: int) -> float:
    """The highest mean energy of `hops` hops in a row, from running sums; 0 where there are not that many."""
    return float((sums[hops:] - sums[:-hops]).max(initial=0.0)) / hops


def _gated(blocks: Energies, relative_gate: float) -> Energies:
    """The blocks above -70 LUFS and above the relative gate, in LU under the mean of the former."""
    heard = blocks[blocks > _energy(_ABSOLUTE_GATE)]
    if not len(heard):
        return heard
    loud: Energies = heard[heard > heard.mean() * 10 ** (relative_gate / 10)]
    return loud


def _energy(lufs: float) -> float:
    return math.pow(10, (lufs - _OFFSET) / 10)


def _lufs(energy: float) -> float | None:
    return _OFFSET + 10 * math.log10(energy) if energy > 0 else None
