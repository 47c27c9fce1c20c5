"""What one file's tags mean for the catalogue, without looking at any other file."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from otolith.library.catalogue.links import Role
from otolith.library.catalogue.models import TermKind
from otolith.library.catalogue.naming import (
    VARIOUS,
    VARIOUS_KEY,
    VARIOUS_MBID,
    album_folder,
    folded,
    genre_key,
    is_various,
    name_key,
    split_artists,
    split_disc,
    split_genres,
)
from otolith.library.folding import clean, fold
from otolith.media.engine.tagging import Tags

_LARGEST_NUMBER: Final = 1_000_000
_LARGEST_DISC: Final = 1_000
_LARGEST_YEAR: Final = 10_000
_PLAYED: Final = re.compile(r"\s*\(([^()]*)\)$")
_OTHERS: Final[tuple[tuple[Role, str], ...]] = (
    ("composer", "composers"),
    ("lyricist", "lyricists"),
    ("conductor", "conductors"),
    ("performer", "performers"),
    ("remixer", "remixers"),
    ("producer", "producers"),
)


@dataclass(frozen=True, slots=True)
class Named:
    """One credit as a file tells it."""

    role: Role
    position: int
    name: str
    key: str
    sort_name: str
    mbid: str | None


@dataclass(frozen=True, slots=True)
class Labelled:
    """A genre or mood as a file writes it."""

    kind: TermKind
    name: str
    key: str


Owner = tuple[str, str, str | None]
"""Name, folded name and identifier of somebody whose album it is."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a file says of its album: all files of one album say the same, or nearly so.

    `artists` are whose album it is: name, folded name and identifier of each; `told` where the tags say so, and
    otherwise they are the artists of the track. `folder` is a digest of where the file lies, where that decides.
    """

    title: str
    artist: str
    artist_sort: str
    artists: tuple[Owner, ...]
    told: bool
    compilation: bool
    folder: str
    date: str
    original_date: str
    edition: str
    release_group: str | None

    def as_text(self) -> str:
        values = [getattr(self, name) for name in Facts.__slots__]
        return json.dumps(values, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str) -> "Facts":
        values = dict(zip(cls.__slots__, json.loads(text), strict=True))
        return cls(**values | {"artists": tuple(tuple(one) for one in values["artists"])})


@dataclass(frozen=True, slots=True)
class Described:
    """What a track is by its tags: its columns, who has a part in it, what it is called, and what its album is."""

    columns: dict[str, Any]
    credits: tuple[Named, ...]
    labels: tuple[Labelled, ...]
    facts: Facts | None
    release: str | None


def describe(tags: Tags, name: str, path: bytes | None = None) -> Described:
    """The meaning of a file's tags; a file without a title goes by its name, and its album may go by its folder."""
    stem = name.rpartition(".")[0] or name
    title = clean(tags.title) or clean(stem) or "?"
    artist = clean(tags.artist)
    album, disc = split_disc(clean(tags.album))
    credits_ = tuple(_credits(tags))
    labels = (*_labels("genre", tags.genres), *_labels("mood", (tags.mood,) if tags.mood else ()))
    release = tags.musicbrainz.release
    facts = _facts(tags, album, credits_, path) if album or release else None
    columns: dict[str, Any] = {
        "title": title,
        "artist": artist,
        "album": clean(tags.album),
        "album_artist": clean(tags.album_artist),
        "genre": clean("; ".join(label.name for label in labels if label.kind == "genre")),
        "date": clean(tags.date),
        "year": number_of(tags.year, _LARGEST_YEAR),
        "track_number": number_of(tags.track),
        "track_total": _total(tags.track, tags.track_total),
        "disc_number": number_of(tags.disc or disc, _LARGEST_DISC),
        "disc_total": _total(tags.disc or disc, tags.disc_total, _LARGEST_DISC),
        "compilation": tags.compilation,
        "recording_mbid": tags.musicbrainz.recording,
        "release_mbid": release if facts else None,
        "album_facts": facts.as_text() if facts else None,
        "title_key": fold(clean(tags.title_sort) or title),
        "artist_key": fold(clean(tags.artist_sort) or artist),
    }
    return Described(columns, credits_, labels, facts, release)


