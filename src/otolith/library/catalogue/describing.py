"""What one file's tags mean for the catalogue, without looking at any other file."""

from dataclasses import dataclass
from typing import Any

from otolith.library.folding import clean, fold
from otolith.media.engine.tagging import Tags

_LARGEST_NUMBER = 1_000_000


@dataclass(frozen=True, slots=True)
class Described:
    """What a track's columns are by its tags."""

    columns: dict[str, Any]


def describe(tags: Tags, name: str) -> Described:
    """The meaning of a file's tags; a file without a title goes by its name."""
    stem = name.rpartition(".")[0] or name
    title = clean(tags.title) or clean(stem) or "?"
    artist = clean(tags.artist)
    columns: dict[str, Any] = {
        "title": title,
        "artist": artist,
        "album": clean(tags.album),
        "album_artist": clean(tags.album_artist),
        "genre": clean("; ".join(tags.genres)),
        "date": clean(tags.date),
        "year": tags.year,
        "track_number": _number(tags.track),
        "track_total": _number(tags.track_total),
        "disc_number": _number(tags.disc),
        "disc_total": _number(tags.disc_total),
        "compilation": tags.compilation,
        "duration": tags.length,
        "recording_mbid": tags.musicbrainz.recording,
        "title_key": fold(clean(tags.title_sort) or title),
        "artist_key": fold(clean(tags.artist_sort) or artist),
    }
    return Described(columns)


def _number(value: int | None) -> int | None:
    """A number, unless it is one that no record ever had and no column holds."""
    return value if value is not None and 0 <= value < _LARGEST_NUMBER else None
