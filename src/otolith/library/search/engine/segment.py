"""The arrays that a search runs over: documents of one workspace, and the names that they share."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from otolith.library.search.engine.texts import Bytes, Starts, Texts, Words

FIELDS: Final = (
    *("title", "artist", "album_artist", "composer", "people", "album", "genre", "mood"),
    *("artist_shown", "format", "container"),
)
"""What a document has names in; `artist_shown` is the artist as displayed, which lists are sorted by."""

NUMBERS: Final = (
    *("year", "duration", "tempo", "key", "loudness", "energy", "voice", "onsets", "brightness", "dynamics"),
    *("bitrate", "rate", "channels", "bits", "size", "track", "disc", "added"),
)
"""What a document has numbers of, NaN where unknown; `key` is a place on the Camelot wheel, see `otolith.library`."""

FLAGS: Final = ("missing", "lossless", "compilation", "analysed", "failed", "lyrics", "cover")
NO_ID: Final = b"\0" * 16

Docs = NDArray[np.int32]
Mask = NDArray[np.bool_]
Ids = NDArray[np.bytes_]


@dataclass(frozen=True)
class Spelt:
    """The words of names in their order: name i is ``words[starts[i]:starts[i + 1]]``, int32 places among the words."""

    starts: Starts
    words: NDArray[np.int32]


@dataclass(frozen=True)
class Field:
    """Names of one kind, the words in them, and the documents that have each.

    `keys` is sorted and unique: the folded name, and behind a NUL what else tells it from names that read the same.
    `shown` is the name as people write it; `ids` the row that it is, as S16, or `NO_ID`. `lengths`, uint8, counts the
    words of a name, and `spelt` says in which order they stand there. Name i belongs to
    ``docs[starts[i]:starts[i + 1]]`` of `size` documents.
    """

    keys: Texts
    shown: Texts
    ids: Ids
    lengths: NDArray[np.uint8]
    words: Words
    spelt: Spelt
    starts: Starts
    docs: Docs
    size: int

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """How many documents each name belongs to."""
        return np.diff(self.starts)

    @cached_property
    def is_single(self) -> bool:
        """Whether no document has two of these names."""
        return not len(self.docs) or int(np.bincount(self.docs).max()) < 2

    @cached_property
    def codes(self) -> NDArray[np.int32]:
        """The first name of each document in the order of the names, or their number where it has none."""
        codes = np.full(self.size, len(self.keys), np.int32)
        # Backwards, so that of several names of a document the first one stays.
        codes[self.docs[::-1]] = np.repeat(np.arange(len(self.keys), dtype=np.int32), self.counts)[::-1]
        return codes


@dataclass(frozen=True)
class Segment:
    """Documents in the order of their ids (S16), which never change; who follows them keeps a mask of the living.

    `lyrics` leads from words to documents; `flags` is a bit each of `FLAGS`; `versions` is that of the row when it was
    read.
    """

    ids: Ids
    versions: NDArray[np.int64]
    flags: NDArray[np.uint16]
    numbers: Mapping[str, NDArray[Any]]
    fields: Mapping[str, Field]
    lyrics: Words

    def __len__(self) -> int:
        return len(self.ids)

    def flag(self, name: str) -> Mask:
        return (self.flags & np.uint16(1 << FLAGS.index(name))).astype(bool)

    def places(self, ids: Ids) -> tuple[NDArray[np.int64], Mask]:
        """Where these documents stand, and whether each does."""
        if not len(self):
            return np.zeros(len(ids), np.int64), np.zeros(len(ids), bool)
        places = np.minimum(np.searchsorted(self.ids, ids), len(self) - 1)
        return places, self.ids[places] == ids

    def id_at(self, doc: int) -> bytes:
        return raw_id(self.ids, doc)

    @property
    def nbytes(self) -> int:
        return sum(array.nbytes for array in arrays_of(self).values())


def raw_id(ids: Ids, index: int) -> bytes:
    """One id with the NUL bytes at its end, which NumPy takes for padding."""
    return bytes(ids[index]).ljust(16, b"\0")


def arrays_of(segment: Segment) -> dict[str, NDArray[Any]]:
    """The arrays of a segment by name."""
    arrays: dict[str, NDArray[Any]] = {"ids": segment.ids, "versions": segment.versions, "flags": segment.flags}
    arrays |= {f"number.{name}": segment.numbers[name] for name in NUMBERS}
    arrays |= _of_words("lyrics", segment.lyrics)
    for name in FIELDS:
        field = segment.fields[name]
        arrays |= _of_texts(f"{name}.keys", field.keys) | _of_texts(f"{name}.shown", field.shown)
        arrays |= {f"{name}.ids": field.ids, f"{name}.lengths": field.lengths}
        arrays |= {f"{name}.spelt.starts": field.spelt.starts, f"{name}.spelt.words": field.spelt.words}
        arrays |= {f"{name}.starts": field.starts, f"{name}.docs": field.docs}
        arrays |= _of_words(f"{name}.words", field.words)
    return arrays


def _of_texts(name: str, texts: Texts) -> dict[str, NDArray[Any]]:
    return {f"{name}.blob": texts.blob, f"{name}.starts": texts.starts}


def _of_words(name: str, words: Words) -> dict[str, NDArray[Any]]:
    return _of_texts(f"{name}.texts", words.texts) | {f"{name}.starts": words.starts, f"{name}.targets": words.targets}


def from_arrays(arrays: Mapping[str, NDArray[Any]]) -> Segment:
    """The segment of these arrays, which `arrays_of` named."""

    def texts(name: str) -> Texts:
        blob: Bytes = arrays[f"{name}.blob"]
        return Texts(blob, arrays[f"{name}.starts"])

    def words(name: str) -> Words:
        return Words(texts(f"{name}.texts"), arrays[f"{name}.starts"], arrays[f"{name}.targets"])

    fields = {
        name: Field(
            texts(f"{name}.keys"),
            texts(f"{name}.shown"),
            arrays[f"{name}.ids"],
            arrays[f"{name}.lengths"],
            words(f"{name}.words"),
            Spelt(arrays[f"{name}.spelt.starts"], arrays[f"{name}.spelt.words"]),
            arrays[f"{name}.starts"],
            arrays[f"{name}.docs"],
            len(arrays["ids"]),
        )
        for name in FIELDS
    }
    numbers = {name: arrays[f"number.{name}"] for name in NUMBERS}
    return Segment(arrays["ids"], arrays["versions"], arrays["flags"], numbers, fields, words("lyrics"))
