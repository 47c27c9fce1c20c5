"""Turns rows of the database into the documents of the index."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row

from otolith.library.search.engine.building import Document, Name
from otolith.library.search.keys import place_of
from otolith.library.search.queries import Chunk

_ROLES: Final = {"artist": "artist", "album_artist": "album_artist", "composer": "composer"}
_NONE: Final[Sequence[Row[Any]]] = ()


def documents(chunk: Chunk) -> Iterator[Document]:
    """The documents of a chunk's tracks."""
    for row in chunk.tracks:
        lyrics = chunk.lyrics.get(row.id, _NONE)
        names = _names(row, chunk.credits.get(row.id, _NONE), chunk.terms.get(row.id, _NONE))
        yield Document(
            id=row.id.bytes,
            version=row.version,
            names=names,
            numbers=_numbers(row),
            flags=frozenset(_flags(row, sung=bool(lyrics))),
            lyrics="\n".join(one.text for one in lyrics),
        )


def _names(row: Row[Any], credits_: Iterable[Row[Any]], terms: Iterable[Row[Any]]) -> dict[str, list[Name]]:
    names: dict[str, list[Name]] = {
        "title": [Name(row.title)],
        "artist_shown": [Name(row.artist)],
        "format": [Name((row.codec or "").lower())],
        "container": [Name((row.container or "").lower())],
        "album": [_named(row.album_title or row.album, row.album_id, row.album)],
    }
    for credit in credits_:
        found = names.setdefault(_ROLES.get(credit.role, "people"), [])
        found.append(_named(credit.known_as, credit.artist_id, credit.name))
    for term in terms:
        names.setdefault(term.kind, []).append(_named(term.name, term.id))
    return _from_columns(row) | names


def _from_columns(row: Row[Any]) -> dict[str, list[Name]]:
    """What the track's own columns say, where nothing more exact is known."""
    genres = [part.strip() for part in row.genre.split(";")] if row.genre else []
    return {
        "artist": [Name(row.artist)],
        "album_artist": [Name(row.album_artist)],
        "genre": [Name(genre) for genre in genres],
    }


def _named(shown: str, row_id: UUID | None, also: str = "") -> Name:
    also = also if also != shown else ""
    return Name(shown, row_id.bytes, also) if row_id is not None else Name(shown, also=also)


def _numbers(row: Row[Any]) -> Mapping[str, float | None]:
    return {
        "year": row.year if row.year is not None else _year_in(row.date),
        "duration": row.heard or row.duration or row.told,
        "tempo": row.tempo,
        "key": place_of(row.camelot),
        "loudness": row.loudness_lufs,
        "energy": row.energy,
        "voice": row.voice,
        "onsets": row.onset_rate,
        "brightness": row.brightness,
        "dynamics": row.dynamics_db,
        "bitrate": row.bit_rate,
        "rate": row.sample_rate,
        "channels": row.channels,
        "bits": row.bits,
        "size": row.size,
        "track": row.track_number,
        "disc": row.disc_number,
        "added": row.added_at.timestamp(),
    }


def _year_in(date: str) -> int | None:
    return int(date[:4]) if date[:4].isdecimal() and len(date) >= 4 else None


def _flags(row: Row[Any], *, sung: bool) -> Iterator[str]:
    if row.missing:
        yield "missing"
    if row.lossless:
        yield "lossless"
    if row.compilation:
        yield "compilation"
    if row.state in ("analysed", "failed"):
        yield row.state
    if sung:
        yield "lyrics"
    if row.cover_key:
        yield "cover"
