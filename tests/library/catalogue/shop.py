"""Tracks of files that never existed, filed straight into a catalogue."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from otolith.library.catalogue.filing import Filed, file_tracks, refile, remove_tracks
from otolith.library.models import Track
from otolith.media import service as media
from otolith.media.engine.tagging import MusicBrainz, Tags
from otolith.media.models import Media
from otolith.media.service import FileFacts


def tags(**said: Any) -> Tags:
    """Tags as a reader gives them: single names follow from the displayed ones, `mb` are MusicBrainz' identifiers."""
    said.setdefault("artists", (said["artist"],) if said.get("artist") else ())
    said.setdefault("album_artists", (said["album_artist"],) if said.get("album_artist") else ())
    ids = said.pop("mb", {})
    if "year" not in said:
        said["year"] = int(said["date"][:4]) if said.get("date") else None
    return Tags(musicbrainz=MusicBrainz(**ids), **said)


def put(session: Session, workspace: UUID, files: Mapping[str, Tags]) -> None:
    """File what lies at these paths, new or retagged, in the order given and as one batch."""
    facts = [FileFacts(path.encode(), 1, hash(str(said)) % 10**9, path) for path, said in files.items()]
    rows = media.register_files(session, workspace, facts)
    known = {row.media_id: row for row in session.scalars(select(Track).where(Track.workspace_id == workspace))}
    file_tracks(
        session,
        workspace,
        [
            Filed(known.get(row.id) or Track(workspace_id=workspace, media_id=row.id), said, row.name, row.path)
            for row, said in zip(rows, files.values(), strict=True)
        ],
    )


def ids_at(session: Session, workspace: UUID, paths: Sequence[str]) -> list[UUID]:
    wanted = [path.encode() for path in paths]
    found = select(Track.id).join(Media, Media.id == Track.media_id)
    return list(session.scalars(found.where(Media.workspace_id == workspace, Media.path.in_(wanted))))


def lose(session: Session, workspace: UUID, path: str, *, missing: bool = True) -> None:
    """Let a file be gone, or be back."""
    session.execute(
        update(Media).where(Media.workspace_id == workspace, Media.path == path.encode()).values(missing=missing)
    )
    refile(session, workspace, ids_at(session, workspace, [path]))


def forget(session: Session, workspace: UUID, path: str) -> None:
    ids = ids_at(session, workspace, [path])
    remove_tracks(session, workspace, ids)
