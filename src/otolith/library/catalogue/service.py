"""What routes, pages and commands may do with artists, albums, genres and lyrics."""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, Select, Uuid, and_, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from otolith.core import paging
from otolith.core.actor import Actor
from otolith.core.db import UtcDateTime
from otolith.core.errors import NotFound
from otolith.core.paging import BadCursor, Page
from otolith.library import service as library
from otolith.library.catalogue import queries
from otolith.library.catalogue.links import Lyrics
from otolith.library.catalogue.models import Album, Artist, Term, TermKind
from otolith.library.catalogue.schemas import (
    AlbumDetail,
    AlbumItem,
    AlbumSort,
    AlbumTrack,
    AliasItem,
    ArtistDetail,
    ArtistItem,
    ArtistRef,
    ArtistSort,
    Disc,
    GenreItem,
    GenreSort,
    LyricsLine,
    Part,
    RoleCount,
    TrackLyrics,
)
from otolith.library.models import Track

_ARTISTS: Final[dict[ArtistSort, queries.Sorting]] = {
    "name": (Artist.sort_key, Artist.id),
    "added": (Artist.added_at, Artist.id),
    "tracks": (Artist.tracks, Artist.id),
}
_ALBUMS: Final[dict[AlbumSort, queries.Sorting]] = {
    "artist": (Album.artist_key, Album.title_key, Album.id),
    "title": (Album.title_key, Album.id),
    "added": (Album.added_at, Album.id),
    "year": (Album.date, Album.title_key, Album.id),
}
_GENRES: Final[dict[GenreSort, queries.Sorting]] = {
    "name": (Term.name_key, Term.id),
    "tracks": (Term.tracks, Term.name_key, Term.id),
}
_BIGGEST_FIRST: Final = frozenset({"added", "tracks"})
_ALBUM_TRACKS: Final = 1000
_ALBUM_GENRES: Final = 8
_LINE: Final = re.compile(r"\[(\d{1,3}):(\d{2})(?:[.:](\d{1,3}))?\]")


@dataclass(frozen=True, slots=True)
class Asked:
    """What part of a list is asked for; the default is the first page of what is there in every workspace."""

    workspace_id: UUID | None = None
    missing: bool = False
    cursor: str | None = None
    limit: int = paging.DEFAULT_LIMIT

    def among(self, workspace: InstrumentedAttribute[UUID], there: ColumnElement[bool]) -> ColumnElement[bool]:
        """The rows that are asked for, by the column of their workspace and by what is true of those with files."""
        inside = true() if self.workspace_id is None else workspace == self.workspace_id
        return inside if self.missing else and_(inside, there)


_FIRST_PAGE: Final = Asked()


class ArtistNotFound(NotFound):
    """There is no such artist, or you may not see it."""


class AlbumNotFound(NotFound):
    """There is no such album, or you may not see it."""


class GenreNotFound(NotFound):
    """There is no such genre or mood, or you may not see it."""


class NoLyrics(NotFound):
    """No lyrics are known of this track: its file holds none, and no .lrc file lies beside it."""


def list_artists(
    session: Session,
    actor: Actor,
    asked: Asked = _FIRST_PAGE,
    *,
    sort: ArtistSort = "name",
) -> Page[ArtistItem]:
    """A page of artists; those whose files are all missing only where they are asked for."""
    condition = asked.among(Artist.workspace_id, (Artist.tracks > 0) | (Artist.albums > 0))
    rows, following, total = _page(session, actor, Artist, condition, sort, _ARTISTS[sort], asked)
    return Page[ArtistItem](items=[_artist(row) for row in rows], next=following, total=total)


def get_artist(session: Session, actor: Actor, artist_id: UUID) -> ArtistDetail:
    """One artist with the parts taken and the other names."""
    artist = queries.one_of(session, actor, Artist, artist_id)
    if artist is None:
        raise ArtistNotFound
    return ArtistDetail(
        **_artist(artist).model_dump(),
        roles=[RoleCount(role=role, tracks=number) for role, number in queries.roles_of(session, artist_id)],
        aliases=[
            AliasItem(id=alias.id, name=alias.name)
            for alias in queries.aliases_of(session, artist.workspace_id, artist.name_key)
        ],
    )


