"""The embeddings of one workspace as a matrix of bytes, searched whole: exact order, small and fast."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Final, NamedTuple
from uuid import UUID
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from otolith.library.similar.engine.likeness import likeness

FEATURES: Final = ("tempo", "energy", "voice", "brightness", "loudness_lufs", "minor")
_BLOCK: Final = 2048
_STEPS: Final = 127
_ID: Final = np.dtype("S16")


class Sounding(NamedTuple):
    """A track as a shelf takes it in: its vector of unit length, or None for one that must not be there."""

    id: UUID
    artist: str
    album: UUID | None
    vector: NDArray[np.floating] | None
    features: Sequence[float | None] = ()
    version: int = 0


@dataclass(frozen=True, slots=True)
class Shelf:
    """The tracks of one workspace, sorted by id; never changed, so that threads share it without a lock.

    `ids` (n,) are the bytes of UUIDs. `vectors` (n, d) int8 are embeddings, in as many equal parts as `scales`
    (n, parts) has columns, which give each part unit length. `artists` and `albums` (n,) tell same from different, 0
    being unknown. `features` (n, len(FEATURES)) float16, NaN for unknown.
    `versions` (n,) are those of the engine that made the vectors; two versions' vectors have nothing in common.
    A float32 product of such bytes is exact whatever its order, so scores are the same in every process.
    """

    ids: NDArray[np.bytes_]
    vectors: NDArray[np.int8]
    scales: NDArray[np.float32]
    artists: NDArray[np.uint32]
    albums: NDArray[np.uint32]
    features: NDArray[np.float16]
    versions: NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.ids)

    def scores(self, queries: NDArray[np.floating], version: int = 0) -> NDArray[np.float32]:
        """How alike (n, k) every track and each of k vectors (k, d) are, to within some thousandths.

        That is the cosine, or the `likeness` of both halves where the shelf has two parts. What was made by another
        version of the engine gets -inf.
        """
        parts = self.scales.shape[1]
        coarse, scale = quantise(np.atleast_2d(queries), parts)
        # Each part by itself among zeros: a product of the whole rows takes less time than one of their parts.
        own = np.repeat(np.eye(parts, dtype=np.float32), coarse.shape[1] // parts, axis=1)
        wanted = (coarse[:, np.newaxis] * own).reshape(-1, coarse.shape[1])
        products = np.empty((len(wanted), len(self)), np.float32)
        buffer = np.empty((min(_BLOCK, len(self)), self.vectors.shape[1]), np.float32)
        for start in range(0, len(self), _BLOCK):
            block = buffer[: min(_BLOCK, len(self) - start)]
            np.copyto(block, self.vectors[start : start + _BLOCK])
            for number, one in enumerate(wanted):
                # In this thread alone; see `products`.
                np.vecdot(block, one, out=products[number, start : start + _BLOCK])
        cosines = products.reshape(len(coarse), parts, len(self)) * self.scales.T
        cosines *= scale[:, :, np.newaxis]
        found = np.transpose(cosines[:, 0] if parts == 1 else likeness(cosines[:, 0], cosines[:, 1]))
        found[self.versions != version] = -np.inf
        return found

    def of_version(self, version: int) -> "Shelf":
        """The part of the shelf that one version of the engine made."""
        return self._taken(np.flatnonzero(self.versions == version))

    def newest(self) -> int:
        """The newest version of the engine that made any of it."""
        return int(self.versions.max(initial=0))

    def _taken(self, places: NDArray[np.intp]) -> "Shelf":
        return Shelf(*(getattr(self, column.name)[places] for column in fields(self)))

    def vectors_at(self, places: NDArray[np.intp]) -> NDArray[np.float32]:
        """The vectors (m, d) of unit length at these places."""
        found = self.vectors[places].astype(np.float32)
        return np.asarray(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9), np.float32)

    def places(self, ids: Iterable[UUID]) -> NDArray[np.intp]:
        """Where these tracks stand, without those that do not."""
        keys = _keys(ids)
        if not len(self) or not len(keys):
            return np.empty(0, np.intp)
        found = np.minimum(np.searchsorted(self.ids, keys), len(self) - 1)
        return np.asarray(found[self.ids[found] == keys], np.intp)

    def id_at(self, place: int) -> UUID:
        return UUID(bytes=bytes(self.ids[place]).ljust(16, b"\0"))

    def merged(self, changes: Sequence[Sounding]) -> "Shelf":
        """The shelf with these tracks as they are now; of several for one track the last one counts."""
        latest = {change.id: change for change in changes}
        stays = np.ones(len(self), bool)
        stays[self.places(latest)] = False
        fresh = [change for change in latest.values() if change.vector is not None and _fits(self, change)]
        added = _shelved(fresh, self.vectors.shape[1], self.scales.shape[1])
        return joined([self._taken(np.flatnonzero(stays)), added])


def empty_shelf(dimensions: int, parts: int = 1) -> Shelf:
    """A shelf for vectors of so many dimensions, whose equal parts are compared apart."""
    return _shelved([], dimensions, parts)


def quantise(vectors: NDArray[np.floating], parts: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Vectors (n, d) as int8 of the same shape, and the scales (n, parts) that give each part of them unit length."""
    apart = vectors.reshape(len(vectors), parts, vectors.shape[1] // parts)
    largest = np.maximum(np.abs(apart).max(axis=2, keepdims=True, initial=0.0), 1e-9)
    coarse = np.rint(apart * (_STEPS / largest)).astype(np.int8)
    length = np.linalg.norm(coarse.astype(np.float32), axis=2)
    return coarse.reshape(vectors.shape), (1 / np.maximum(length, 1.0)).astype(np.float32)


def joined(shelves: Sequence[Shelf]) -> Shelf:
    """Several shelves of equal dimensions as one."""
    parts = [[getattr(shelf, column.name) for column in fields(Shelf)] for shelf in shelves]
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    order = np.argsort(columns[0], kind="stable")
    return Shelf(*(column[order] for column in columns))


def _fits(shelf: Shelf, change: Sounding) -> bool:
    # An engine of another version may have made vectors of another length; they cannot be compared.
    return change.vector is not None and change.vector.shape == (shelf.vectors.shape[1],)


def _keys(ids: Iterable[UUID]) -> NDArray[np.bytes_]:
    return np.array([one.bytes for one in ids], _ID)


def _shelved(soundings: Sequence[Sounding], dimensions: int, parts: int) -> Shelf:
    vectors = np.array([one.vector for one in soundings], np.float32).reshape(len(soundings), dimensions)
    coarse, scales = quantise(vectors, parts)
    features = np.full((len(soundings), len(FEATURES)), np.nan, np.float16)
    for row, one in enumerate(soundings):
        features[row, : len(one.features)] = [np.nan if value is None else value for value in one.features]
    return Shelf(
        _keys(one.id for one in soundings),
        coarse,
        scales,
        np.array([artist_code(one.artist) for one in soundings], np.uint32),
        np.array([album_code(one.album) for one in soundings], np.uint32),
        features,
        np.array([one.version for one in soundings], np.uint16),
    )


def artist_code(key: str) -> int:
    """A number for the folded name of an artist; 0 where there is none."""
    return crc32(key.encode("utf-8", "replace")) if key else 0


def album_code(album: UUID | None) -> int:
    """A number for an album; 0 where there is none."""
    return 0 if album is None else album.int & 0xFFFFFFFF
