"""What the rest of the library may do with covers."""

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from otolith.core.actor import Actor
from otolith.core.context import Context
from otolith.core.errors import NotFound
from otolith.jobs.service import Run, submit
from otolith.library.covers import queries
from otolith.library.covers.answering import NoCover, answer, version_of
from otolith.library.covers.events import COVERS, FOLDERS, CoversPayload, FoldersPayload
from otolith.library.covers.placeholder import draw
from otolith.library.covers.queries import Pictured
from otolith.media.events import MediaAdded

__all__ = [
    "NoCover",
    "NothingToPicture",
    "Pictured",
    "answer",
    "draw",
    "on_media_added",
    "pictured_album",
    "pictured_artist",
    "pictured_track",
    "submit_again",
    "submit_covers",
    "submit_folders",
    "version_of",
]

_CHUNK: Final = 100


class NothingToPicture(NotFound):
    """There is no such album, artist or track, or you may not see it."""


def submit_covers(session: Session, run: Run, scan_id: UUID | None, track_ids: Sequence[UUID]) -> None:
    """Ask for the pictures of new and changed tracks, as jobs that `run` waits for; call it inside its step."""
    chunks = [
        CoversPayload(tracks=list(track_ids[start : start + _CHUNK]), scan_id=scan_id)
        for start in range(0, len(track_ids), _CHUNK)
    ]
    # What is yet to be stored comes first: pictures are looked at after it, as the phases of a scan say.
    run.children(session, COVERS, chunks, priority="low")


def submit_folders(session: Session, run: Run, scan_id: UUID | None, root: bytes) -> None:
    """Ask whether pictures beside known files changed, as a scan does once for its folder."""
    run.child(session, FOLDERS, FoldersPayload(root=root, scan_id=scan_id))


def submit_again(
    session: Session, workspace_id: UUID, user_id: UUID | None, track_ids: Collection[UUID], album_ids: Collection[UUID]
) -> None:
    """Ask for the pictures of tracks whose tags were changed here, and of the albums that they left."""
    if track_ids or album_ids:
        payload = CoversPayload(tracks=list(track_ids), albums=list(album_ids))
        submit(session, COVERS, payload, workspace=workspace_id, user=user_id)


def on_media_added(context: Context, session: Session, event: MediaAdded) -> None:
    """Look for the picture in an upload, once it became a track."""
    del context
    if "track" in event.made:
        submit_again(session, event.workspace_id, event.user_id, [event.made["track"]], [])


def pictured_album(session: Session, actor: Actor, album_id: UUID) -> Pictured:
    """What is shown of an album."""
    found = queries.album(session, actor, album_id)
    if found is None:
        raise NothingToPicture
    return found


def pictured_artist(session: Session, actor: Actor, artist_id: UUID) -> Pictured:
    """What is shown of an artist."""
    found = queries.artist(session, actor, artist_id)
    if found is None:
        raise NothingToPicture
    return found


def pictured_track(session: Session, actor: Actor, track_id: UUID) -> Pictured:
    """What is shown of a track: its own picture, or its album's."""
    found = queries.track(session, actor, track_id)
    if found is None:
        raise NothingToPicture
    return found
