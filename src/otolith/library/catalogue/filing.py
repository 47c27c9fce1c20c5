"""Filing: what files say becomes tracks, artists, albums, genres and lyrics, the same in whatever order they come."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, undefer

from otolith.library.catalogue.describing import describe
from otolith.library.catalogue.models import Departure
from otolith.library.catalogue.versions import next_version
from otolith.library.models import Track
from otolith.media.engine.tagging import Tags


@dataclass(frozen=True, slots=True)
class Filed:
    """A track with what its file says: `name` is the file's name, `path` its place, where it is a library file.

    `lyrics_file` is the text of the ``.lrc`` file beside it. A new track needs no more than its workspace and media,
    and need not be added to the session yet.
    """

    track: Track
    tags: Tags
    name: str
    path: bytes | None = None
    lyrics_file: str | None = None


def file_tracks(session: Session, workspace_id: UUID, filed: Sequence[Filed]) -> None:
    """Put tracks in their places in the catalogue, by what their files say and what people changed about it."""
    if not filed:
        return
    version = next_version(session, workspace_id)
    for one in filed:
        described = describe(one.tags, one.name)
        for name, value in described.columns.items():
            setattr(one.track, name, value)
        one.track.tags = one.tags.as_stored()
        one.track.version = version
        session.add(one.track)
    session.flush()


def refile(session: Session, workspace_id: UUID, track_ids: Collection[UUID]) -> None:
    """File tracks again, by their stored tags and edits: after an edit, or when they went missing or came back."""
    version = next_version(session, workspace_id)
    found = session.scalars(
        select(Track).where(Track.id.in_(list(track_ids))).options(undefer(Track.tags), undefer(Track.edits))
    )
    for track in found:
        track.version = version
    session.flush()


def remove_tracks(session: Session, workspace_id: UUID, track_ids: Collection[UUID]) -> None:
    """Remove tracks for good, and tell followers so. Their media rows are the caller's to keep or delete."""
    version = next_version(session, workspace_id)
    ids = list(track_ids)
    session.execute(delete(Track).where(Track.id.in_(ids)))
    session.add_all(Departure(track_id=one, workspace_id=workspace_id, version=version) for one in ids)
    session.flush()
