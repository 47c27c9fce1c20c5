"""The statements about missing tracks, and what goes with them."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from otolith.library.listens.models import Listening
from otolith.library.models import Track
from otolith.media.models import Media


def _is_missing(workspace_id: UUID) -> tuple[ColumnElement[bool], ...]:
    # Only files of folders can go missing; what was uploaded is kept by Otolith itself.
    return Track.workspace_id == workspace_id, Media.missing.is_(True), Media.path.is_not(None)


def count_missing(session: Session, workspace_id: UUID) -> int:
    statement = select(func.count()).select_from(Track).join(Media, Media.id == Track.media_id)
    return session.scalar(statement.where(*_is_missing(workspace_id))) or 0


def missing_tracks(session: Session, workspace_id: UUID, limit: int) -> Sequence[tuple[UUID, UUID]]:
    """Some of the missing tracks, with their media, the oldest first."""
    statement = select(Track.id, Media.id).join(Media, Media.id == Track.media_id).where(*_is_missing(workspace_id))
    return [(row[0], row[1]) for row in session.execute(statement.order_by(Track.id).limit(limit))]


def losses(session: Session, workspace_id: UUID, track_ids: Collection[UUID] | None) -> dict[str, int]:
    """The plays and ratings of these tracks, or of all missing ones, and of how many people they are."""
    sums = (
        func.coalesce(func.sum(Listening.plays), 0),
        func.count(Listening.rating),
        func.count(Listening.user_id.distinct()),
    )
    statement = (
        select(*sums)
        .select_from(Listening)
        .join(Track, Track.id == Listening.track_id)
        .join(Media, Media.id == Track.media_id)
        .where(*_is_missing(workspace_id))
    )
    if track_ids is not None:
        statement = statement.where(Listening.track_id.in_(list(track_ids)))
    plays, ratings, people = session.execute(statement).one()
    return {"plays": int(plays), "ratings": int(ratings), "people": int(people)}


def delete_media(session: Session, media_ids: Collection[UUID]) -> None:
    session.execute(delete(Media).where(Media.id.in_(list(media_ids)), Media.missing.is_(True)))
