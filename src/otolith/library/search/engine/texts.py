"""Sorted texts as two arrays, which a snapshot can hold and a search can bisect."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Starts = NDArray[np.int64]


@dataclass(frozen=True)
class Texts(Sequence[bytes]):
    """Texts one after the other in `blob`, uint8; text i is ``blob[starts[i]:starts[i + 1]]``, starts int64."""

    blob: Bytes
    starts: Starts

    @classmethod
    def of(cls, texts: Sequence[bytes]) -> "Texts":
        starts = np.fromiter(accumulate(map(len, texts), initial=0), np.int64, len(texts) + 1)
        return cls(np.frombuffer(b"".join(texts), np.uint8), starts)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, index: int) -> bytes:  # type: ignore[override]
        if index >= len(self):
            raise IndexError(index)
        return self.blob[self.starts[index] : self.starts[index + 1]].tobytes()

    def all(self) -> list[bytes]:
        """All of them, faster than one by one."""
        whole, ends = self.blob.tobytes(), self.starts.tolist()
        return [whole[start:end] for start, end in pairwise(ends)]

    def find(self, text: bytes) -> int | None:
        """The place of a text among sorted ones."""
        place = bisect_left(self, text)
        return place if place < len(self) and self[place] == text else None

    def beginning(self, prefix: bytes) -> tuple[int, int]:
        """The range of sorted texts that begin so; no UTF-8 text holds the byte that bounds it."""
        low = bisect_left(self, prefix)
        return low, bisect_left(self, prefix + b"\xff", low)

    @cached_property
    def letters(self) -> NDArray[np.uint64]:
        """For each text a set of its bytes' classes as 64 bits: what a text lacks here, it lacks for sure."""
        return self._united(np.left_shift(np.uint64(1), (self.blob & 63).astype(np.uint64)))

    @cached_property
    def widest(self) -> NDArray[np.int64]:
        """How many bytes a letter of each text takes at most: 1 where all is ASCII, else 4."""
        return np.where(self._united((self.blob >> 7).astype(np.uint64)) != 0, 4, 1)

    def _united(self, bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """The union of the bits of each text's bytes."""
        found = np.zeros(len(self), np.uint64)
        filled = np.flatnonzero(np.diff(self.starts))
        if len(filled):
            found[filled] = np.bitwise_or.reduceat(bits, self.starts[filled])
        return found


@dataclass(frozen=True)
class Words:
    """Sorted words and what each stands in: word i in ``targets[starts[i]:starts[i + 1]]``, int32, no target twice."""

    texts: Texts
    starts: Starts
    targets: NDArray[np.int32]

    def of_range(self, low: int, high: int) -> NDArray[np.int32]:
        """What the words from `low` to before `high` stand in; a target may come several times."""
        return self.targets[self.starts[low] : self.starts[high]]


def grouped(groups: NDArray[np.int32], targets: NDArray[np.int32], size: int) -> tuple[Starts, NDArray[np.int32]]:
    """The targets of each of `size` groups one after the other, each once, and where each group starts."""
    span = int(targets.max()) + 1 if len(targets) else 1
    # One number a pair, sorted where it stands, since of a large library's words there are many millions.
    pairs = groups.astype(np.int64)
    pairs *= span
    pairs += targets
    pairs.sort()
    if len(pairs):
        pairs = pairs[np.concatenate(([True], pairs[1:] != pairs[:-1]))]
    counts = np.bincount(pairs // span, minlength=size)
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(counts))), (pairs % span).astype(np.int32)


def ranges(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """The indexes of several ranges one after the other."""
    behind = np.cumsum(lengths) - lengths
    shift: NDArray[np.int64] = np.repeat(starts - behind, lengths)
    return shift + np.arange(len(shift), dtype=np.int64)
