"""What the rest of the library may do with covers."""

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from otolith.jobs.service import Run, submit
from otolith.library.covers.events import COVERS, FOLDERS, CoversPayload, FoldersPayload

_CHUNK: Final = 100


def submit_covers(session: Session, run: Run, scan_id: UUID | None, track_ids: Sequence[UUID]) -> None:
    """Ask for the pictures of new and changed tracks, as jobs that `run` waits for; call it inside its step."""
    chunks = [
        CoversPayload(tracks=list(track_ids[start : start + _CHUNK]), scan_id=scan_id)
        for start in range(0, len(track_ids), _CHUNK)
    ]
    run.children(session, COVERS, chunks)


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
