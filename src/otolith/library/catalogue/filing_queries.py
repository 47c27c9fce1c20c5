"""The statements by which tracks are filed: few, each for many rows."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Row, and_, delete, exists, func, insert, literal, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, undefer

from otolith.library.catalogue.links import AlbumCredit, Credit, Lyrics, TrackTerm
from otolith.library.catalogue.models import (
    Album,
    Artist,
    ArtistAlias,
    Departure,
    Spelling,
    SpellingKind,
    Term,
    TermKind,
)
from otolith.library.models import Track
from otolith.media.models import Media

T = TypeVar("T")
# Fewer than either database takes in one statement.
_MOST = 1000


def portions(values: Iterable[T], size: int = _MOST) -> Iterator[list[T]]:
    """The values in lists that one statement takes."""
    listed = list(values)
    for start in range(0, len(listed), size):
        yield listed[start : start + size]


def aliases(session: Session, workspace_id: UUID) -> Sequence[Row[tuple[str, str, str]]]:
    """Folded name, folded target and target of every alias of a workspace."""
    return session.execute(
        select(ArtistAlias.name_key, ArtistAlias.target_key, ArtistAlias.target).where(
            ArtistAlias.workspace_id == workspace_id
        )
    ).all()


def spellings(
    session: Session, workspace_id: UUID, kind: SpellingKind, keys: Collection[str]
) -> Iterator[Row[tuple[str, str, str, str, int]]]:
    """Key, identifier, name, sort name and uses of the spellings of folded names."""
    columns = (Spelling.name_key, Spelling.mbid, Spelling.name, Spelling.sort_name, Spelling.uses)
    for some in portions(keys):
        yield from session.execute(
            select(*columns).where(
                Spelling.workspace_id == workspace_id, Spelling.kind == kind, Spelling.name_key.in_(some)
            )
        )


def spellings_of_ids(
    session: Session, workspace_id: UUID, mbids: Collection[str]
) -> Iterator[Row[tuple[str, str, str, int]]]:
    """Identifier, name, sort name and uses of the spellings of people with these identifiers."""
    for some in portions(mbids):
        yield from session.execute(
            select(Spelling.mbid, Spelling.name, Spelling.sort_name, Spelling.uses).where(
                Spelling.workspace_id == workspace_id, Spelling.mbid.in_(some)
            )
        )


def add_uses(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add to the uses of spellings, below zero to take away; those without any are forgotten."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    statement = dialect.insert(Spelling)
    added = statement.on_conflict_do_update(
        index_elements=[Spelling.workspace_id, Spelling.digest],
        set_={"uses": Spelling.uses + statement.excluded.uses},
    )
    session.connection().execute(added, list(rows))
    fewer = [row for row in rows if row["uses"] < 0]
    for some in portions(row["digest"] for row in fewer):
        workspace_id = fewer[0]["workspace_id"]
        session.execute(
            delete(Spelling).where(Spelling.workspace_id == workspace_id, Spelling.digest.in_(some), Spelling.uses <= 0)
        )


def credits_of(session: Session, track_ids: Collection[UUID]) -> Iterator[Row[Any]]:
    columns = (
        Credit.track_id,
        Credit.role,
        Credit.position,
        Credit.artist_id,
        Credit.name,
        Credit.name_key,
        Credit.sort_name,
        Credit.mbid,
    )
    for some in portions(track_ids):
        yield from session.execute(select(*columns).where(Credit.track_id.in_(some)))


def labels_of(session: Session, track_ids: Collection[UUID]) -> Iterator[Row[Any]]:
    for some in portions(track_ids):
        yield from session.execute(
            select(TrackTerm.track_id, TrackTerm.term_id, TrackTerm.position, TrackTerm.name, Term.kind, Term.name_key)
            .join(Term, Term.id == TrackTerm.term_id)
            .where(TrackTerm.track_id.in_(some))
        )


def tracks_named(session: Session, workspace_id: UUID, loose: Collection[str], any_of: Collection[str]) -> set[UUID]:
    """The tracks that credit these folded names: `loose` ones without an identifier, `any_of` with one as well."""
    found: set[UUID] = set()
    for keys, condition in ((loose, Credit.mbid.is_(None)), (any_of, literal(value=True))):
        for some in portions(keys):
            found.update(
                session.scalars(
                    select(Credit.track_id)
                    .where(Credit.workspace_id == workspace_id, Credit.name_key.in_(some), condition)
                    .distinct()
                )
            )
    return found


def artists(
    session: Session, workspace_id: UUID, ids: Collection[UUID], identities: Collection[str]
) -> Iterator[Row[Any]]:
    """The artists of these ids or identities."""
    columns = [getattr(Artist, column.key) for column in Artist.__table__.columns]
    for condition, values in ((Artist.identity, identities), (Artist.id, ids)):
        for some in portions(values):
            yield from session.execute(select(*columns).where(Artist.workspace_id == workspace_id, condition.in_(some)))


def terms(
    session: Session, workspace_id: UUID, ids: Collection[UUID], keys: Collection[str]
) -> Iterator[Row[tuple[UUID, TermKind, str, str, int]]]:
    """Id, kind, name, folded name and count of the genres and moods of these ids or folded names."""
    columns = (Term.id, Term.kind, Term.name, Term.name_key, Term.tracks)
    for some_ids in portions(ids):
        yield from session.execute(select(*columns).where(Term.workspace_id == workspace_id, Term.id.in_(some_ids)))
    for some in portions(keys):
        yield from session.execute(select(*columns).where(Term.workspace_id == workspace_id, Term.name_key.in_(some)))


def releases_of_keys(
    session: Session, workspace_id: UUID, keys: Collection[str], but: Collection[UUID]
) -> Iterator[Row[Any]]:
    """Album key and release of every counted track of these keys that has one, but of some tracks, each pair once."""
    ours = set(but)
    for some in portions(keys):
        for row in session.execute(
            select(Track.album_key, Track.release_mbid, Track.id).where(
                Track.workspace_id == workspace_id,
                Track.album_key.in_(some),
                Track.release_mbid.is_not(None),
                Track.counted,
            )
        ):
            if row.id not in ours:
                yield row


def loose_albums(
    session: Session, workspace_id: UUID, keys: Collection[str]
) -> Iterator[Row[tuple[str | None, UUID | None]]]:
    """Album key and album of the tracks without a release, each pair once."""
    for some in portions(keys):
        yield from session.execute(
            select(Track.album_key, Track.album_id)
            .where(Track.workspace_id == workspace_id, Track.album_key.in_(some), Track.release_mbid.is_(None))
            .distinct()
        )


def move_loose(
    session: Session, workspace_id: UUID, key: str, album_id: UUID, version: int, but: Collection[UUID]
) -> None:
    """Let the tracks of an album key that name no release follow to another album."""
    others = and_(Track.workspace_id == workspace_id, Track.album_key == key, Track.release_mbid.is_(None))
    elsewhere = or_(Track.album_id.is_(None), Track.album_id != album_id)
    changed = update(Track).where(others, elsewhere).values(album_id=album_id, version=version)
    session.execute(changed.where(Track.id.not_in(list(but))).execution_options(synchronize_session=False))


def albums(
    session: Session, workspace_id: UUID, ids: Collection[UUID], identities: Collection[str]
) -> Iterator[Row[Any]]:
    columns = [getattr(Album, column.key) for column in Album.__table__.columns]
    for condition, values in ((Album.identity, identities), (Album.id, ids)):
        for some in portions(values):
            yield from session.execute(select(*columns).where(Album.workspace_id == workspace_id, condition.in_(some)))


def album_shares(session: Session, ids: Collection[UUID]) -> Iterator[Row[Any]]:
    """What the tracks of albums say of them, each saying once, with how many say it and what they add up to."""
    for some in portions(ids):
        yield from session.execute(
            select(
                Track.album_id,
                Track.album_facts,
                Track.counted,
                func.count().label("tracks"),
                func.sum(Track.duration).label("seconds"),
                func.max(Track.disc_number).label("discs"),
                func.min(Track.added_at).label("added_at"),
                func.min(Track.release_mbid).label("release"),
            )
            .where(Track.album_id.in_(some))
            .group_by(Track.album_id, Track.album_facts, Track.counted)
        )


def album_credits(session: Session, ids: Collection[UUID]) -> Iterator[Row[Any]]:
    columns = (AlbumCredit.album_id, AlbumCredit.position, AlbumCredit.artist_id, AlbumCredit.name)
    for some in portions(ids):
        yield from session.execute(select(*columns).where(AlbumCredit.album_id.in_(some)))


def add(session: Session, table: type[Any], rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        session.connection().execute(insert(table), list(rows))


def change(session: Session, table: type[Any], rows: Sequence[dict[str, Any]]) -> None:
    """Update rows by their ids, all of them in the same columns."""
    if rows:
        session.execute(update(table), list(rows))


def drop_links(session: Session, table: type[Any], column: Any, ids: Collection[UUID]) -> None:
    for some in portions(ids):
        session.connection().execute(delete(table).where(column.in_(some)))


def drop_unused_artists(session: Session, ids: Collection[UUID]) -> None:
    """Forget those artists whom no track and no album credits any more."""
    used = or_(exists().where(Credit.artist_id == Artist.id), exists().where(AlbumCredit.artist_id == Artist.id))
    for some in portions(ids):
        session.connection().execute(delete(Artist).where(Artist.id.in_(some), ~used))


def drop_unused_terms(session: Session, ids: Collection[UUID]) -> None:
    used = exists().where(TrackTerm.term_id == Term.id)
    for some in portions(ids):
        session.connection().execute(delete(Term).where(Term.id.in_(some), ~used))


def stored_tracks(session: Session, workspace_id: UUID, ids: Collection[UUID]) -> Iterator[tuple[Track, Media]]:
    """Tracks with all that they were filed by."""
    for some in portions(ids):
        yield from session.execute(
            select(Track, Media)
            .join(Media, Media.id == Track.media_id)
            .where(Track.workspace_id == workspace_id, Track.id.in_(some))
            .options(undefer(Track.tags), undefer(Track.edits), undefer(Track.album_facts))
        ).tuples()


def edits_of(session: Session, ids: Collection[UUID]) -> dict[UUID, dict[str, Any] | None]:
    found: dict[UUID, dict[str, Any] | None] = {}
    for some in portions(ids):
        rows = session.execute(select(Track.id, Track.edits).where(Track.id.in_(some), Track.edits.is_not(None)))
        found |= dict(rows.tuples().all())
    return found


def sum_durations(session: Session, album_id: UUID, version: int) -> None:
    """Bring the length of an album up to date with those of its tracks."""
    seconds = session.scalar(select(func.sum(Track.duration)).where(Track.album_id == album_id, Track.counted))
    values = {"duration": round(seconds or 0.0, 2), "version": version}
    session.connection().execute(update(Album).where(Album.id == album_id).values(values))


def lyrics_of(session: Session, ids: Collection[UUID]) -> dict[UUID, Lyrics]:
    found: dict[UUID, Lyrics] = {}
    for some in portions(ids):
        found |= {row.track_id: row for row in session.scalars(select(Lyrics).where(Lyrics.track_id.in_(some)))}
    return found


def note_departures(session: Session, workspace_id: UUID, ids: Collection[UUID], version: int) -> None:
    for some in portions(ids):
        session.connection().execute(delete(Departure).where(Departure.track_id.in_(some)))
        rows = [{"track_id": one, "workspace_id": workspace_id, "version": version} for one in some]
        add(session, Departure, rows)


def drop_tracks(session: Session, ids: Collection[UUID]) -> None:
    for some in portions(ids):
        session.execute(delete(Track).where(Track.id.in_(some)).execution_options(synchronize_session=False))
