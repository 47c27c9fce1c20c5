"""Makes a segment of documents that were read from the database."""

from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from itertools import repeat
from typing import Any, Final, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from otolith.library.search.engine.segment import FIELDS, FLAGS, NO_ID, NUMBERS, Docs, Field, Segment, Spelt
from otolith.library.search.engine.texts import Starts, Texts, Words, grouped
from otolith.library.search.engine.words import fold, words_of, words_of_folded

KEY_LIMIT: Final = 200
LYRICS_LIMIT: Final = 2000


class Name(NamedTuple):
    """A name as documents have it: as shown, the row that it is, if any, and other names that find it too."""

    shown: str
    id: bytes = NO_ID
    also: str = ""


@dataclass(slots=True)
class Document:
    """A track as the index takes it in; `numbers` are those of `NUMBERS`, in their order."""

    id: bytes
    version: int
    names: Mapping[str, Sequence[Name]]
    numbers: Sequence[float | None]
    flags: frozenset[str] = frozenset()
    lyrics: str = ""


class Builder:
    """Gathers documents, some at a time, and makes one segment of them all."""

    def __init__(self) -> None:
        self._ids: list[bytes] = []
        self._versions = array("q")
        self._flags = array("H")
        self._numbers: list[NDArray[np.float64]] = []
        self._names: dict[str, _Pairs[Name]] = {name: _Pairs() for name in FIELDS}
        self._lyrics: _Pairs[str] = _Pairs()

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, documents: Iterable[Document]) -> None:
        """Take documents in, each of an id that was not taken in before."""
        numbers = []
        for doc, document in enumerate(documents, len(self._ids)):
            self._ids.append(document.id)
            self._versions.append(document.version)
            self._flags.append(_bits(document.flags))
            numbers.append(document.numbers)
            for name, names in document.names.items():
                pairs = self._names[name]
                for one in names:
                    if one[0]:
                        pairs.add(one, doc)
            if document.lyrics:
                self._lyrics.add_all(set(words_of(document.lyrics)[:LYRICS_LIMIT]), doc)
        # None becomes NaN.
        self._numbers.append(np.array(numbers, np.float64).reshape(len(numbers), len(NUMBERS)))

    def segment(self) -> Segment:
        """The segment of all documents so far."""
        ids = np.array(self._ids, "S16")
        order = np.argsort(ids, kind="stable")
        docs = np.empty(len(ids), np.int32)
        docs[order] = np.arange(len(ids), dtype=np.int32)
        read = np.concatenate([np.empty((0, len(NUMBERS))), *self._numbers])[order]
        numbers = {name: read[:, place].astype(number_type(name)) for place, name in enumerate(NUMBERS)}
        return Segment(
            ids=ids[order],
            versions=np.array(self._versions, np.int64)[order],
            flags=np.array(self._flags, np.uint16)[order],
            numbers=numbers,
            fields={name: _field(pairs, docs) for name, pairs in self._names.items()},
            lyrics=_words(self._lyrics, docs)[0],
        )


def build(documents: Iterable[Document]) -> Segment:
    """The segment of these documents, each of another id."""
    builder = Builder()
    builder.add(documents)
    return builder.segment()


Value = TypeVar("Value", Name, str)


class _Pairs(Generic[Value]):
    """Values and what each stands in: every value has a number, in the order in which they came."""

    def __init__(self) -> None:
        self.numbers: dict[Value, int] = {}
        self.of = array("i")
        self.targets = array("i")

    def add(self, value: Value, target: int) -> None:
        """Note that a value stands in a target."""
        number = self.numbers.get(value)
        if number is None:
            number = self.numbers[value] = len(self.numbers)
        self.of.append(number)
        self.targets.append(target)

    def add_all(self, values: Collection[Value], target: int) -> list[int]:
        """Note that values stand in a target; the numbers of the values."""
        numbers = self.numbers
        found = [numbers.setdefault(value, len(numbers)) for value in values]
        self.of.extend(found)
        self.targets.extend(repeat(target, len(found)))
        return found

    def grouped(self, renamed: NDArray[np.int32], new: NDArray[np.int32], size: int) -> tuple[Starts, Docs]:
        """The targets of each value, by the new numbers of the values and of the targets."""
        return grouped(renamed[np.array(self.of, np.int32)], new[np.array(self.targets, np.int32)], size)


@lru_cache(256)
def _bits(flags: frozenset[str]) -> int:
    return sum(1 << FLAGS.index(name) for name in flags)


def number_type(name: str) -> type[np.floating[Any]]:
    """Moments and sizes need more digits than a float32 has."""
    return np.float64 if name in {"added", "size"} else np.float32


def _key_of(name: Name, folded: str) -> bytes:
    """What a name is sorted by and told apart by."""
    apart = name.id if name.id != NO_ID else b""
    if len(folded) > KEY_LIMIT:
        apart += blake2b(folded.encode(), digest_size=8).digest()
    return folded[:KEY_LIMIT].encode() + (b"\0" + apart if apart else b"")


def _words(pairs: _Pairs[str], targets: NDArray[np.int32]) -> tuple[Words, NDArray[np.int32]]:
    """Words and what they stand in by the new numbers of that; and the words' own new numbers."""
    encoded = [word.encode() for word in pairs.numbers]
    order = sorted(range(len(encoded)), key=encoded.__getitem__)
    new = _inverse(order)
    return Words(Texts.of([encoded[number] for number in order]), *pairs.grouped(new, targets, len(order))), new


def _inverse(order: Sequence[int]) -> NDArray[np.int32]:
    inverse = np.empty(len(order), np.int32)
    inverse[np.array(order, np.int64)] = np.arange(len(order), dtype=np.int32)
    return inverse


def _field(pairs: _Pairs[Name], docs: NDArray[np.int32]) -> Field:
    """The field of gathered names; those of one key, such as "Muse" and "MUSE", become one."""
    names = list(pairs.numbers)
    folded = [fold(name.shown) for name in names]
    keys = list(map(_key_of, names, folded))
    first: dict[bytes, int] = {}
    for number, key in enumerate(keys):
        first.setdefault(key, number)
    ordered = sorted(first)
    codes = {key: code for code, key in enumerate(ordered)}
    chosen = [first[key] for key in ordered]
    words: _Pairs[str] = _Pairs()
    lengths, spelt, ends = np.zeros(len(ordered), np.uint8), array("i"), array("q", [0])
    for code, number in enumerate(chosen):
        own, asked = words_of_folded(folded[number])
        places = words.add_all(own, code)
        spelt.extend(places if asked is own else [words.numbers[word] for word in asked])
        ends.append(len(spelt))
        lengths[code] = min(255, len(own))
    for number, name in enumerate(names):
        code = codes[keys[number]]
        if number != chosen[code]:
            words.add_all(words_of_folded(folded[number])[0], code)
        if name.also:
            words.add_all(words_of(name.also), code)
    found, new = _words(words, np.arange(len(ordered), dtype=np.int32))
    renamed = np.array([codes[key] for key in keys], np.int32)
    starts, targets = pairs.grouped(renamed, docs, len(ordered))
    return Field(
        keys=Texts.of(ordered),
        shown=Texts.of([names[number].shown.encode() for number in chosen]),
        ids=np.array([names[number].id for number in chosen], "S16"),
        lengths=lengths,
        words=found,
        spelt=Spelt(np.array(ends, np.int64), new[np.array(spelt, np.int32)]),
        starts=starts,
        docs=targets,
        size=len(docs),
    )
