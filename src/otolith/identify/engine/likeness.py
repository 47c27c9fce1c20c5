"""Whether two fingerprints are of the same recording, from beginning to end."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from otolith.identify.engine.chromaprint_frames import HOP, RATE
from otolith.identify.engine.chromaprint_text import Codes
from otolith.identify.engine.sketch import LEAST_VARIETY

CODE_SECONDS: Final = HOP / RATE
CUT_SECONDS: Final = 15.0
"""What may lack at the ends of one of the two: a trimmed beginning, an earlier end."""

_LARGEST_ERROR: Final = 0.12
_LARGEST_WITHIN: Final = 0.20
_LARGEST_AT_ENDS: Final = 0.35
_WINDOW: Final = 48
_SEARCH: Final = 12


@dataclass(frozen=True, slots=True)
class Likeness:
    """How two fingerprints of one recording differ.

    `error` is the share of differing bits where they lie over each other, `worst` that of the worst six seconds, and
    the recording begins `shift` seconds later in the first than in the second.
    """

    error: float
    worst: float
    shift: float


def likeness(first: Codes, second: Codes, shift: int) -> Likeness | None:
    """How alike two fingerprints are around a supposed shift, or None where they are not of the same recording.

    The same recording differs by at most 0.12 of all bits (a 64 kbit/s encoding cut between two codes has 0.04,
    unrelated music 0.39 and more), by 0.20 in no six seconds, so that no verse was cut or sung anew, and by 0.35 in
    the first and last six, where quiet sounds drown in the noise of encoding. What lies beyond the other's ends is at
    most 15 seconds and a quarter of the whole.
    """
    best: tuple[float, int] | None = None
    for at in range(shift - _SEARCH, shift + _SEARCH + 1):
        wrong = _wrong_bits(first, second, at)
        if len(wrong) >= _WINDOW and (best is None or wrong.mean() < best[0]):
            best = float(wrong.mean()), at
    if best is None or best[0] > 32 * _LARGEST_ERROR:
        return None
    wrong = _wrong_bits(first, second, best[1])
    longest = max(len(first), len(second))
    if longest - len(wrong) > min(CUT_SECONDS / CODE_SECONDS, longest / 4):
        return None
    heard = first[max(0, best[1]) :][: len(wrong)]
    if len(np.unique(heard)) < LEAST_VARIETY:
        return None
    starts = [*range(0, len(wrong) - _WINDOW, _WINDOW), len(wrong) - _WINDOW]
    parts = [float(wrong[start : start + _WINDOW].mean()) / 32 for start in starts]
    if max(parts[1:-1], default=0.0) > _LARGEST_WITHIN or max(parts) > _LARGEST_AT_ENDS:
        return None
    return Likeness(error=best[0] / 32, worst=max(parts), shift=best[1] * CODE_SECONDS)


def _wrong_bits(first: Codes, second: Codes, shift: int) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    """How many bits differ in each pair of codes, where code ``i + shift`` stands over code ``i``."""
    one, other = first[max(0, shift) :], second[max(0, -shift) :]
    overlap = min(len(one), len(other))
    counts: np.ndarray[tuple[int], np.dtype[np.uint8]] = np.bitwise_count(one[:overlap] ^ other[:overlap])
    return counts
