"""The statements about changes of tags."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.orm import Session, undefer

from otolith.core.actor import Actor, visible_to
from otolith.core.db import now
from otolith.jobs.models import UNFINISHED, Job
from otolith.library.catalogue.links import Lyrics
from otolith.library.editing.events import WRITE_TAGS
from otolith.library.editing.models import EditState, TagEdit
from otolith.library.models import Analysis, Track
from otolith.media.models import Media

_MOST = 500


def tracks(session: Session, actor: Actor, track_ids: Collection[UUID]) -> dict[UUID, tuple[Track, Media]]:
    """Tracks that the caller may see, as they are now, with what their files say and what was changed."""
    found: dict[UUID, tuple[Track, Media]] = {}
    ids = list(track_ids)
    for start in range(0, len(ids), _MOST):
        rows = session.execute(
            select(Track, Media)
            .join(Media, Media.id == Track.media_id)
            .where(visible_to(actor, Track.workspace_id), Track.id.in_(ids[start : start + _MOST]))
            .options(undefer(Track.tags), undefer(Track.edits)),
            execution_options={"populate_existing": True},
        )
        found |= {track.id: (track, media) for track, media in rows}
    return found


def workspaces_of(session: Session, actor: Actor, track_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Whose these tracks are, as far as the caller may see them."""
    rows = session.execute(
        select(Track.id, Track.workspace_id).where(visible_to(actor, Track.workspace_id), Track.id.in_(list(track_ids)))
    )
    return dict(rows.tuples().all())


def tracks_at(session: Session, actor: Actor, path_digests: Collection[bytes]) -> dict[bytes, UUID]:
    """The tracks of library files, by digest of their paths."""
    rows = session.execute(
        select(Media.path_digest, Track.id)
        .join(Track, Track.media_id == Media.id)
        .where(visible_to(actor, Track.workspace_id), Media.path_digest.in_(list(path_digests)))
    )
    return {digest: track_id for digest, track_id in rows.tuples() if digest is not None}


def lyrics_of(session: Session, track_ids: Collection[UUID]) -> dict[UUID, Lyrics]:
    return {row.track_id: row for row in session.scalars(select(Lyrics).where(Lyrics.track_id.in_(list(track_ids))))}


def add_edits(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    session.execute(insert(TagEdit), list(rows))


def batch(session: Session, actor: Actor, batch_id: UUID) -> list[TagEdit]:
    """The changes that were made together, in the order in which they were made, as they are now."""
    return list(
        session.scalars(
            select(TagEdit)
            .where(visible_to(actor, TagEdit.workspace_id), TagEdit.batch_id == batch_id)
            .order_by(TagEdit.id),
            execution_options={"populate_existing": True},
        )
    )


def edit(session: Session, edit_id: UUID) -> TagEdit | None:
    return session.get(TagEdit, edit_id, populate_existing=True)


def edit_page(
    session: Session, actor: Actor, batch_id: UUID, after: UUID | None, limit: int
) -> Sequence[Row[tuple[TagEdit, str]]]:
    """A page of the changes of a batch, with the titles of their tracks."""
    statement = (
        select(TagEdit, Track.title)
        .join(Track, Track.id == TagEdit.track_id)
        .where(visible_to(actor, TagEdit.workspace_id), TagEdit.batch_id == batch_id)
        .order_by(TagEdit.id)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(TagEdit.id > after)
    return session.execute(statement).all()


def count_edits(session: Session, actor: Actor, batch_id: UUID) -> int:
    statement = select(func.count()).select_from(TagEdit)
    return session.scalar(statement.where(visible_to(actor, TagEdit.workspace_id), TagEdit.batch_id == batch_id)) or 0


def batch_page(
    session: Session, actor: Actor, track_id: UUID | None, before: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """A page of batches, the newest first: id, workspace, user, moment and size of each."""
    condition = visible_to(actor, TagEdit.workspace_id)
    statement = (
        select(TagEdit.batch_id, TagEdit.workspace_id, TagEdit.user_id, func.min(TagEdit.made_at), func.count())
        .where(condition)
        .group_by(TagEdit.batch_id, TagEdit.workspace_id, TagEdit.user_id)
        .order_by(TagEdit.batch_id.desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(TagEdit.batch_id < before)
    if track_id is not None:
        of_track = select(TagEdit.batch_id).where(condition, TagEdit.track_id == track_id)
        statement = statement.where(TagEdit.batch_id.in_(of_track))
    return session.execute(statement).all()


def states(session: Session, batch_ids: Collection[UUID]) -> dict[UUID, dict[EditState, int]]:
    rows = session.execute(
        select(TagEdit.batch_id, TagEdit.state, func.count())
        .where(TagEdit.batch_id.in_(list(batch_ids)))
        .group_by(TagEdit.batch_id, TagEdit.state)
    )
    found: dict[UUID, dict[EditState, int]] = {}
    for batch_id, state, count in rows.tuples():
        found.setdefault(batch_id, {})[state] = count
    return found


def is_being_written(session: Session, workspace_id: UUID, batch_id: UUID) -> bool:
    """Whether a job is still to see to the files of a batch."""
    payloads = session.scalars(
        select(Job.payload).where(
            Job.workspace_id == workspace_id, Job.task == WRITE_TAGS.task, Job.state.in_(UNFINISHED)
        )
    )
    return any(payload.get("batch_id") == str(batch_id) for payload in payloads)


def set_state(session: Session, edit_ids: Collection[UUID], state: EditState, error: str | None = None) -> None:
    moment = now() if state in ("written", "undone") else None
    session.execute(
        update(TagEdit).where(TagEdit.id.in_(list(edit_ids))).values(state=state, error=error, settled_at=moment),
        execution_options={"synchronize_session": False},
    )


def note_error(session: Session, edit_id: UUID, error: str) -> None:
    session.execute(
        update(TagEdit).where(TagEdit.id == edit_id).values(error=error),
        execution_options={"synchronize_session": False},
    )


def analysis_columns(session: Session, sha256: str) -> dict[str, Any] | None:
    """What was found in a content, to be kept for another with the same sound."""
    found = session.execute(select(*Analysis.__table__.columns).where(Analysis.sha256 == sha256)).mappings().first()
    return None if found is None else dict(found)
