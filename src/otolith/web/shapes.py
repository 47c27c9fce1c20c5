"""Drawing waveforms and beats as SVG paths, on a canvas 100 high whose middle is silence."""

import struct
import zlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Shape:
    """The outline of a recording, `width` units wide: its peaks, and inside them its mean loudness."""

    width: int
    peak: str
    loud: str


def shape_of(peaks: bytes, rms: bytes, bins: int, places: int = 0) -> Shape | None:
    """The shape of stored levels (deflated int8 pairs and uint8, as `otolith.media.models.Waveform` keeps them).

    None for nothing heard. Quiet recordings are drawn taller, up to eightfold, so that they are not a mere line.
    """
    pairs = array("b", zlib.decompress(peaks))
    means = array("B", zlib.decompress(rms))
    count = len(means)
    if not count:
        return None
    bins = min(bins, count)
    edges = [index * count // bins for index in range(bins + 1)]
    high = [max(pairs[2 * a + 1 : 2 * b : 2]) for a, b in pairwise(edges)]
    low = [min(pairs[2 * a : 2 * b : 2]) for a, b in pairwise(edges)]
    loud = [sum(means[a:b]) / (b - a) for a, b in pairwise(edges)]
    loudest = max(1, *high, *(-value for value in low), *loud)
    scale = 48 / 128 * min(8.0, 128 / loudest)
    return Shape(bins, _outline(high, low, scale, places), _outline(loud, [-value for value in loud], scale, places))


def _outline(high: Sequence[float], low: Sequence[float], scale: float, places: int) -> str:
    """A closed path over the upper edge and back under the lower one, never thinner than a hair."""
    over = [f"{index} {50 - max(0.6, scale * value):.{places}f}" for index, value in enumerate((*high, high[-1]))]
    under = [f"{index} {50 + max(0.6, -scale * value):.{places}f}" for index, value in enumerate((*low, low[-1]))]
    return "M" + "L".join([*over, *reversed(under)]) + "Z"


def beats_of(beats: bytes) -> list[float]:
    """The times of the beats in seconds, from little-endian float32."""
    return [time for (time,) in struct.iter_unpack("<f", beats)]


def beat_marks(times: Sequence[float], duration: float, width: int) -> str:
    """Small marks under the waveform; nothing where they would stand closer than four units and blur."""
    if len(times) < 2 or duration <= 0 or width / len(times) < 4:
        return ""
    return "".join(f"M{time / duration * width:.1f} 97V100" for time in times if time <= duration)
