"""Makes a segment of documents that were read from the database."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from otolith.library.search.engine.segment import FIELDS, FLAGS, NO_ID, NUMBERS, Field, Segment
from otolith.library.search.engine.texts import Texts, Words, joined
from otolith.library.search.engine.words import fold, words_of

KEY_LIMIT: Final = 200
LYRICS_LIMIT: Final = 2000


class Name(NamedTuple):
    """A name as documents have it: as shown, the row that it is, if any, and other names that find it too."""

    shown: str
    id: bytes = NO_ID
    also: str = ""


@dataclass(slots=True)
class Document:
    """A track as the index takes it in."""

    id: bytes
    version: int
    names: Mapping[str, Sequence[Name]]
    numbers: Mapping[str, float | None]
    flags: frozenset[str] = frozenset()
    lyrics: str = ""


_Names = defaultdict[Name, list[int]]
"""The names of one field while they are gathered, and the documents that have each."""


def build(documents: Sequence[Document]) -> Segment:
    """The segment of these documents, each of another id."""
    ordered = sorted(documents, key=lambda document: document.id)
    gathered: dict[str, _Names] = {name: defaultdict(list) for name in FIELDS}
    lyrics: dict[str, list[int]] = defaultdict(list)
    for doc, document in enumerate(ordered):
        for name, names in document.names.items():
            known = gathered[name]
            for one in names:
                if one[0]:
                    known[one].append(doc)
        for word in set(words_of(document.lyrics)[:LYRICS_LIMIT]) if document.lyrics else ():
            lyrics[word].append(doc)
    return Segment(
        ids=np.array([document.id for document in ordered], "S16"),
        versions=np.array([document.version for document in ordered], np.int64),
        flags=np.array([_bits(document.flags) for document in ordered], np.uint16),
        numbers={name: _column(name, ordered) for name in NUMBERS},
        fields={name: _field(names, len(ordered)) for name, names in gathered.items()},
        lyrics=Words.of(lyrics),
    )


@lru_cache(256)
def _bits(flags: frozenset[str]) -> int:
    return sum(1 << FLAGS.index(name) for name in flags)


def number_type(name: str) -> type[np.floating[Any]]:
    """Moments and sizes need more digits than a float32 has."""
    return np.float64 if name in {"added", "size"} else np.float32


def _column(name: str, documents: Sequence[Document]) -> NDArray[Any]:
    values = (document.numbers.get(name) for document in documents)
    return np.array([np.nan if value is None else value for value in values], number_type(name))


def key_of(name: Name) -> bytes:
    """What a name is sorted by and told apart by."""
    folded = fold(name.shown)
    apart = name.id if name.id != NO_ID else b""
    if len(folded) > KEY_LIMIT:
        apart += blake2b(folded.encode(), digest_size=8).digest()
    return folded[:KEY_LIMIT].encode() + (b"\0" + apart if apart else b"")


def _field(names: _Names, size: int) -> Field:
    """The field of gathered names; those of one key, such as "Muse" and "MUSE", become one."""
    merged: dict[bytes, tuple[Name, list[int], list[str]]] = {}
    for name, docs in names.items():
        known = merged.setdefault(key_of(name), (name, [], []))
        known[1].extend(docs)
        known[2].extend((name.shown, name.also))
    entries = sorted(merged.items())
    words: dict[str, list[int]] = defaultdict(list)
    for code, (_, (_, _, texts)) in enumerate(entries):
        for word in {word for text in dict.fromkeys(texts) for word in words_of(text)}:
            words[word].append(code)
    starts, targets = joined([sorted(set(docs)) for _, (_, docs, _) in entries])
    return Field(
        keys=Texts.of([key for key, _ in entries]),
        shown=Texts.of([name.shown.encode() for _, (name, _, _) in entries]),
        ids=np.array([name.id for _, (name, _, _) in entries], "S16"),
        lengths=np.array([min(255, len(words_of(name.shown))) for _, (name, _, _) in entries], np.uint8),
        words=Words.of(words),
        starts=starts,
        docs=targets,
        size=size,
    )
