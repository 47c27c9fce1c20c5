"""The statements about what sounds alike: what the index follows, seeds, and the rows that are shown."""

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Row, Select, exists, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from otolith.accounts.models import Workspace
from otolith.core.actor import Actor, visible_to
from otolith.library.catalogue.links import Credit
from otolith.library.catalogue.models import Catalogue, Departure
from otolith.library.engine.embedding import DIMENSIONS
from otolith.library.models import Analysis, Track
from otolith.library.similar.engine.shelf import FEATURES, Sounding
from otolith.library.similar.models import Place
from otolith.media.models import Media
from otolith.media.service import path_digest

_PACKED = np.dtype("<f2")
_ENGINE = Analysis.engines["music"].as_integer().label("engine")
_HEARD = (Analysis.tempo, Analysis.energy, Analysis.voice, Analysis.brightness, Analysis.loudness_lufs, Analysis.mode)
# What is shown of a track, and what it is compared by.
_SHOWN = (
    Track.id, Track.workspace_id, Track.media_id, Track.album_id, Track.title, Track.artist, Track.album, Track.genre,
    Track.artist_key, Track.year, Track.cover_key, Track.state, Track.error, Media.missing,
    func.coalesce(Analysis.duration, Track.duration).label("duration"),
    Analysis.tempo, Analysis.camelot, Analysis.energy, Analysis.voice, Analysis.brightness, Analysis.timbre,
    _ENGINE,
)  # fmt: skip

# Built once, since building it anew would cost each question some milliseconds.
_TRACKS = (
    select(*_SHOWN, Analysis.embedding)
    .join(Media, Media.id == Track.media_id)
    .join(Analysis, Analysis.sha256 == Media.sha256, isouter=True)
)


@dataclass(frozen=True, slots=True)
class Seen:
    """A track that the caller may see, and its vector of unit length, if it has one."""

    row: Row[Any]
    vector: NDArray[np.float32] | None

    @property
    def id(self) -> UUID:
        found: UUID = self.row.id
        return found

    @property
    def version(self) -> int:
        """That of the engine that made the vector."""
        return self.row.engine or 0


def versions(session: Session, actor: Actor, workspace_id: UUID | None) -> dict[UUID, int]:
    """The workspaces that the caller sees, or one of them, with the versions of their catalogues."""
    statement = (
        select(Workspace.id, func.coalesce(Catalogue.version, 0))
        .join(Catalogue, Catalogue.workspace_id == Workspace.id, isouter=True)
        .where(visible_to(actor, Workspace.id))
        .order_by(Workspace.id)
    )
    if workspace_id is not None:
        statement = statement.where(Workspace.id == workspace_id)
    return dict(session.execute(statement).tuples().all())


def soundings(session: Session, workspace_id: UUID, after: int, chunk: int) -> Iterator[list[Sounding]]:
    """What changed in a workspace since a version of its catalogue, in chunks; everything for a negative one."""
    statement = (
        select(Track.id, Track.artist_key, Track.album_id, Media.missing, Analysis.embedding, _ENGINE, *_HEARD)
        .join(Media, Media.id == Track.media_id)
        .join(Analysis, Analysis.sha256 == Media.sha256, isouter=after >= 0)
        .where(Track.workspace_id == workspace_id, Track.version > after)
        .execution_options(yield_per=chunk)
    )
    if after < 0:
        statement = statement.where(Analysis.embedding.is_not(None), Media.missing.is_(False))
    for rows in session.execute(statement).partitions(chunk):
        yield _soundings(rows)
    if after >= 0:
        gone = select(Departure.track_id).where(Departure.workspace_id == workspace_id, Departure.version > after)
        yield [Sounding(track_id, "", None, None) for track_id in session.scalars(gone)]


def _soundings(rows: Sequence[Row[Any]]) -> list[Sounding]:
    vectors = iter(vectors_of([None if row.missing else row.embedding for row in rows]))
    return [
        Sounding(row.id, row.artist_key, row.album_id, next(vectors), _features(row), row.engine or 0) for row in rows
    ]


def _features(row: Row[Any]) -> list[float | None]:
    known = row._mapping  # noqa: SLF001 -- The library's own name for it, documented.
    return [
        (None if row.mode is None else float(row.mode == "minor")) if name == "minor" else known[name]
        for name in FEATURES
    ]


def vectors_of(packed: Sequence[bytes | None]) -> list[NDArray[np.float32] | None]:
    """Stored embeddings as vectors; None for those that are missing or of another length than today's."""
    fit = [one is not None and len(one) == DIMENSIONS * _PACKED.itemsize for one in packed]
    joined = b"".join(one for one, good in zip(packed, fit, strict=True) if good and one is not None)
    matrix = iter(np.frombuffer(joined, _PACKED).astype(np.float32).reshape(-1, DIMENSIONS))
    return [next(matrix) if good else None for good in fit]


