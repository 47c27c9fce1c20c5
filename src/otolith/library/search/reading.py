"""Turns rows of the database into the documents of the index."""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Row

from otolith.library.search.engine.building import Document, Name
from otolith.library.search.engine.segment import FLAGS
from otolith.library.search.keys import place_of
from otolith.library.search.queries import Chunk

_ROLES: Final = {"artist": "artist", "album_artist": "album_artist", "composer": "composer"}
_NUMBERS_FROM: Final = 16
_NONE: Final[Sequence[Row[Any]]] = ()


def documents(chunk: Chunk) -> Iterator[Document]:
    """The documents of a chunk's tracks."""
    for row in chunk.tracks:
        track_id, version, *names, missing, lossless, compilation, state, cover = row[:_NUMBERS_FROM]
        lyrics = chunk.lyrics.get(track_id, _NONE)
        flags = (missing, lossless, compilation, state == "analysed", state == "failed", bool(lyrics), bool(cover))
        yield Document(
            id=raw(track_id),
            version=version,
            names=_names(names, chunk.credits.get(track_id, _NONE), chunk.terms.get(track_id, _NONE)),
            numbers=_numbers(*row[_NUMBERS_FROM:]),
            flags=_flags(flags),
            lyrics="\n".join(text for _, text in lyrics),
        )


def raw(row_id: str) -> bytes:
    """An id as bytes, from its text with or without dashes."""
    return bytes.fromhex(row_id.replace("-", ""))


def _names(row: Sequence[Any], credits_: Iterable[Row[Any]], terms: Iterable[Row[Any]]) -> dict[str, list[Name]]:
    title, artist, album, album_artist, genre, album_title, album_id, codec, container = row
    shown = _named(artist)
    names: dict[str, list[Name]] = {
        "title": [Name(title)],
        "artist_shown": [shown],
        "format": [_named((codec or "").lower())],
        "container": [_named((container or "").lower())],
        "album": [_named(album_title or album, album_id, album)],
    }
    for _, role, name, artist_id, known_as in credits_:
        names.setdefault(_ROLES.get(role, "people"), []).append(_named(known_as, artist_id, name))
    for _, kind, name, term_id in terms:
        names.setdefault(kind, []).append(_named(name, term_id))
    # What the track's own columns say, where nothing more exact is known.
    names.setdefault("artist", [shown])
    names.setdefault("album_artist", [_named(album_artist)])
    if "genre" not in names and genre:
        names["genre"] = [_named(one.strip()) for one in genre.split(";")]
    return names


# One artist has many tracks, and one album's tracks come together.
@lru_cache(20_000)
def _named(shown: str, row_id: str | None = None, also: str = "") -> Name:
    also = also if also != shown else ""
    return Name(shown, raw(row_id), also) if row_id is not None else Name(shown, also=also)


def _numbers(
    date: str, told: float | None, heard: float | None, year: int | None, said: float | None, *others: Any
) -> Sequence[float | None]:
    tempo, camelot, *rest, added_at = others
    year = year if year is not None else _year_in(date)
    return [year, heard or said or told, tempo, place_of(camelot), *rest, added_at.timestamp()]


def _year_in(date: str) -> int | None:
    return int(date[:4]) if date[:4].isdecimal() and len(date) >= 4 else None


@lru_cache(256)
def _flags(given: tuple[Any, ...]) -> frozenset[str]:
    """The names of the flags that are set, given in the order of `FLAGS`."""
    return frozenset(name for name, is_set in zip(FLAGS, given, strict=True) if is_set)
