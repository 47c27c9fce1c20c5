"""The statements of search: what the index reads, and the rows of the pages that it finds."""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, String, and_, cast, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from otolith.accounts.models import Workspace
from otolith.core.actor import Actor, visible_to
from otolith.library.catalogue.links import Credit, Lyrics, TrackTerm
from otolith.library.catalogue.models import Album, Artist, Catalogue, Departure, Term
from otolith.library.listens.models import Listening
from otolith.library.models import Analysis, Track
from otolith.media.models import Media

AT_ONCE: Final = 2_000


def _text(column: ColumnElement[Any] | InstrumentedAttribute[Any], label: str) -> ColumnElement[str]:
    """An id as hexadecimal text, with or without dashes: making objects of a large library's ids would cost most."""
    return cast(column, String).label(label)


_READ: Final = (
    *(_text(Track.id, "id"), Track.version, Track.title, Track.artist, Track.album, Track.album_artist, Track.genre),
    *(Album.title.label("album_title"), _text(Track.album_id, "album_id"), Media.codec, Media.container),
    *(Media.missing, Media.lossless, Track.compilation, Track.state, Track.cover_key),
    *(Track.date, Media.duration.label("told"), Analysis.duration.label("heard")),
    # The numbers of the index from here on, in their order.
    *(Track.year, Track.duration, Analysis.tempo, Analysis.camelot, Analysis.loudness_lufs, Analysis.energy),
    *(Analysis.voice, Analysis.onset_rate, Analysis.brightness, Analysis.dynamics_db, Media.bit_rate),
    *(Media.sample_rate, Media.channels, Media.bits, Media.size, Track.track_number, Track.disc_number),
    Track.added_at,
)

_SHOWN: Final = (
    *(Track.id, Track.workspace_id, Track.media_id, Track.title, Track.artist, Track.album, Track.album_id),
    *(Track.album_artist, Track.genre, Track.year, Track.track_number, Track.disc_number, Track.cover_key),
    *(Track.state, Track.added_at, func.coalesce(Analysis.duration, Track.duration).label("duration")),
    *(Media.codec.label("format"), Media.missing, Analysis.tempo, Analysis.key, Analysis.mode, Analysis.camelot),
    *(Analysis.loudness_lufs, Analysis.energy, Listening.plays, Listening.rating, Listening.played_at),
)


def workspaces(session: Session) -> Sequence[UUID]:
    """All workspaces, for the system, which sees them all."""
    return session.scalars(select(Workspace.id)).all()


def versions(session: Session, workspace_ids: Sequence[UUID]) -> dict[UUID, int]:
    """The newest visible version of each of these catalogues, 0 where nobody changed one yet."""
    rows = session.execute(
        select(Catalogue.workspace_id, Catalogue.version).where(Catalogue.workspace_id.in_(workspace_ids))
    )
    return dict.fromkeys(workspace_ids, 0) | dict(rows.tuples().all())


def departed(session: Session, workspace_id: UUID, since: int) -> Sequence[UUID]:
    """The tracks that were removed for good after a version."""
    return session.scalars(
        select(Departure.track_id).where(Departure.workspace_id == workspace_id, Departure.version > since)
    ).all()


def checksum(session: Session, workspace_id: UUID) -> tuple[int, int]:
    """How many tracks a workspace has, and the sum of their versions."""
    count, total = session.execute(
        select(func.count(), func.sum(Track.version)).where(Track.workspace_id == workspace_id)
    ).one()
    return count, int(total or 0)


def count_changed(session: Session, workspace_id: UUID, since: int) -> int:
    """How many tracks changed after a version."""
    mine = Track.workspace_id == workspace_id, Track.version > since
    return session.scalar(select(func.count()).select_from(Track).where(*mine)) or 0


Hanging = dict[str, list[Row[Any]]]
"""Rows by the track on which they hang, whose id is the first column."""


