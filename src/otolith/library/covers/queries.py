"""The statements about covers."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, delete, exists, func, literal, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, undefer

from otolith.core.actor import Actor, visible_to
from otolith.core.db import now
from otolith.library.catalogue.links import AlbumCredit
from otolith.library.catalogue.models import Album, Artist
from otolith.library.covers.models import Cover, FolderPicture
from otolith.library.models import Track
from otolith.media.models import Media

# Of an album whose tracks bear different pictures, so many are looked at to choose one.
_ELECTORS = 200


class Pictured(NamedTuple):
    """What a person may see: its title and artist, its picture's key and that picture, if there is one."""

    title: str
    artist: str
    key: str | None
    cover: Cover | None


def album(session: Session, actor: Actor, album_id: UUID) -> Pictured | None:
    # A track's own picture stands in until its album is settled, as for uploads that are filed after they were heard.
    of_track = (
        select(Track.cover_key)
        .where(Track.album_id == Album.id, Track.cover_key.is_not(None))
        .order_by(Track.disc_number, Track.track_number, Track.id)
        .limit(1)
        .scalar_subquery()
    )
    key = func.coalesce(Album.cover_key, of_track)
    statement = (
        select(Album.title, Album.artist, key, Cover)
        .join(Cover, Cover.key == key, isouter=True)
        .where(visible_to(actor, Album.workspace_id), Album.id == album_id)
    )
    found = session.execute(statement).one_or_none()
    return None if found is None else Pictured(*found)


def artist(session: Session, actor: Actor, artist_id: UUID) -> Pictured | None:
    statement = (
        select(Artist.name, literal(""), Artist.image_key, Cover)
        .join(Cover, Cover.key == Artist.image_key, isouter=True)
        .where(visible_to(actor, Artist.workspace_id), Artist.id == artist_id)
    )
    found = session.execute(statement).one_or_none()
    return None if found is None else Pictured(*found)


def track(session: Session, actor: Actor, track_id: UUID) -> Pictured | None:
    """A track's own picture, or its album's."""
    key = func.coalesce(Track.cover_key, Album.cover_key)
    statement = (
        select(Track.title, Track.artist, key, Cover)
        .join(Album, Album.id == Track.album_id, isouter=True)
        .join(Cover, Cover.key == key, isouter=True)
        .where(visible_to(actor, Track.workspace_id), Track.id == track_id)
    )
    found = session.execute(statement).one_or_none()
    return None if found is None else Pictured(*found)


def tracks(session: Session, track_ids: Collection[UUID]) -> Sequence[Row[tuple[Track, Media]]]:
    """Tracks with what their files say, and their files, in the order of their places."""
    return session.execute(
        select(Track, Media)
        .join(Media, Media.id == Track.media_id)
        .where(Track.id.in_(list(track_ids)))
        .options(undefer(Track.tags))
        .order_by(Media.path, Track.id)
    ).all()


def usable(session: Session, keys: Collection[str]) -> dict[str, bool]:
    """Which of these pictures are known, and whether they can be shown."""
    rows = session.execute(select(Cover.key, Cover.error.is_(None)).where(Cover.key.in_(list(keys))))
    return dict(rows.tuples().all())


def folder_pictures(session: Session, workspace_id: UUID, digests: Collection[bytes]) -> dict[bytes, FolderPicture]:
    found = session.scalars(
        select(FolderPicture).where(
            FolderPicture.workspace_id == workspace_id, FolderPicture.folder_digest.in_(list(digests))
        )
    )
    return {row.folder_digest: row for row in found}


