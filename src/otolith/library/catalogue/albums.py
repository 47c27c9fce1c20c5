"""What an album is: the sum of what its tracks say, the same in whatever order they were filed."""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from otolith.core.db import now
from otolith.library.catalogue import filing_queries as queries
from otolith.library.catalogue.crediting import Artists
from otolith.library.catalogue.describing import Facts, Owner
from otolith.library.catalogue.links import AlbumCredit
from otolith.library.catalogue.models import Album
from otolith.library.catalogue.names import favourite
from otolith.library.catalogue.naming import VARIOUS, VARIOUS_KEY, VARIOUS_MBID, sort_key
from otolith.library.folding import fold

_VARIOUS: Final[tuple[Owner, ...]] = ((VARIOUS, VARIOUS_KEY, VARIOUS_MBID),)


@dataclass(frozen=True, slots=True)
class Share:
    """What some tracks of an album say alike, and what they add up to."""

    facts: Facts
    counted: bool
    tracks: int
    seconds: float
    discs: int
    added_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Told:
    """What an album is by its tracks: its columns, and whose it is."""

    columns: dict[str, Any]
    owners: tuple[Owner, ...]


def tell(shares: Sequence[Share]) -> Told:
    """What most tracks say; those whose files are missing have a say only where no other has."""
    heard = [share for share in shares if share.counted] or list(shares)
    owners = _owners(heard)
    by_owners = [share for share in heard if share.facts.artists == owners] or heard
    artist = VARIOUS if owners == _VARIOUS else _most(by_owners, lambda facts: facts.artist)
    sort = "" if owners == _VARIOUS else _most(by_owners, lambda facts: facts.artist_sort)
    title = _most(heard, lambda facts: facts.title) or "?"
    date = _most(heard, lambda facts: facts.date)
    counted = [share for share in heard if share.counted]
    return Told(
        {
            "title": title,
            "title_key": fold(title),
            "artist": artist,
            "artist_key": sort_key(artist, sort) if artist else "",
            "release_group_mbid": _most(heard, lambda facts: facts.release_group or "") or None,
            "year": int(date[:4]) if date[:4].isascii() and date[:4].isdecimal() else None,
            "date": date,
            "original_date": _most(heard, lambda facts: facts.original_date),
            "edition": _most(heard, lambda facts: facts.edition),
            "compilation": owners == _VARIOUS or _most(heard, lambda facts: "c" if facts.compilation else "") == "c",
            "discs": max(1, *(share.discs for share in heard)),
            "tracks": sum(share.tracks for share in counted),
            "duration": round(sum(share.seconds for share in counted), 2),
            "added_at": min(share.added_at for share in heard),
        },
        owners,
    )


def _most(shares: Sequence[Share], text_of: Callable[[Facts], str]) -> str:
    """What most tracks say, of those that say anything."""
    said: Counter[str] = Counter()
    for share in shares:
        text = text_of(share.facts)
        if text:
            said[text] += share.tracks
    return favourite(said)


def _owners(shares: Sequence[Share]) -> tuple[Owner, ...]:
    """Whose album it is: by its tags, or else the one artist of all its tracks, or else various artists."""
    told: Counter[tuple[Owner, ...]] = Counter()
    for share in shares:
        if share.facts.artists and (share.facts.told or share.facts.compilation):
            told[share.facts.artists] += share.tracks
    if not told:
        if len({share.facts.artists[0][1] for share in shares if share.facts.artists}) > 1:
            return _VARIOUS
        for share in shares:
            if share.facts.artists:
                told[share.facts.artists] += share.tracks
    return min(told, key=lambda owners: (-told[owners], _comparable(owners)), default=())


def _comparable(owners: tuple[Owner, ...]) -> list[tuple[str, str, str]]:
    return [(name, key, mbid or "") for name, key, mbid in owners]


def settle_albums(
    session: Session, workspace_id: UUID, version: int, touched: Collection[UUID], artists: Artists
) -> None:
    """Store what the touched albums are, and whose; forget those that have no track left."""
    ids = sorted(touched)
    stored = {row.id: row for row in queries.albums(session, workspace_id, ids, ())}
    told = _told(session, ids)
    artists.owners(one.owners for one in told.values())
    old: dict[UUID, list[Any]] = defaultdict(list)
    for row in queries.album_credits(session, ids):
        old[row.album_id].append((row.position, row.artist_id, row.name))
    artists.load(artist_id for rows in old.values() for _, artist_id, _ in rows)
    changed: list[dict[str, Any]] = []
    dropped: list[UUID] = []
    added: list[dict[str, Any]] = []
    for album_id, album in stored.items():
        columns = told[album_id].columns if album_id in told else {"tracks": 0}
        if any(getattr(album, name) != value for name, value in columns.items()) and album_id in told:
            changed.append({"id": album_id, "version": version, **columns})
        rows = _credits(told[album_id].owners, artists) if album_id in told else []
        _count(artists, {row[1] for row in old[album_id]}, {row[1] for row in rows}, album.tracks, columns["tracks"])
        if sorted(old[album_id]) != rows:
            dropped.append(album_id)
            added += [
                {"album_id": album_id, "workspace_id": workspace_id, "position": at, "artist_id": one, "name": name}
                for at, one, name in rows
            ]
    queries.change(session, Album, changed)
    queries.drop_links(session, AlbumCredit, AlbumCredit.album_id, [one for one in dropped if old[one]])
    queries.add(session, AlbumCredit, added)
    queries.drop_links(session, Album, Album.id, sorted(stored.keys() - told.keys()))


def _told(session: Session, ids: Sequence[UUID]) -> dict[UUID, Told]:
    shares: dict[UUID, list[Share]] = defaultdict(list)
    for row in queries.album_shares(session, ids):
        facts = Facts.from_text(row.album_facts)
        share = Share(facts, row.counted, row.tracks, row.seconds or 0.0, row.discs or 1, row.added_at or now())
        shares[row.album_id].append(share)
    return {album_id: tell(of_album) for album_id, of_album in shares.items()}


def _credits(owners: Sequence[Owner], artists: Artists) -> list[tuple[int, UUID, str]]:
    """The rows of an album's credits; two names of one artist are one."""
    found: dict[UUID, str] = {}
    for name, key, mbid in owners:
        found.setdefault(artists.id_of(key, mbid), name)
    return [(position, artist_id, name) for position, (artist_id, name) in enumerate(found.items())]


def _count(artists: Artists, old: set[UUID], new: set[UUID], tracks_before: int, tracks: int) -> None:
    """Count an album for the artists whose it is, while it has a track that is there."""
    for artist_id in old - new:
        artists.may_be_unused(artist_id)
    for artist_id in old if tracks_before else ():
        artists.add_albums(artist_id, -1)
    for artist_id in new if tracks else ():
        artists.add_albums(artist_id, 1)
