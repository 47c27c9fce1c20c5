"""The tables of the map and of text embeddings."""

import datetime as dt
from uuid import UUID

from sqlalchemy import BigInteger, Float, ForeignKey, Index, Integer, LargeBinary, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from otolith.accounts.models import Workspace
from otolith.core.db import Base, UtcDateTime, now
from otolith.library.models import Track


class Place(Base):
    """Where a track lies on the map of its workspace; both coordinates from -1 to 1."""

    __tablename__ = "map_places"
    __table_args__ = (Index(None, "workspace_id", "drawn_at"),)

    track_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey(Track.id, ondelete="CASCADE"), primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey(Workspace.id, ondelete="CASCADE"))
    x: Mapped[float] = mapped_column(Float)
    y: Mapped[float] = mapped_column(Float)
    drawn_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)


class TextVector(Base):
    """The embedding of one text by one model, kept by content so that the same text is never sent twice.

    It belongs to no workspace and is reached only through a `TrackText`. `vector` is little-endian float16.
    """

    __tablename__ = "text_vectors"

    text_digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    model: Mapped[str] = mapped_column(String(120), primary_key=True)
    dimensions: Mapped[int] = mapped_column(Integer)
    vector: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)


class TrackText(Base):
    """Which text stands for a track in searches by meaning, and the track's version when it was described so."""

    __tablename__ = "track_texts"
    __table_args__ = (Index(None, "workspace_id", "model", "kept_at"), Index(None, "text_digest"))

    track_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey(Track.id, ondelete="CASCADE"), primary_key=True)
    model: Mapped[str] = mapped_column(String(120), primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey(Workspace.id, ondelete="CASCADE"))
    text_digest: Mapped[str] = mapped_column(String(64))
    version: Mapped[int] = mapped_column(BigInteger)
    kept_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)