def keep_folders(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        return
    statement = _dialect(session).insert(FolderPicture).values(list(rows))
    changes = {name: statement.excluded[name] for name in ("listing", "key", "artist_key", "scan_id")}
    session.execute(statement.on_conflict_do_update(index_elements=["workspace_id", "folder_digest"], set_=changes))


def keep_covers(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store pictures; one that another worker made meanwhile is the same picture."""
    if rows:
        # In one order everywhere, so that two jobs never wait for each other.
        ordered = sorted(rows, key=lambda row: str(row["key"]))
        session.execute(_dialect(session).insert(Cover).values(ordered).on_conflict_do_nothing())


def _dialect(session: Session) -> Any:
    return sqlite if session.get_bind().dialect.name == "sqlite" else postgresql


def hold(session: Session, keys: Collection[str]) -> set[str]:
    """Keep pictures from being tidied away while they are given to tracks; those that are there."""
    wanted = Cover.key.in_(list(keys))
    found = set(session.scalars(select(Cover.key).where(wanted).order_by(Cover.key).with_for_update()))
    session.execute(update(Cover).where(wanted).values(made_at=now()), execution_options={"synchronize_session": False})
    return found


def set_tracks(session: Session, keys: Mapping[UUID, str | None], version: int) -> None:
    """Give tracks their pictures, in one statement for all of them."""
    _set_keys(session, Track, keys, version)


def set_albums(session: Session, keys: Mapping[UUID, str | None], version: int) -> None:
    _set_keys(session, Album, keys, version)


def _set_keys(session: Session, table: type[Track | Album], keys: Mapping[UUID, str | None], version: int) -> None:
    if keys:
        session.execute(update(table), [{"id": row, "cover_key": key, "version": version} for row, key in keys.items()])


def album_keys(session: Session, album_ids: Collection[UUID]) -> dict[UUID, str | None]:
    """The pictures that albums have now."""
    return dict(session.execute(select(Album.id, Album.cover_key).where(Album.id.in_(list(album_ids)))).tuples().all())


def keys_of_tracks(session: Session, album_ids: Collection[UUID]) -> list[tuple[UUID, str, int]]:
    """The pictures on the tracks of albums, and on how many of them each is."""
    rows = session.execute(
        select(Track.album_id, Track.cover_key, func.count())
        .where(Track.album_id.in_(list(album_ids)), Track.cover_key.is_not(None))
        .group_by(Track.album_id, Track.cover_key)
    )
    return [(album_id, key, count) for album_id, key, count in rows.tuples() if album_id and key]


def artists_of(session: Session, album_ids: Collection[UUID]) -> list[Artist]:
    """Whose albums these are, in one order everywhere."""
    theirs = select(AlbumCredit.artist_id).where(AlbumCredit.album_id.in_(list(album_ids)))
    return list(session.scalars(select(Artist).where(Artist.id.in_(theirs)).order_by(Artist.id)))


def has_artist_pictures(session: Session, workspace_id: UUID) -> bool:
    found = exists().where(FolderPicture.workspace_id == workspace_id, FolderPicture.artist_key.is_not(None))
    return bool(session.scalar(select(found)))


def paths_of_artist(session: Session, artist_id: UUID, limit: int) -> list[bytes]:
    """The places of files of the albums that are an artist's own."""
    rows = session.scalars(
        select(Media.path)
        .join(Track, Track.media_id == Media.id)
        .join(AlbumCredit, AlbumCredit.album_id == Track.album_id)
        .where(AlbumCredit.artist_id == artist_id, Media.path.is_not(None), Media.missing.is_(False))
        .order_by(Track.id)
        .limit(limit)
    )
    return [path for path in rows if path is not None]


def artists_below(session: Session, workspace_id: UUID, folder: bytes, limit: int) -> list[UUID]:
    """Whose albums lie below a folder, no more than so many of them."""
    rows = session.scalars(
        select(AlbumCredit.artist_id)
        .join(Track, Track.album_id == AlbumCredit.album_id)
        .join(Media, Media.id == Track.media_id)
        .where(Media.workspace_id == workspace_id, Media.missing.is_(False), *below(Media.path, folder))
        .distinct()
        .limit(limit)
    )
    return list(rows)


def set_artists(session: Session, keys: Mapping[UUID, str | None], version: int) -> None:
    if keys:
        rows = [{"id": row, "image_key": key, "version": version} for row, key in sorted(keys.items())]
        session.execute(update(Artist), rows)


def electors(session: Session, album_id: UUID) -> list[tuple[str | None, bytes | None]]:
    """The pictures and places of an album's tracks in their order, of no more than it takes to choose."""
    rows = session.execute(
        select(Track.cover_key, Media.path)
        .join(Media, Media.id == Track.media_id)
        .where(Track.album_id == album_id)
        .order_by(Track.disc_number, Track.track_number, Media.path, Track.id)
        .limit(_ELECTORS)
    )
    return list(rows.tuples().all())


def below(column: Any, folder: bytes) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """The condition of a path to lie below a folder: "0" is the byte behind "/"."""
    stem = folder.rstrip(b"/")
    return column >= stem + b"/", column < stem + b"0"


def files_below(
    session: Session, workspace_id: UUID, folder: bytes, after: UUID | None, limit: int
) -> list[tuple[UUID, bytes]]:
    """A page of the tracks whose files lie below a folder, with their places, in the order of their media."""
    statement = (
        select(Media.id, Media.path)
        .where(Media.workspace_id == workspace_id, Media.missing.is_(False), *below(Media.path, folder))
        .order_by(Media.id)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(Media.id > after)
    return [(media_id, path) for media_id, path in session.execute(statement).tuples() if path is not None]


def tracks_of_media(session: Session, media_ids: Collection[UUID]) -> list[UUID]:
    return list(session.scalars(select(Track.id).where(Track.media_id.in_(list(media_ids))).order_by(Track.id)))


def folders_below(session: Session, workspace_id: UUID, root: bytes) -> list[FolderPicture]:
    """What is known of the pictures of a folder and of those below it."""
    inside = or_(FolderPicture.folder == root.rstrip(b"/"), and_(*below(FolderPicture.folder, root)))
    return list(session.scalars(select(FolderPicture).where(FolderPicture.workspace_id == workspace_id, inside)))


def forget_folders(session: Session, workspace_id: UUID, digests: Collection[bytes]) -> None:
    session.execute(
        delete(FolderPicture).where(
            FolderPicture.workspace_id == workspace_id, FolderPicture.folder_digest.in_(list(digests))
        )
    )


def unsettled_albums(session: Session, after: UUID | None, limit: int) -> list[tuple[UUID, UUID]]:
    """A page of albums (id, workspace) without a picture that a track has, or with one that nothing of theirs has."""
    on_track = exists().where(Track.album_id == Album.id, Track.cover_key.is_not(None))
    still_on_track = exists().where(Track.album_id == Album.id, Track.cover_key == Album.cover_key)
    in_folder = exists().where(FolderPicture.workspace_id == Album.workspace_id, FolderPicture.key == Album.cover_key)
    bare = and_(Album.cover_key.is_(None), on_track)
    strange = and_(Album.cover_key.is_not(None), ~still_on_track, ~in_folder)
    statement = select(Album.id, Album.workspace_id).where(or_(bare, strange)).order_by(Album.id).limit(limit)
    if after is not None:
        statement = statement.where(Album.id > after)
    return list(session.execute(statement).tuples().all())


def forget_unused(session: Session, before: dt.datetime) -> int:
    """Forget pictures that nothing shows, unless they came into use lately; only the system sees all that is used."""
    used = (
        select(Track.cover_key)
        .where(Track.cover_key.is_not(None))
        .union(
            select(Album.cover_key).where(Album.cover_key.is_not(None)),
            select(FolderPicture.key).where(FolderPicture.key.is_not(None)),
            select(FolderPicture.artist_key).where(FolderPicture.artist_key.is_not(None)),
            select(Artist.image_key).where(Artist.image_key.is_not(None)),
        )
    )
    statement = delete(Cover).where(Cover.made_at < before, Cover.key.not_in(used))
    return session.connection().execute(statement).rowcount


def stored_among(session: Session, places: Collection[str]) -> set[str]:
    """Those of these files of the storage that belong to a picture."""
    found = session.scalars(select(Cover.stored).where(Cover.stored.in_(list(places))))
    return {place for place in found if place is not None}


def stored_page(session: Session, after: str, limit: int) -> list[tuple[str, str]]:
    """A page of pictures (key, file in the storage), in the order of their keys."""
    statement = select(Cover.key, Cover.stored).where(Cover.key > after, Cover.stored.is_not(None))
    rows = session.execute(statement.order_by(Cover.key).limit(limit)).tuples()
    return [(key, stored) for key, stored in rows if stored is not None]


def forget(session: Session, keys: Collection[str]) -> None:
    """Forget pictures whose files are lost, and that they were found in folders, so that they are made anew."""
    lost = list(keys)
    session.execute(delete(FolderPicture).where(or_(FolderPicture.key.in_(lost), FolderPicture.artist_key.in_(lost))))
    session.execute(delete(Cover).where(Cover.key.in_(list(keys))))


def artist_bearers(session: Session, keys: Collection[str]) -> list[tuple[UUID, UUID]]:
    """For each artist whom one of these pictures shows a track whose file is there: workspace and id."""
    found = []
    for artist_id in session.scalars(select(Artist.id).where(Artist.image_key.in_(list(keys)))).all():
        one = session.execute(
            select(Track.workspace_id, Track.id)
            .join(AlbumCredit, AlbumCredit.album_id == Track.album_id)
            .join(Media, Media.id == Track.media_id)
            .where(AlbumCredit.artist_id == artist_id, Media.missing.is_(False))
            .limit(1)
        ).one_or_none()
        if one is not None:
            found.append((one[0], one[1]))
    return found


def bearers(session: Session, keys: Collection[str]) -> dict[str, tuple[UUID, UUID]]:
    """For each of these pictures a track that shows it, whose file is there: workspace and id."""
    rows = session.execute(
        select(Track.cover_key, Track.workspace_id, Track.id)
        .join(Media, Media.id == Track.media_id)
        .where(Track.cover_key.in_(list(keys)), Media.missing.is_(False))
        .order_by(Track.id)
    )
    return {key: (workspace_id, track_id) for key, workspace_id, track_id in rows.tuples() if key is not None}
