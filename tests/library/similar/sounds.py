"""Tracks with made-up sounds, straight in the tables."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import update

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.ids import new_id
from otolith.library.catalogue.models import Album
from otolith.library.catalogue.versions import next_version
from otolith.library.engine.embedding import DIMENSIONS, PALETTE, pack
from otolith.library.folding import fold
from otolith.library.models import Analysis, Track
from otolith.media.models import Media

AXES = np.eye(DIMENSIONS, dtype=np.float32)


@dataclass(frozen=True)
class Made:
    """A track to make: how it sounds, as weights of the axes, and what its tags and analysis say."""

    title: str
    sound: Sequence[float] | NDArray[np.float32] | None
    artist: str = "Ann"
    album: str = ""
    missing: bool = False
    heard: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, Any] = field(default_factory=dict)


def unit(weights: Sequence[float] | NDArray[np.float32]) -> NDArray[np.float32]:
    """The vector of unit length with these weights; few are put on the first axes of both halves, which then agree."""
    few = np.zeros(PALETTE, np.float32)
    few[: len(weights)] = weights[:PALETTE]
    vector = np.asarray(weights, np.float32) if len(weights) == DIMENSIONS else np.concatenate([few, few])
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def add(context: Context, workspace: UUID, *tracks: Made) -> list[UUID]:
    """Put tracks into a workspace; their ids, in their order."""
    albums: dict[str, UUID] = {}
    ids = []
    with context.database.write(SYSTEM) as session:
        version = next_version(session, workspace)
        for name in sorted({made.album for made in tracks if made.album}):
            album = Album(id=new_id(), workspace_id=workspace, identity=new_id().hex, title=name, title_key=fold(name))
            session.add(album)
            albums[name] = album.id
        session.flush()
        for made in tracks:
            sha256 = new_id().hex * 2
            path = f"/music/{sha256}.mp3".encode()
            media = Media(
                id=new_id(),
                workspace_id=workspace,
                name=f"{made.title}.mp3",
                path=path,
                path_digest=sha256[:32].encode(),
                size=1,
                sha256=sha256,
                missing=made.missing,
            )
            track = Track(
                id=new_id(),
                workspace_id=workspace,
                media_id=media.id,
                title=made.title,
                title_key=fold(made.title),
                artist=made.artist,
                artist_key=fold(made.artist),
                album=made.album,
                album_id=albums.get(made.album),
                state="waiting" if made.sound is None else "analysed",
                version=version,
                **made.tags,
            )
            session.add(media)
            session.flush()
            session.add(track)
            if made.sound is not None:
                session.add(_analysis(sha256, made))
            ids.append(track.id)
    return ids


def _analysis(sha256: str, made: Made) -> Analysis:
    assert made.sound is not None
    sound = unit(made.sound)
    columns: dict[str, Any] = {"duration": 180.0, "beats": b"", "sound": {}, "engines": {}, "notes": []}
    return Analysis(sha256=sha256, embedding=pack(sound), **(columns | made.heard))


def change(context: Context, workspace: UUID, track: UUID, **columns: Any) -> None:
    """Change a track as every part of the library does: under the next version of its catalogue."""
    with context.database.write(SYSTEM) as session:
        version = next_version(session, workspace)
        session.execute(update(Track).where(Track.id == track).values(version=version, **columns))
