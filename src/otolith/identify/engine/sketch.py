"""Sketches of Chromaprint fingerprints: small samples by which recordings worth comparing find each other.

Two encodings of one recording share a good part of their codes exactly, and two recordings hardly any. Which codes a
sketch holds depends on the codes alone (the least of a hash, as in Broder, "On the resemblance and containment of
documents", 1997), so two sketches sample the same ones, wherever the recordings begin.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from otolith.identify.engine.chromaprint_text import Codes

HEARD: Final = 4000
"""Codes from the beginning that are sampled: eight minutes tell recordings apart."""

LEAST_VARIETY: Final = 16
"""A recording with fewer different codes, such as silence or a steady tone, sounds like any other of its kind."""

_FEW: Final = 96
_SHARE: Final = 8
_MIX: Final = np.uint32(2_654_435_761)
_LAYOUT: Final = np.dtype([("code", "<u4"), ("place", "<u2")])
_COMMON: Final = 32
_VOTES: Final = 2
_BIN: Final = 8


def sketch_of(codes: Codes) -> bytes:
    """The sketch of a fingerprint, packed; empty where the recording has too little variety to be told apart.

    It holds an eighth of the different codes, but at least 96 of them where there are so many, each with the place
    where it first occurs: six bytes apiece, sorted by code.
    """
    different, places = np.unique(codes[:HEARD], return_index=True)
    if len(different) < LEAST_VARIETY:
        return b""
    mixed = (different * _MIX) ^ ((different * _MIX) >> np.uint32(15))
    kept = mixed < np.uint32(2**32 // _SHARE)
    if np.count_nonzero(kept) < _FEW:
        kept = np.zeros(len(different), dtype=bool)
        kept[np.argsort(mixed, kind="stable")[:_FEW]] = True
    packed = np.empty(int(np.count_nonzero(kept)), dtype=_LAYOUT)
    packed["code"], packed["place"] = different[kept], places[kept]
    return packed.tobytes()


@dataclass(frozen=True, slots=True)
class Sketches:
    """The sketches of several recordings in one: `owner[i]` is the recording whose code ``code[i]`` is.

    `code` is sorted; `seconds` holds the length of each recording.
    """

    code: NDArray[np.uint32]
    place: NDArray[np.int64]
    owner: NDArray[np.int64]
    seconds: NDArray[np.float64]


def gather(sketches: Sequence[bytes], seconds: Sequence[float]) -> Sketches:
    """Several packed sketches as one; the recordings are numbered in their order."""
    counts = [len(sketch) // _LAYOUT.itemsize for sketch in sketches]
    packed = np.frombuffer(b"".join(sketches), dtype=_LAYOUT)
    order = np.argsort(packed["code"], kind="stable")
    owner = np.repeat(np.arange(len(sketches)), counts)
    return Sketches(
        code=packed["code"][order].astype(np.uint32),
        place=packed["place"][order].astype(np.int64),
        owner=owner[order],
        seconds=np.asarray(seconds, dtype=np.float64),
    )


@dataclass(frozen=True, slots=True)
class Candidate:
    """Two recordings worth comparing: numbers in either collection, and where they seem to lie over each other.

    Code ``i + shift`` of the first seems to stand over code ``i`` of the second; `votes` codes say so.
    """

    first: int
    second: int
    shift: int
    votes: int


def candidates(some: Sketches, others: Sketches, *, within: float) -> list[Candidate]:
    """Pairs of one of `some` and one of `others` whose lengths are `within` seconds and that share codes in order.

    Codes that more than 32 of `some` share say nothing and are passed over, so the work grows with the number of
    codes and not with its square.
    """
    left = np.searchsorted(some.code, others.code, side="left")
    found = np.searchsorted(some.code, others.code, side="right") - left
    found[found > _COMMON] = 0
    total = int(found.sum())
    if total == 0:
        return []
    second = np.repeat(np.arange(len(others.code)), found)
    begins = np.repeat(np.cumsum(found) - found, found)
    first = np.repeat(left, found) + np.arange(total) - begins
    a, b = some.owner[first], others.owner[second]
    alike = np.abs(some.seconds[a] - others.seconds[b]) <= within
    shift = (some.place[first] - others.place[second])[alike]
    return _agreeing(a[alike], b[alike], shift)


def _agreeing(a: NDArray[np.int64], b: NDArray[np.int64], shift: NDArray[np.int64]) -> list[Candidate]:
    """The pairs for which at least two codes agree on the shift, to about a second; each with its best shift."""
    best: dict[tuple[int, int], Candidate] = {}
    others = int(b.max(initial=0)) + 1
    # Two sets of bins, half a bin apart, so that no shift lies at the edge of both.
    for half in (0, _BIN // 2):
        bins = (shift + half) // _BIN + HEARD // _BIN + 1
        width = 2 * (HEARD // _BIN) + 3
        different, inverse, votes = np.unique((a * others + b) * width + bins, return_inverse=True, return_counts=True)
        sums = np.bincount(inverse, weights=shift, minlength=len(votes))
        for index in np.flatnonzero(votes >= _VOTES):
            pair, count = int(different[index]) // width, int(votes[index])
            known = best.get((pair // others, pair % others))
            if known is None or count > known.votes:
                found = Candidate(pair // others, pair % others, round(float(sums[index]) / count), count)
                best[found.first, found.second] = found
    return list(best.values())
