"""The statements about stored sound."""

import datetime as dt
from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, exists, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from otolith.core.actor import Actor, visible_to
from otolith.media.models import Media, StoredContent, Upload, Waveform


def media(session: Session, actor: Actor, media_id: UUID, *, locked: bool = False) -> Media | None:
    statement = select(Media).where(visible_to(actor, Media.workspace_id), Media.id == media_id)
    return session.scalar(statement.with_for_update() if locked else statement)


def media_page(session: Session, condition: ColumnElement[bool], before: UUID | None, limit: int) -> Sequence[Media]:
    """The newest media first, those made before `before`."""
    statement = select(Media).where(condition).order_by(Media.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(Media.id < before)
    return session.scalars(statement).all()


def count_media(session: Session, condition: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(Media).where(condition)) or 0


def uploaded_media(session: Session, workspace_id: UUID, sha256: str) -> Media | None:
    return session.scalar(
        select(Media).where(Media.workspace_id == workspace_id, Media.sha256 == sha256, Media.stored.is_not(None))
    )


def media_at(session: Session, workspace_id: UUID, path_digests: Iterable[bytes]) -> dict[bytes, Media]:
    """The media of these paths, by digest of the path."""
    found = session.scalars(
        select(Media).where(Media.workspace_id == workspace_id, Media.path_digest.in_(list(path_digests)))
    )
    return {row.path_digest: row for row in found if row.path_digest is not None}


def set_missing(session: Session, media_ids: Sequence[UUID], *, missing: bool) -> int:
    statement = update(Media).where(Media.id.in_(media_ids), Media.missing.is_not(missing)).values(missing=missing)
    return session.connection().execute(statement).rowcount


def lock_content(session: Session, sha256: str, stored: str, size: int, moment: dt.datetime) -> StoredContent:
    """The row of this content, made if need be, and held against everyone until the transaction ends.

    The update that changes nothing takes the lock; a row that is just being deleted is waited for and made anew.
    """
    values = {"sha256": sha256, "stored": stored, "size": size, "added_at": moment}
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    statement = dialect.insert(StoredContent).values(values)
    held = statement.on_conflict_do_update(index_elements=["sha256"], set_={"sha256": statement.excluded.sha256})
    returning = held.returning(StoredContent)
    content: StoredContent = session.scalars(returning, execution_options={"populate_existing": True}).one()
    return content


def locked_content(session: Session, sha256: str) -> StoredContent | None:
    return session.scalar(select(StoredContent).where(StoredContent.sha256 == sha256).with_for_update())


def is_stored(session: Session, sha256: str) -> bool:
    """Whether any workspace still has an upload with this content; only the system sees them all."""
    return bool(session.scalar(select(exists().where(and_(Media.sha256 == sha256, Media.stored.is_not(None))))))


def unused_contents(session: Session, limit: int) -> Sequence[str]:
    used = exists().where(Media.sha256 == StoredContent.sha256, Media.stored.is_not(None))
    return session.scalars(select(StoredContent.sha256).where(~used).limit(limit)).all()


def known_contents(session: Session, sha256s: Sequence[str]) -> set[str]:
    return set(session.scalars(select(StoredContent.sha256).where(StoredContent.sha256.in_(sha256s))))


def upload(session: Session, actor: Actor, upload_id: UUID) -> Upload | None:
    """An upload that the caller began; other members of the workspace see what becomes of it, but do not go on."""
    statement = select(Upload).where(visible_to(actor, Upload.workspace_id), Upload.id == upload_id)
    if not actor.is_system:
        statement = statement.where(Upload.user_id == actor.user_id)
    return session.scalar(statement)


def move_upload(
    session: Session, upload_id: UUID, before: int, received: int, size: int | None, expires_at: dt.datetime
) -> bool:
    """Write a new offset down; False if the upload went away or moved meanwhile."""
    statement = (
        update(Upload)
        .where(Upload.id == upload_id, Upload.received == before, Upload.media_id.is_(None))
        .values(received=received, size=size, expires_at=expires_at)
    )
    return session.connection().execute(statement).rowcount == 1


def settle_uploads(session: Session, upload_ids: Sequence[UUID], media_id: UUID | None, refused: str | None) -> None:
    session.execute(update(Upload).where(Upload.id.in_(upload_ids)).values(media_id=media_id, refused=refused))


def delete_upload(session: Session, upload_id: UUID) -> None:
    session.execute(delete(Upload).where(Upload.id == upload_id))


def expired_uploads(session: Session, moment: dt.datetime, limit: int) -> Sequence[Upload]:
    return session.scalars(select(Upload).where(Upload.expires_at < moment).limit(limit)).all()


def unfiled_uploads(session: Session, moment: dt.datetime, limit: int) -> Sequence[Upload]:
    """Uploads whose every byte is here and that became nothing yet."""
    unsettled = and_(Upload.media_id.is_(None), Upload.refused.is_(None))
    by_itself = Upload.told["concat"].as_string().is_distinct_from("partial")
    whole = and_(Upload.size.is_not(None), Upload.received == Upload.size, by_itself)
    return session.scalars(select(Upload).where(unsettled, whole, Upload.expires_at >= moment).limit(limit)).all()


def known_uploads(session: Session, upload_ids: Sequence[UUID]) -> set[UUID]:
    return set(session.scalars(select(Upload.id).where(Upload.id.in_(upload_ids))))


def delete_unused_waveforms(session: Session) -> int:
    """Remove the pictures of contents that no media has any more."""
    used = exists().where(Media.sha256 == Waveform.sha256)
    return session.connection().execute(delete(Waveform).where(~used)).rowcount


def replace_waveform(session: Session, sha256: str, version: int, levels: Sequence[dict[str, object]]) -> None:
    session.execute(delete(Waveform).where(Waveform.sha256 == sha256, Waveform.version <= version))
    if levels:
        session.execute(insert(Waveform), [{"sha256": sha256, "version": version, **level} for level in levels])


def waveform_levels(session: Session, sha256: str) -> Sequence[Waveform]:
    return session.scalars(select(Waveform).where(Waveform.sha256 == sha256).order_by(Waveform.version)).all()


def waveform_level(session: Session, sha256: str, points: int) -> Waveform | None:
    """The coarsest stored level with at least so many points, or the finest there is."""
    enough = Waveform.points >= points
    order = (Waveform.version.desc(), enough.desc(), Waveform.samples_per_point.desc())
    fine = session.scalar(select(Waveform).where(Waveform.sha256 == sha256).order_by(*order).limit(1))
    if fine is None or fine.points >= points:
        return fine
    finest = (Waveform.version.desc(), Waveform.samples_per_point)
    return session.scalar(select(Waveform).where(Waveform.sha256 == sha256).order_by(*finest).limit(1))


def stored_bytes(session: Session, subject_id: UUID, *, of_user: bool) -> int:
    """The bytes of what a user uploaded, or of the uploads in a workspace."""
    owner = Media.added_by if of_user else Media.workspace_id
    statement = select(func.coalesce(func.sum(Media.size), 0)).where(owner == subject_id, Media.stored.is_not(None))
    return int(session.scalar(statement) or 0)


def coming_bytes(session: Session, subject_id: UUID, *, of_user: bool) -> int:
    """The bytes that are here of resumable uploads which became nothing yet."""
    owner = Upload.user_id if of_user else Upload.workspace_id
    unsettled = and_(Upload.media_id.is_(None), Upload.refused.is_(None))
    return int(
        session.scalar(select(func.coalesce(func.sum(Upload.received), 0)).where(owner == subject_id, unsettled)) or 0
    )
