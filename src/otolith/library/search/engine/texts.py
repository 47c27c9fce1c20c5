"""Sorted texts as two arrays, which a snapshot can hold and a search can bisect."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, chain, pairwise

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

    @classmethod
    def of(cls, found: dict[str, list[int]]) -> "Words":
        """From the targets of each word."""
        ordered = sorted((word.encode(), targets) for word, targets in found.items())
        return cls(Texts.of([word for word, _ in ordered]), *joined([targets for _, targets in ordered]))

    def of_range(self, low: int, high: int) -> NDArray[np.int32]:
        """What the words from `low` to before `high` stand in; a target may come several times."""
        return self.targets[self.starts[low] : self.starts[high]]


def joined(lists: Sequence[Sequence[int]]) -> tuple[Starts, NDArray[np.int32]]:
    """Lists one after the other, and where each starts."""
    starts = np.fromiter(accumulate(map(len, lists), initial=0), np.int64, len(lists) + 1)
    flat = np.fromiter(chain.from_iterable(lists), np.int32, int(starts[-1]))
    return starts, flat


def ranges(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """The indexes of several ranges one after the other."""
    behind = np.cumsum(lengths) - lengths
    shift: NDArray[np.int64] = np.repeat(starts - behind, lengths)
    return shift + np.arange(len(shift), dtype=np.int64)
