"""Libraries to search: tracks with all that hangs on them, put straight into the tables."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.ids import new_id
from otolith.library.catalogue.links import Credit, Lyrics, TrackTerm
from otolith.library.catalogue.models import Album, Artist, Term
from otolith.library.catalogue.versions import next_version
from otolith.library.folding import fold
from otolith.library.models import Analysis, Track
from otolith.media import service as media
from otolith.media.service import FileFacts


@dataclass(frozen=True)
class Song:
    """A track to be put in; `analysis` and `media` are columns of those tables."""

    title: str
    artist: str = ""
    album: str = ""
    genres: Sequence[str] = ()
    composers: Sequence[str] = ()
    lyrics: str = ""
    columns: dict[str, Any] = field(default_factory=dict)
    analysis: dict[str, Any] = field(default_factory=dict)
    media: dict[str, Any] = field(default_factory=dict)


@dataclass
class Shelf:
    """One workspace's library, to which songs are added as a scan would."""

    context: Context
    workspace: UUID

    def add(self, *songs: Song | str) -> list[UUID]:
        with self.context.database.write(SYSTEM) as session:
            version = next_version(session, self.workspace)
            return [self._add(session, song if isinstance(song, Song) else Song(song), version) for song in songs]

    def _add(self, session: Session, song: Song, version: int) -> UUID:
        row = media.register_file(session, self.workspace, FileFacts(f"/music/{new_id()}.flac".encode(), 1, 1))
        row.sha256 = new_id().hex * 2
        for name, value in ({"codec": "flac", "container": "FLAC", "lossless": True} | song.media).items():
            setattr(row, name, value)
        track = Track(
            id=new_id(),
            workspace_id=self.workspace,
            media_id=row.id,
            title=song.title,
            title_key=fold(song.title),
            artist=song.artist,
            artist_key=fold(song.artist),
            album=song.album,
            album_id=self._album(session, song, version),
            version=version,
            **song.columns,
        )
        session.add(track)
        session.flush()
        if song.analysis:
            values = {"engines": {}, "duration": 180.0, "beats": b"", "sound": {}, "notes": []} | song.analysis
            session.add(Analysis(sha256=row.sha256, **values))
        for role, names in (("artist", [song.artist] if song.artist else []), ("composer", song.composers)):
            for position, name in enumerate(names):
                artist = self._artist(session, name)
                session.add(
                    Credit(
                        track_id=track.id,
                        role=role,
                        position=position,
                        workspace_id=self.workspace,
                        artist_id=artist,
                        name=name,
                        name_key=fold(name),
                    )
                )
        for position, name in enumerate(song.genres):
            term = self._term(session, name)
            session.add(
                TrackTerm(track_id=track.id, term_id=term, workspace_id=self.workspace, position=position, name=name)
            )
        if song.lyrics:
            session.add(
                Lyrics(
                    track_id=track.id, workspace_id=self.workspace, source="embedded", synced=False, text=song.lyrics
                )
            )
        session.flush()
        return track.id

    def _artist(self, session: Session, name: str) -> UUID:
        identity = f"n:{fold(name)}"
        found = session.query(Artist).filter_by(workspace_id=self.workspace, identity=identity).one_or_none()
        if found is None:
            found = Artist(
                id=new_id(),
                workspace_id=self.workspace,
                identity=identity,
                name=name,
                name_key=fold(name),
                sort_key=fold(name),
            )
            session.add(found)
            session.flush()
        return found.id

    def _album(self, session: Session, song: Song, version: int) -> UUID | None:
        if not song.album:
            return None
        identity = f"{fold(song.album)[:20]}|{fold(song.artist)[:20]}"
        found = session.query(Album).filter_by(workspace_id=self.workspace, identity=identity).one_or_none()
        if found is None:
            found = Album(
                id=new_id(),
                workspace_id=self.workspace,
                identity=identity,
                title=song.album,
                title_key=fold(song.album),
                artist=song.artist,
                artist_key=fold(song.artist),
                version=version,
            )
            session.add(found)
            session.flush()
        return found.id

    def _term(self, session: Session, name: str) -> UUID:
        found = (
            session.query(Term).filter_by(workspace_id=self.workspace, kind="genre", name_key=fold(name)).one_or_none()
        )
        if found is None:
            found = Term(id=new_id(), workspace_id=self.workspace, kind="genre", name=name, name_key=fold(name))
            session.add(found)
            session.flush()
        return found.id

    def change(self, track_id: UUID, **columns: Any) -> None:
        """Change columns of a track as an edit would."""
        with self.context.database.write(SYSTEM) as session:
            version = next_version(session, self.workspace)
            track = session.get_one(Track, track_id)
            for name, value in (columns | {"version": version}).items():
                setattr(track, name, value)


ShelfOf = Callable[[UUID], Shelf]


@pytest.fixture
def shelf_of(context: Context) -> ShelfOf:
    return lambda workspace: Shelf(context, workspace)


def moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)
