"""The fields of tags that people may change: what each may hold, and how changes are laid over what a file says."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from otolith.media.engine.tagging import Tags

TEXTS: Final = ("title", "album", "title_sort", "artist_sort", "album_sort", "album_artist_sort")
LONG_TEXTS: Final = ("comment", "lyrics")
LISTS: Final = ("artists", "album_artists", "genres", "composers")
NUMBERS: Final = ("track", "track_total", "disc", "disc_total")
FIELDS: Final = (*TEXTS, *LONG_TEXTS, *LISTS, *NUMBERS, "date", "compilation")
"""What may be changed, by the names of `Tags`."""

# An identifier of MusicBrainz names what a field said before, and would go on saying it: it goes with the change.
IDENTIFIERS: Final[Mapping[str, tuple[str, ...]]] = {
    "artists": ("mb_artists",),
    "album_artists": ("mb_album_artists",),
    "album": ("mb_release", "mb_release_group"),
}
_MUSICBRAINZ: Final = {
    "mb_artists": "artists",
    "mb_album_artists": "album_artists",
    "mb_release": "release",
    "mb_release_group": "release_group",
}


def value_of(tags: Tags, field: str) -> Any:
    """What tags say in one field, in the form in which changes are kept: text, number, flag, list of text, or None."""
    found = getattr(tags.musicbrainz, _MUSICBRAINZ[field]) if field in _MUSICBRAINZ else getattr(tags, field)
    return list(found) if isinstance(found, tuple) else found


def with_edits(tags: Tags, edits: Mapping[str, Any] | None) -> Tags:
    """What a track's tags are, once the kept changes (`Track.edits`) are laid over what its file says."""
    changed: dict[str, Any] = {}
    identifiers: dict[str, Any] = {}
    for field, value in (edits or {}).items():
        plain: Any = tuple(value) if isinstance(value, list) else value
        if field in _MUSICBRAINZ:
            identifiers[_MUSICBRAINZ[field]] = plain
            continue
        changed[field] = plain
        if field in ("artists", "album_artists"):
            changed[field[:-1]] = "; ".join(plain) or None
        elif field == "date":
            changed["year"] = int(plain[:4]) if plain else None
    if identifiers:
        changed["musicbrainz"] = replace(tags.musicbrainz, **identifiers)
    return replace(tags, **changed) if changed else tags