def _seen(session: Session, statement: Select[Any]) -> list[Seen]:
    rows = session.execute(statement).all()
    return [Seen(row, vector) for row, vector in zip(rows, vectors_of([row.embedding for row in rows]), strict=True)]


def _visible(actor: Actor, *conditions: ColumnElement[bool]) -> Select[Any]:
    return _TRACKS.where(visible_to(actor, Track.workspace_id), *conditions)


def tracks(session: Session, actor: Actor, ids: Collection[UUID]) -> dict[UUID, Seen]:
    """Those of these tracks that the caller may see and whose files are there."""
    if not ids:
        return {}
    found = _seen(session, _visible(actor, Track.id.in_(list(ids)), Media.missing.is_(False)))
    return {one.id: one for one in found}


def seeds(session: Session, actor: Actor, ids: Collection[UUID]) -> list[Seen]:
    """These tracks, whether or not their files are there."""
    return _seen(session, _visible(actor, Track.id.in_(list(ids))).order_by(Track.id)) if ids else []


def seeds_of_albums(session: Session, actor: Actor, ids: Collection[UUID], limit: int) -> list[Seen]:
    """The tracks of these albums."""
    return _seen(session, _visible(actor, Track.album_id.in_(list(ids))).order_by(Track.id).limit(limit))


def seeds_of_artists(session: Session, actor: Actor, ids: Collection[UUID], limit: int) -> list[Seen]:
    """The tracks of these artists, and those of albums of theirs."""
    credit = select(Credit.track_id).where(Credit.artist_id.in_(list(ids)), Credit.role.in_(("artist", "album_artist")))
    return _seen(session, _visible(actor, Track.id.in_(credit)).order_by(Track.id).limit(limit))


def track_at(session: Session, actor: Actor, path: bytes) -> UUID | None:
    """The track whose file this is."""
    return session.scalar(
        select(Track.id)
        .join(Media, Media.id == Track.media_id)
        .where(visible_to(actor, Track.workspace_id), Media.path_digest == path_digest(path))
        .limit(1)
    )


def tracks_called(session: Session, actor: Actor, words: Sequence[str], limit: int) -> Sequence[Row[Any]]:
    """The first tracks whose title or artist holds each of these folded words."""
    conditions = [
        Track.title_key.contains(word, autoescape=True) | Track.artist_key.contains(word, autoescape=True)
        for word in words
    ]
    return session.execute(
        select(Track.id, Track.title, Track.artist, Track.title_key)
        .where(visible_to(actor, Track.workspace_id), *conditions)
        .order_by(Track.title_key, Track.id)
        .limit(limit)
    ).all()


def drawn_at(session: Session, workspace_id: UUID) -> dt.datetime | None:
    """When a place of this map was last stored."""
    return session.scalar(select(func.max(Place.drawn_at)).where(Place.workspace_id == workspace_id))


def places_since(
    session: Session, workspace_id: UUID, since: dt.datetime | None
) -> tuple[NDArray[np.bytes_], NDArray[np.float32]]:
    """The places that were stored at a moment or after it, as ids and points."""
    statement = select(Place.track_id, Place.x, Place.y).where(Place.workspace_id == workspace_id)
    if since is not None:
        # That very moment too: what was stored at it may not all have been visible.
        statement = statement.where(Place.drawn_at >= since)
    rows = session.execute(statement).tuples().all()
    ids = np.array([track_id.bytes for track_id, _, _ in rows], "S16")
    return ids, np.array([point for _, *point in rows], np.float32).reshape(len(rows), 2)


def places_of(session: Session, workspace_id: UUID) -> dict[UUID, tuple[float, float]]:
    """Every place of a map."""
    rows = session.execute(select(Place.track_id, Place.x, Place.y).where(Place.workspace_id == workspace_id))
    return {track_id: (x, y) for track_id, x, y in rows.tuples()}


def unplaced(session: Session, workspace_id: UUID) -> bool:
    """Whether a track that could be compared has no place yet."""
    placed = exists().where(Place.track_id == Track.id)
    found = (
        select(Track.id)
        .join(Media, Media.id == Track.media_id)
        .join(Analysis, Analysis.sha256 == Media.sha256)
        .where(Track.workspace_id == workspace_id, Analysis.embedding.is_not(None), Media.missing.is_(False), ~placed)
    )
    return session.scalar(found.limit(1)) is not None


def store_places(
    session: Session, workspace_id: UUID, at: Mapping[UUID, tuple[float, float]], moment: dt.datetime
) -> None:
    """Keep where tracks lie; those that were removed meanwhile are passed over."""
    there = session.scalars(select(Track.id).where(Track.id.in_(list(at))).with_for_update(read=True))
    rows = [
        {"track_id": one, "workspace_id": workspace_id, "x": at[one][0], "y": at[one][1], "drawn_at": moment}
        for one in there
    ]
    if not rows:
        return
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    statement = dialect.insert(Place)
    others = {name: statement.excluded[name] for name in ("x", "y", "drawn_at")}
    session.execute(statement.on_conflict_do_update(index_elements=[Place.track_id], set_=others), rows)
