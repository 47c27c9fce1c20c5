"""Tracks put straight into the tables, with whatever a test wants to be wrong with them."""

from typing import Any
from uuid import UUID

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.ids import new_id
from otolith.library import queries
from otolith.library.catalogue.models import Album
from otolith.library.catalogue.versions import next_version
from otolith.library.folding import fold
from otolith.library.models import Track
from otolith.media import service as media
from otolith.media.service import FileFacts

WHOLE: dict[str, Any] = {
    "title": "Song",
    "artist": "Ann",
    "album": "Record",
    "genre": "Jazz",
    "date": "1999",
    "track_number": 1,
    "cover_key": "c" * 64,
    "tags": {"title": "Song"},
}


def add_album(context: Context, workspace: UUID, title: str, artist: str = "Ann") -> UUID:
    album = Album(
        id=new_id(),
        workspace_id=workspace,
        identity=str(new_id()),
        title=title,
        title_key=fold(title),
        artist=artist,
        artist_key=fold(artist),
    )
    with context.database.write(SYSTEM) as session:
        session.add(album)
    return album.id


def add_track(context: Context, workspace: UUID, *, file: dict[str, Any] | None = None, **columns: Any) -> UUID:
    """A track that nothing is wrong with, but for what `columns` and `file` (columns of its media) say."""
    return add_tracks(context, workspace, [columns | {"file": file or {}}])[0]


def add_tracks(context: Context, workspace: UUID, rows: list[dict[str, Any]]) -> list[UUID]:
    ids = []
    with context.database.write(SYSTEM) as session:
        version = next_version(session, workspace)
        for row in rows:
            columns = WHOLE | row
            about = columns.pop("file", {})
            path = about.pop("path", f"/music/{new_id()}.mp3".encode())
            stored = media.register_file(session, workspace, FileFacts(path, about.pop("size", 1_000_000), 1))
            for name, value in about.items():
                setattr(stored, name, value)
            keys = {"title_key": fold(columns["title"]), "artist_key": fold(columns["artist"])}
            state = columns.pop("state", "analysed")
            track = Track(
                id=new_id(), workspace_id=workspace, media_id=stored.id, state=state, version=version, **keys, **columns
            )
            session.add(track)
            ids.append(track.id)
    return ids


def add_analysis(context: Context, sha256: str, **columns: Any) -> None:
    usual: dict[str, Any] = {"engines": {}, "duration": 60.0, "beats": b"", "sound": {}, "notes": []}
    with context.database.write(SYSTEM) as session:
        queries.store_analysis(session, {"sha256": sha256, **usual, **columns})