class Chunk:
    """Some tracks to be taken in, and what hangs on them, by the id of the track."""

    def __init__(self, session: Session, tracks: Sequence[Row[Any]], condition: ColumnElement[bool]) -> None:
        self.tracks = tracks
        here = and_(condition, Track.id.between(UUID(tracks[0].id), UUID(tracks[-1].id)))
        self.credits = _by_track(
            session,
            select(_text(Credit.track_id, "track_id"), Credit.role, Credit.name)
            .add_columns(_text(Credit.artist_id, "artist_id"), Artist.name)
            .join(Track, Track.id == Credit.track_id)
            .join(Artist, Artist.id == Credit.artist_id)
            .where(here)
            .order_by(Credit.track_id, Credit.role, Credit.position),
        )
        self.terms = _by_track(
            session,
            select(_text(TrackTerm.track_id, "track_id"), Term.kind, Term.name, _text(Term.id, "id"))
            .join(Track, Track.id == TrackTerm.track_id)
            .join(Term, Term.id == TrackTerm.term_id)
            .where(here)
            .order_by(TrackTerm.track_id, TrackTerm.position),
        )
        self.lyrics = _by_track(
            session,
            select(_text(Lyrics.track_id, "track_id"), Lyrics.text)
            .join(Track, Track.id == Lyrics.track_id)
            .where(here),
        )


def _by_track(session: Session, statement: Select[Any]) -> Hanging:
    found: Hanging = {}
    for row in session.connection().execute(statement).all():
        found.setdefault(row[0], []).append(row)
    return found


def changed(session: Session, workspace_id: UUID, since: int) -> Iterator[Chunk]:
    """The tracks that changed after a version, in the order of their ids, a chunk at a time."""
    condition = Track.workspace_id == workspace_id
    if since:
        condition = and_(condition, Track.version > since)
    statement = (
        select(*_READ)
        .join(Media, Media.id == Track.media_id)
        .join(Analysis, Analysis.sha256 == Media.sha256, isouter=True)
        .join(Album, Album.id == Track.album_id, isouter=True)
        .where(condition)
        .order_by(Track.id)
        .limit(AT_ONCE)
    )
    after: UUID | None = None
    while True:
        following = statement if after is None else statement.where(Track.id > after)
        rows = session.connection().execute(following).all()
        if rows:
            yield Chunk(session, rows, condition)
        if len(rows) < AT_ONCE:
            return
        after = UUID(rows[-1].id)


def listened(session: Session, actor: Actor) -> Sequence[tuple[str, int, int | None, dt.datetime | None]]:
    """What the caller played and rated: track, plays, rating, and when last played.

    The track's id is hexadecimal text, with or without dashes.
    """
    if actor.user_id is None:
        return []
    return (
        session.execute(
            select(_text(Listening.track_id, "track_id"), Listening.plays, Listening.rating, Listening.played_at).where(
                visible_to(actor, Listening.workspace_id), Listening.user_id == actor.user_id
            )
        )
        .tuples()
        .all()
    )


def tracks(session: Session, actor: Actor, ids: Sequence[UUID]) -> dict[UUID, Row[Any]]:
    """Those of these tracks that the caller may see, with the caller's own plays and ratings."""
    rows = session.execute(
        select(*_SHOWN)
        .join(Media, Media.id == Track.media_id)
        .join(Analysis, Analysis.sha256 == Media.sha256, isouter=True)
        .join(Listening, and_(Listening.track_id == Track.id, Listening.user_id == actor.user_id), isouter=True)
        .where(visible_to(actor, Track.workspace_id), Track.id.in_(ids))
    )
    return {row.id: row for row in rows}


def albums(session: Session, actor: Actor, ids: Sequence[UUID]) -> dict[UUID, Album]:
    """Those of these albums that the caller may see."""
    found = session.scalars(select(Album).where(visible_to(actor, Album.workspace_id), Album.id.in_(ids)))
    return {album.id: album for album in found}


def artists(session: Session, actor: Actor, ids: Sequence[UUID]) -> dict[UUID, Artist]:
    """Those of these artists that the caller may see."""
    found = session.scalars(select(Artist).where(visible_to(actor, Artist.workspace_id), Artist.id.in_(ids)))
    return {artist.id: artist for artist in found}
