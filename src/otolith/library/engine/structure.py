"""Divides a recording into parts where its sound changes, and says which are the intro, the outro and the loud ones."""

from itertools import pairwise
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct
from scipy.ndimage import maximum_filter1d

from otolith.library.engine.chroma import FRAME_RATE
from otolith.library.engine.texture import Codes, decoded

Array = NDArray[np.float64]
Kind = Literal["intro", "outro", "loud", "part"]
_AT_ONCE = 600
_AROUND = 12  # Seconds that are compared on either side of a boundary.
_SHORTEST = 8  # Seconds.
_MOST: Final = 100
_STANDS_OUT = 1.3
_COEFFICIENTS = 12
_SOFTER = 3.0  # Decibels.
_LOUDER = 1.0
_LONGEST_END = 0.3  # Of the recording.


def divide(bands: Codes, chroma: NDArray[np.floating]) -> list[dict[str, Any]]:
    """The parts one after the other.

    `bands` (n, b) as `Texture` keeps them and `chroma` (n, 24), both at 10.8 frames a second. Each part is
    ``{"start", "end", "kind", "level_db"}``: seconds, a `Kind`, and dB against the whole recording.
    """
    count = min(bands.shape[0], chroma.shape[0])
    seconds = int(count / FRAME_RATE)
    if seconds < 2 * _SHORTEST:
        return []
    level, look = _seconds(bands, chroma, seconds)
    if level.max() < -90:
        return []
    places = [0, *_boundaries(_novelty(look)), seconds]
    means = np.array([_mean_db(level[start:end]) for start, end in pairwise(places)]) - _mean_db(level)
    kinds = _kinds(places, means)
    return [
        {"start": float(start), "end": float(end), "kind": kind, "level_db": round(float(mean), 1)}
        for (start, end), kind, mean in zip(pairwise(places), kinds, means, strict=True)
    ]


def _seconds(bands: Codes, chroma: NDArray[np.floating], seconds: int) -> tuple[Array, Array]:
    """The level of each second in dB, and how it sounds: timbre, harmony and level, each of about unit spread."""
    edges = np.rint(np.arange(seconds + 1) * FRAME_RATE).astype(np.intp)
    chunks = [_means(bands, chroma, edges[start : start + _AT_ONCE + 1]) for start in range(0, seconds, _AT_ONCE)]
    power, mean, harmony = (np.concatenate(parts) for parts in zip(*chunks, strict=True))
    level = 10 * np.log10(power + 1e-12)
    shape = dct(np.maximum(mean, mean.max() - 60), axis=1, norm="ortho")[:, 1 : _COEFFICIENTS + 1]
    harmony /= np.maximum(np.linalg.norm(harmony, axis=1, keepdims=True), 0.3)
    timbre = (shape - shape.mean(axis=0)) / (shape.std() + 3.0)
    loud = np.maximum(level, level.max() - 40)[:, None] / 6
    return level, np.concatenate([timbre, 0.7 * harmony, loud], axis=1)


def _means(bands: Codes, chroma: NDArray[np.floating], edges: NDArray[np.intp]) -> tuple[Array, Array, Array]:
    """Power, bands in dB and chroma of each stretch between two edges."""
    first, last = int(edges[0]), int(edges[-1])
    starts, counts = edges[:-1] - first, np.diff(edges)[:, None]
    level = decoded(bands[first:last]).astype(np.float64)
    power = np.add.reduceat(np.power(10.0, level / 10).sum(axis=1), starts) / counts[:, 0]
    mean = np.add.reduceat(level, starts, axis=0) / counts
    return power, mean, np.add.reduceat(chroma[first:last].astype(np.float64), starts, axis=0) / counts


def _novelty(look: Array) -> Array:
    """How different the seconds before each second are from those after it.

    The square of the distance between the two means, which is what Foote's checkerboard kernel measures on a matrix of
    inner products, in linear time.
    """
    sums = np.concatenate([np.zeros((1, look.shape[1])), np.cumsum(look, axis=0)])
    here = np.arange(look.shape[0] + 1)
    before, after = np.maximum(here - _AROUND, 0), np.minimum(here + _AROUND, look.shape[0])
    earlier = (sums[here] - sums[before]) / np.maximum(here - before, 1)[:, None]
    later = (sums[after] - sums[here]) / np.maximum(after - here, 1)[:, None]
    novelty = np.square(earlier - later).sum(axis=1)
    novelty[:4] = novelty[-4:] = 0.0
    return np.asarray(novelty)


def _boundaries(novelty: Array) -> list[int]:
    """The strongest changes, each the strongest of its surroundings, none nearer to another than the shortest part."""
    bar = _STANDS_OUT * float(np.median(novelty)) + 0.15
    nearest = max(_SHORTEST, novelty.size // _MOST)
    chosen: list[int] = []
    is_peak = novelty >= maximum_filter1d(novelty, 2 * _SHORTEST + 1, mode="nearest")
    for place in sorted(np.flatnonzero(is_peak), key=lambda place: -novelty[place]):
        if novelty[place] < bar or len(chosen) == _MOST - 1:
            break
        if all(abs(int(place) - other) >= nearest for other in (*chosen, 0, novelty.size - 1)):
            chosen.append(int(place))
    return sorted(chosen)


def _kinds(places: list[int], means: Array) -> list[Kind]:
    """A soft beginning is the intro, a soft end the outro; loud are those above the mean of the rest."""
    count, whole = len(means), places[-1]
    kinds: list[Kind] = ["part"] * count
    if count < 3:
        return kinds
    middle = float(np.median(means[1:-1]))
    if means[0] < middle - _SOFTER and places[1] < _LONGEST_END * whole:
        kinds[0] = "intro"
    if means[-1] < middle - _SOFTER and whole - places[-2] < _LONGEST_END * whole:
        kinds[-1] = "outro"
    for index, mean in enumerate(means):
        if kinds[index] == "part" and mean >= _LOUDER and mean >= means.max() - _SOFTER:
            kinds[index] = "loud"
    return kinds


def _mean_db(level: Array) -> float:
    return float(10 * np.log10(np.power(10.0, level / 10).mean()))