def number_of(value: int | None, limit: int = _LARGEST_NUMBER) -> int | None:
    """A number, unless it is one that no record ever had."""
    return value if value is not None and 0 < value < limit else None


def _total(number: int | None, total: int | None, limit: int = _LARGEST_NUMBER) -> int | None:
    """How many there are, unless the number itself contradicts it: "17 of 12" has no total."""
    total = number_of(total, limit)
    return None if total is None or (number or 0) > total else total


def _credits(tags: Tags) -> Iterator[Named]:
    ids = tags.musicbrainz
    yield from _named("artist", tags.artists, ids.artists, tags.artist_sort)
    yield from _named("album_artist", tags.album_artists, ids.album_artists, tags.album_artist_sort)
    for role, field in _OTHERS:
        written = getattr(tags, field)
        if written:
            plain = [_PLAYED.sub("", name) for name in written] if role == "performer" else written
            yield from _named(role, plain, (), None)


def _named(role: Role, written: Sequence[str], ids: Sequence[str], sort: str | None) -> Iterator[Named]:
    """The names of one role; identifiers and sort names are theirs where there are as many of them."""
    if not written:
        return
    names = split_artists(written, len(ids))
    mbids = ids if len(ids) == len(names) else (None,) * len(names)
    sorts = _sort_names(sort, len(names))
    for position, (name, mbid, sort_name) in enumerate(zip(names, mbids, sorts, strict=True)):
        if is_various(name, of_album=role == "album_artist"):
            yield Named(role, position, VARIOUS, VARIOUS_KEY, "", VARIOUS_MBID)
        else:
            yield Named(role, position, name, name_key(name), sort_name, mbid)


def _sort_names(written: str | None, wanted: int) -> Sequence[str]:
    sort = clean(written)
    if wanted == 1 or not sort:
        return [sort] * wanted if wanted == 1 else [""] * wanted
    apart = split_artists([sort])
    return apart if len(apart) == wanted else [""] * wanted


def _labels(kind: TermKind, written: Sequence[str]) -> tuple[Labelled, ...]:
    return tuple(Labelled(kind, name, genre_key(name)) for name in split_genres(written)) if written else ()


def _facts(tags: Tags, album: str, credits_: Sequence[Named], path: bytes | None) -> Facts:
    owners = [one for one in credits_ if one.role == "album_artist"]
    told = bool(owners)
    if not told and tags.compilation:
        owners = [Named("album_artist", 0, VARIOUS, VARIOUS_KEY, "", VARIOUS_MBID)]
    elif not told:
        # Guests come and go from track to track; whose album it is, the first name says.
        owners = [one for one in credits_ if one.role == "artist"][:1]
    by_folder = path is not None and not told and not tags.compilation
    artist = clean(tags.album_artist) if told and owners[0].key != VARIOUS_KEY else "; ".join(o.name for o in owners)
    return Facts(
        title=album,
        artist=artist,
        artist_sort=clean(tags.album_artist_sort) if told else (owners[0].sort_name if owners else ""),
        artists=tuple((one.name, one.key, one.mbid) for one in owners),
        told=told,
        compilation=tags.compilation,
        folder=_digest(album_folder(path)) if by_folder and path is not None else "",
        date=clean(tags.date),
        original_date=clean(tags.original_date),
        edition="; ".join(part for part in (clean(tags.album_version), clean(tags.release_date)) if part),
        release_group=tags.musicbrainz.release_group,
    )


def _digest(text: bytes) -> str:
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def album_key(facts: Facts, release: str | None, owners: Iterable[str]) -> str:
    """What makes tracks without a release's identifier one album: whose it is, its title, and its edition.

    `owners` are the identities of `facts.artists`, as `Artist.identity`.
    """
    whose = f"f:{facts.folder}" if facts.folder else "\n".join(sorted(owners))
    title = facts.title or f"r:{release}"
    return _digest("\0".join((whose, folded(title), folded(facts.edition))).encode("utf-8", "replace"))
