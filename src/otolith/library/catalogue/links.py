"""The tables that join tracks to the catalogue: credits, genres and moods, and lyrics."""

from typing import Literal
from uuid import UUID

from sqlalchemy import Boolean, ForeignKey, Index, Integer, String, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from otolith.accounts.models import Workspace
from otolith.core.db import Base
from otolith.library.catalogue.models import KEY_LIMIT, Album, Artist, Term
from otolith.library.models import Track

Role = Literal["artist", "album_artist", "composer", "lyricist", "conductor", "performer", "remixer", "producer"]


class Credit(Base):
    """That an artist has a part in a track: the name as the file tells it, and whom it was taken to mean."""

    __tablename__ = "credits"
    __table_args__ = (
        Index(None, "artist_id", "role"),
        Index(None, "workspace_id", "name_key"),
    )

    track_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey(Track.id, ondelete="CASCADE"), primary_key=True)
    role: Mapped[Role] = mapped_column(String(16), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    workspace_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey(Workspace.id, ondelete="CASCADE"))
    artist_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey(Artist.id, ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(Text)
    name_key: Mapped[str] = mapped_column(String(KEY_LIMIT))
    sort_name: Mapped[str] = mapped_column(Text, default="")
    mbid: Mapped[str | None] = mapped_column(String(36))


class AlbumCredit(Base):
    """An artist whose album it is; several where the files name several."""

    __tablename__ = "album_credits"
    __table_args__ = (Index(None, "artist_id"),)

    album_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey(Album.id, ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    workspace_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey(Workspace.id, ondelete="CASCADE"))
    artist_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey(Artist.id, ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(Text)


class TrackTerm(Base):
    """A genre or mood of a track, as the file writes it and in its order."""

    __tablename__ = "track_terms"
    __table_args__ = (Index(None, "term_id", "track_id"),)

    track_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey(Track.id, ondelete="CASCADE"), primary_key=True)
    term_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey(Term.id, ondelete="CASCADE"), primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey(Workspace.id, ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(Text)


class Lyrics(Base):
    """The words of a track, embedded or from the file beside it; LRC lines with times where `synced`."""

    __tablename__ = "lyrics"

    track_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey(Track.id, ondelete="CASCADE"), primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey(Workspace.id, ondelete="CASCADE"), index=True)
    source: Mapped[Literal["embedded", "file"]] = mapped_column(String(8))
    synced: Mapped[bool] = mapped_column(Boolean)
    text: Mapped[str] = mapped_column(Text)