def list_albums(
    session: Session,
    actor: Actor,
    asked: Asked = _FIRST_PAGE,
    *,
    sort: AlbumSort = "artist",
    artist_id: UUID | None = None,
    part: Part = "own",
) -> Page[AlbumItem]:
    """A page of albums: all, those of one artist, or those of others on which an artist appears."""
    condition = asked.among(Album.workspace_id, Album.tracks > 0)
    among = None
    if artist_id is not None:
        if queries.one_of(session, actor, Artist, artist_id) is None:
            raise ArtistNotFound
        among = queries.owned_by(artist_id) if part == "own" else queries.appearing(artist_id)
    rows, following, total = _page(session, actor, Album, condition, sort, _ALBUMS[sort], asked, among)
    owners = queries.owners_of(session, [row.id for row in rows]) if rows else {}
    return Page[AlbumItem](items=[_album(row, owners.get(row.id, [])) for row in rows], next=following, total=total)


def get_album(session: Session, actor: Actor, album_id: UUID) -> AlbumDetail:
    """One album with its tracks by disc."""
    album = _album_seen(session, actor, album_id)
    rows = queries.album_tracks(session, actor, album_id, None, _ALBUM_TRACKS + 1)
    page, more = paging.cut(rows, _ALBUM_TRACKS, lambda row: ("album", *queries.place_of(row[0])))
    discs = [
        Disc(number=number, tracks=[_album_track(row) for row in of_disc])
        for number, of_disc in groupby(page, key=lambda row: row[0].disc_number or 1)
    ]
    return AlbumDetail(
        **_album(album, queries.owners_of(session, [album_id]).get(album_id, [])).model_dump(),
        release_mbid=album.release_mbid,
        release_group_mbid=album.release_group_mbid,
        genres=list(queries.album_genres(session, album_id, _ALBUM_GENRES)),
        by_disc=discs,
        more=more,
    )


def album_tracks(
    session: Session, actor: Actor, album_id: UUID, *, cursor: str | None = None, limit: int = 50
) -> Page[AlbumTrack]:
    """A page of an album's tracks by disc and number."""
    _album_seen(session, actor, album_id)
    rows = queries.album_tracks(session, actor, album_id, _album_place(cursor), limit + 1)
    page, following = paging.cut(rows, limit, lambda row: ("album", *queries.place_of(row[0])))
    return Page[AlbumTrack](items=[_album_track(row) for row in page], next=following, total=None)


def list_genres(
    session: Session,
    actor: Actor,
    asked: Asked = _FIRST_PAGE,
    *,
    kind: TermKind = "genre",
    sort: GenreSort = "name",
) -> Page[GenreItem]:
    """A page of genres, or of moods."""
    condition = and_(Term.kind == kind, asked.among(Term.workspace_id, Term.tracks > 0))
    rows, following, total = _page(session, actor, Term, condition, sort, _GENRES[sort], asked)
    return Page[GenreItem](items=[_genre(row) for row in rows], next=following, total=total)


def get_genre(session: Session, actor: Actor, genre_id: UUID) -> GenreItem:
    """One genre or mood."""
    term = queries.one_of(session, actor, Term, genre_id)
    if term is None:
        raise GenreNotFound
    return _genre(term)


def lyrics_of(session: Session, actor: Actor, track_id: UUID) -> TrackLyrics:
    """The words of a track, line by line."""
    found = queries.lyrics_of(session, actor, track_id)
    if found is None:
        library.get_visible(session, actor, track_id)
        raise NoLyrics
    return TrackLyrics(source=found.source, synced=found.synced, lines=_lines(found), text=found.text)


