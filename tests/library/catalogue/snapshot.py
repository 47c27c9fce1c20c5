"""A workspace's catalogue without ids, to compare catalogues that came about in different ways."""

from collections import defaultdict
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from otolith.library.catalogue.links import AlbumCredit, Credit, Lyrics, TrackTerm
from otolith.library.catalogue.models import Album, Artist, Term
from otolith.library.models import Track
from otolith.media.models import Media

_TRACK = (
    "title",
    "artist",
    "album",
    "album_artist",
    "genre",
    "date",
    "year",
    "track_number",
    "track_total",
    "disc_number",
    "disc_total",
    "compilation",
    "duration",
    "recording_mbid",
    "release_mbid",
    "title_key",
    "artist_key",
)
_ALBUM = (
    "identity",
    "title",
    "title_key",
    "artist",
    "artist_key",
    "release_mbid",
    "release_group_mbid",
    "year",
    "date",
    "original_date",
    "edition",
    "compilation",
    "discs",
    "tracks",
    "duration",
)
_ARTIST = ("identity", "name", "name_key", "sort_name", "sort_key", "mbid", "tracks", "albums")


def snapshot(session: Session, workspace_id: UUID) -> dict[str, Any]:
    """What a catalogue says of the files that are there: tracks by path or name, albums, artists, genres and moods.

    It also counts everything again by the rows themselves and compares, so that a count that drifted fails here.
    """
    tracks = _tracks(session, workspace_id)
    albums = _albums(session, workspace_id)
    artists = _artists(session, workspace_id)
    terms = {
        (row.kind, row.name_key): (row.name, row.tracks)
        for row in session.scalars(select(Term).where(Term.workspace_id == workspace_id, Term.tracks > 0))
    }
    _assert_counts(session, workspace_id)
    return {"tracks": tracks, "albums": albums, "artists": artists, "terms": terms}


def _tracks(session: Session, workspace_id: UUID) -> dict[Any, Any]:
    credits_, terms, lyrics = defaultdict(list), defaultdict(list), {}
    for track_id, role, position, name, identity in session.execute(
        select(Credit.track_id, Credit.role, Credit.position, Credit.name, Artist.identity)
        .join(Artist, Artist.id == Credit.artist_id)
        .order_by(Credit.role, Credit.position)
    ):
        credits_[track_id].append((role, position, name, identity))
    for track_id, kind, name in session.execute(
        select(TrackTerm.track_id, Term.kind, TrackTerm.name)
        .join(Term, Term.id == TrackTerm.term_id)
        .order_by(TrackTerm.position)
    ):
        terms[track_id].append((kind, name))
    for words in session.scalars(select(Lyrics)):
        lyrics[words.track_id] = (words.source, words.synced, words.text)
    found = {}
    for track, media, identity in session.execute(
        select(Track, Media, Album.identity)
        .join(Media, Media.id == Track.media_id)
        .join(Album, Album.id == Track.album_id, isouter=True)
        .where(Track.workspace_id == workspace_id, ~Media.missing)
    ):
        assert track.counted, f"{media.name} is there and not counted"
        found[media.path or media.name] = (
            tuple(getattr(track, name) for name in _TRACK),
            identity,
            credits_[track.id],
            terms[track.id],
            lyrics.get(track.id),
        )
    return found


def _albums(session: Session, workspace_id: UUID) -> dict[str, Any]:
    owners = defaultdict(list)
    for album_id, name, identity in session.execute(
        select(AlbumCredit.album_id, AlbumCredit.name, Artist.identity)
        .join(Artist, Artist.id == AlbumCredit.artist_id)
        .order_by(AlbumCredit.position)
    ):
        owners[album_id].append((name, identity))
    return {
        album.identity: (tuple(getattr(album, name) for name in _ALBUM), owners[album.id])
        for album in session.scalars(select(Album).where(Album.workspace_id == workspace_id, Album.tracks > 0))
    }


def _artists(session: Session, workspace_id: UUID) -> dict[str, Any]:
    shown = (Artist.tracks > 0) | (Artist.albums > 0)
    return {
        artist.identity: tuple(getattr(artist, name) for name in _ARTIST)
        for artist in session.scalars(select(Artist).where(Artist.workspace_id == workspace_id, shown))
    }


def _assert_counts(session: Session, workspace_id: UUID) -> None:
    by_artist = dict(
        session.execute(
            select(Credit.artist_id, func.count(func.distinct(Credit.track_id)))
            .join(Track, Track.id == Credit.track_id)
            .where(Track.workspace_id == workspace_id, Track.counted)
            .group_by(Credit.artist_id)
        )
        .tuples()
        .all()
    )
    by_owner = dict(
        session.execute(
            select(AlbumCredit.artist_id, func.count())
            .join(Album, Album.id == AlbumCredit.album_id)
            .where(Album.workspace_id == workspace_id, Album.tracks > 0)
            .group_by(AlbumCredit.artist_id)
        )
        .tuples()
        .all()
    )
    linked = set(session.scalars(select(Credit.artist_id))) | set(session.scalars(select(AlbumCredit.artist_id)))
    for artist in session.scalars(select(Artist).where(Artist.workspace_id == workspace_id)):
        assert (artist.tracks, artist.albums) == (by_artist.get(artist.id, 0), by_owner.get(artist.id, 0)), artist.name
        assert artist.id in linked, f"nothing credits {artist.name}"
    in_album = dict(
        session.execute(
            select(Track.album_id, func.count())
            .where(Track.workspace_id == workspace_id, Track.counted)
            .group_by(Track.album_id)
        )
        .tuples()
        .all()
    )
    held = set(session.scalars(select(Track.album_id).where(Track.workspace_id == workspace_id)))
    for album in session.scalars(select(Album).where(Album.workspace_id == workspace_id)):
        assert album.tracks == in_album.get(album.id, 0), album.title
        assert album.id in held, f"{album.title} holds no track"
    by_term = dict(
        session.execute(
            select(TrackTerm.term_id, func.count())
            .join(Track, Track.id == TrackTerm.track_id)
            .where(Track.workspace_id == workspace_id, Track.counted)
            .group_by(TrackTerm.term_id)
        )
        .tuples()
        .all()
    )
    for term in session.scalars(select(Term).where(Term.workspace_id == workspace_id)):
        assert term.tracks == by_term.get(term.id, 0), term.name
