"""The fields of tags that people may change, and what changes do, as lists of text by the names of `write_tags`."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from otolith.media.engine import tagwriting
from otolith.media.engine.tagedit import edited
from otolith.media.engine.tagform import cleaned_text, partial_date
from otolith.media.engine.tagging import Tags

Texts = dict[str, list[str]]

TEXTS: Final = ("title", "album", "title_sort", "artist_sort", "album_sort", "album_artist_sort")
LONG_TEXTS: Final = ("comment", "lyrics")
LISTS: Final = ("artist", "album_artist", "genres", "composers")
NUMBERS: Final = ("track", "track_total", "disc", "disc_total")
FIELDS: Final = (*TEXTS, *LONG_TEXTS, *LISTS, *NUMBERS, "date", "compilation")
"""What may be changed."""

LONGEST: Final = 2048
LONGEST_TEXT: Final = 1 << 16


def asked(field: str, value: Any) -> list[str]:
    """A value that a person gave, as text that tags can hold. Raises `ValueError` where they cannot."""
    if value is None:
        return []
    if field == "compilation":
        return ["1"] if value else []
    if field in NUMBERS:
        return [str(value)]
    if field in LISTS:
        return [text for one in value if (text := cleaned_text(one))]
    if field == "date":
        return _date(value)
    text = cleaned_text(value, LONGEST_TEXT if field in LONG_TEXTS else LONGEST)
    return [text] if text else []


def _date(value: str) -> list[str]:
    if not value.strip():
        return []
    found = partial_date(value.strip())
    if found is None or len(found) != len(value.strip()):
        raise ValueError(f"{value!r} is no date; write it as 1999, 1999-12 or 1999-12-31.")
    return [found]


def said(tags: Tags) -> Texts:
    """All that tags say, as they would be written; several names without one above them are simply several."""
    found = tagwriting.everything(tags)
    for shown, names in (("artist", "artists"), ("album_artist", "album_artists")):
        several = found.get(names, [])
        if found.get(shown) == ["; ".join(several)]:
            found[shown] = several
            del found[names]
    return found


def difference(tags: Tags, changes: Mapping[str, list[str]]) -> tuple[Texts, Texts]:
    """What changes replace and what they put there, with all that goes with them; fields that stay are in neither."""
    before, after = said(tags), said(edited(tags, changes))
    touched = [name for name in tagwriting.texts(changes, tags) if before.get(name, []) != after.get(name, [])]
    return {name: before.get(name, []) for name in touched}, {name: after.get(name, []) for name in touched}


def kept(file: Tags, edits: Mapping[str, Any] | None, more: Mapping[str, list[str]]) -> Texts | None:
    """Kept changes with more of them, without those that the file says by itself; None where none are left.

    Lyrics are not among what is stored of a file's tags, so a change of them always stays.
    """
    wanted: Texts = {**(edits or {}), **more}
    by_itself = said(file)
    left = {name: texts for name, texts in wanted.items() if name == "lyrics" or texts != by_itself.get(name, [])}
    return left or None


def with_lyrics(tags: Tags, lyrics: str | None) -> Tags:
    return replace(tags, lyrics=lyrics) if lyrics else tags