def _lines(lyrics: Lyrics) -> list[LyricsLine]:
    """The lines; of those with times, one that is sung several times comes several times."""
    if not lyrics.synced:
        return [LyricsLine(start=None, text=line.strip()) for line in lyrics.text.splitlines()]
    lines = []
    for line in lyrics.text.splitlines():
        words = _LINE.sub("", line).strip()
        for minutes, seconds, part in _LINE.findall(line):
            start = int(minutes) * 60 + int(seconds) + (float(f"0.{part}") if part else 0.0)
            lines.append(LyricsLine(start=start, text=words))
    return sorted(lines, key=lambda line: line.start or 0.0)


def _page(
    session: Session,
    actor: Actor,
    kind: type[queries.Listed],
    condition: ColumnElement[bool],
    sort: str,
    sorting: queries.Sorting,
    asked: Asked,
    among: Select[tuple[UUID]] | None = None,
) -> tuple[list[queries.Listed], str | None, int]:
    after = _position(asked.cursor, f"{kind.__tablename__} {sort}", sorting)
    descending = sort in _BIGGEST_FIRST
    rows = queries.page_of(
        session, actor, kind, condition, sorting, after, asked.limit + 1, among=among, descending=descending
    )
    page, following = paging.cut(
        rows, asked.limit, lambda row: (f"{kind.__tablename__} {sort}", *(_plain(getattr(row, c.key)) for c in sorting))
    )
    return page, following, queries.count_of(session, actor, kind, condition, among=among)


def _plain(value: Any) -> str | int:
    if isinstance(value, dt.datetime):
        return value.isoformat()
    return value if isinstance(value, int) else str(value)


def _position(cursor: str | None, made_for: str, sorting: queries.Sorting) -> tuple[Any, ...] | None:
    if cursor is None:
        return None
    of, *values = paging.decode(cursor, len(sorting) + 1)
    if of != made_for:
        raise BadCursor
    return tuple(_typed(value, _type_of(column)) for value, column in zip(values, sorting, strict=True))


def _type_of(column: InstrumentedAttribute[Any]) -> type:
    if isinstance(column.type, UtcDateTime):
        return dt.datetime
    return UUID if isinstance(column.type, Uuid) else int if isinstance(column.type, Integer) else str


def _typed(value: Any, wanted: type) -> Any:
    try:
        if wanted is UUID:
            return UUID(str(value))
        if wanted is dt.datetime:
            moment = dt.datetime.fromisoformat(str(value))
            return moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)
    except ValueError as error:
        raise BadCursor from error
    if not isinstance(value, wanted):
        raise BadCursor
    return value


def _album_place(cursor: str | None) -> tuple[Any, ...] | None:
    if cursor is None:
        return None
    of, disc, number, title_key, track_id = paging.decode(cursor, 5)
    if of != "album":
        raise BadCursor
    return _typed(disc, int), _typed(number, int), _typed(title_key, str), _typed(track_id, UUID)


def _album_seen(session: Session, actor: Actor, album_id: UUID) -> Album:
    album = queries.one_of(session, actor, Album, album_id)
    if album is None:
        raise AlbumNotFound
    return album


def _artist(row: Artist) -> ArtistItem:
    return ArtistItem(**{name: getattr(row, name) for name in ArtistItem.model_fields})


def _album(row: Album, owners: Sequence[tuple[UUID, str]]) -> AlbumItem:
    values = {name: getattr(row, name) for name in AlbumItem.model_fields if name != "artists"}
    return AlbumItem(**values, artists=[ArtistRef(id=artist_id, name=name) for artist_id, name in owners])


def _album_track(row: queries.Found) -> AlbumTrack:
    track: Track = row[0]
    return AlbumTrack(**library.item_of(*row), disc_number=track.disc_number, track_number=track.track_number)


def _genre(row: Term) -> GenreItem:
    return GenreItem(**{name: getattr(row, name) for name in GenreItem.model_fields})
