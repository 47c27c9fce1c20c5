"""Drawing waveforms and beats as SVG paths, on a canvas 100 high whose middle is silence."""

import struct
import zlib
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any


@dataclass(frozen=True, slots=True)
class Shape:
    """The outline of a recording, `width` units wide: its peaks, and inside them its mean loudness."""

    width: int
    peak: str
    loud: str


def shape_of(peaks: bytes, rms: bytes, bins: int) -> Shape | None:
    """The shape of stored levels (deflated int8 pairs and uint8, as `otolith.media.models.Waveform` keeps them).

    None for nothing heard. Quiet recordings are drawn taller, up to eightfold, so that they are not a mere line.
    """
    low, high = _extremes(peaks, bins)
    if not high:
        return None
    edges, means = _edges(zlib.decompress(rms), bins)
    loud = [sum(means[a:b]) / (b - a) for a, b in pairwise(edges)]
    scale = _scale(low, high, loud)
    return Shape(len(high), _outline(high, low, scale, 1), _outline(loud, [-value for value in loud], scale, 1))


def sketch_of(peaks: bytes, bins: int) -> Shape | None:
    """The outline of the peaks alone, in whole units: all that a small picture in a list can show."""
    low, high = _extremes(peaks, bins)
    return Shape(len(high), _outline(high, low, _scale(low, high, ()), 0), "") if high else None


def _edges(points: Sequence[int], bins: int) -> tuple[list[int], Sequence[int]]:
    count = len(points)
    bins = min(bins, count)
    return [index * count // bins for index in range(bins + 1)] if count else [0], points


def _extremes(peaks: bytes, bins: int) -> tuple[list[int], list[int]]:
    pairs = array("b", zlib.decompress(peaks))
    edges, lows = _edges(pairs[::2], bins)
    highs = pairs[1::2]
    return [min(lows[a:b]) for a, b in pairwise(edges)], [max(highs[a:b]) for a, b in pairwise(edges)]


def _scale(low: Sequence[float], high: Sequence[float], loud: Sequence[float]) -> float:
    loudest = max(1, *high, -min(low), *loud)
    return 48 / 128 * min(8.0, 128 / loudest)


def _outline(high: Sequence[float], low: Sequence[float], scale: float, places: int) -> str:
    """A closed path over the upper edge and back under the lower one, never thinner than a hair."""
    hair = 0.6 if places else 1
    over = [round(50 - max(hair, scale * value), places or None) for value in (*high, high[-1])]
    under = [round(50 - min(-hair, scale * value), places or None) for value in (*low, low[-1])]
    points = [f"{x} {y}" for x, y in enumerate(over)]
    points += [f"{x} {under[x]}" for x in range(len(under) - 1, -1, -1)]
    return "M" + " ".join(points) + "Z"


def beats_of(beats: bytes) -> list[float]:
    """The times of the beats in seconds, from little-endian float32."""
    return [time for (time,) in struct.iter_unpack("<f", beats)]


def beat_marks(times: Sequence[float], duration: float, width: int) -> str:
    """Small marks under the waveform; nothing where they would stand closer than four units and blur."""
    if len(times) < 2 or duration <= 0 or width / len(times) < 4:
        return ""
    return "".join(f"M{time / duration * width:.1f} 93V100" for time in times if time <= duration)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a recording on the same canvas: where it begins, how wide it is, and what it is."""

    at: float
    width: float
    kind: str


def stretches(parts: Sequence[Mapping[str, Any]], duration: float, width: int) -> list[Stretch]:
    """The parts that the analysis divided a recording into, as places along the waveform."""
    if duration <= 0:
        return []
    scale = width / duration
    ends = [min(float(part["end"]), duration) for part in parts]
    # The analysis counts in whole seconds, and the last part goes to the end.
    ends[-1:] = [duration] if ends else []
    return [
        Stretch(round(part["start"] * scale, 1), round(max(0.0, end - part["start"]) * scale, 1), str(part["kind"]))
        for part, end in zip(parts, ends, strict=True)
    ]
