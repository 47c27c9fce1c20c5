"""The tables of stored sound: media, the contents they share, uploads on their way in, and waveforms."""

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    Uuid,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from otolith.accounts.models import Workspace
from otolith.core.db import Base, UtcDateTime, now
from otolith.core.ids import new_id


class Media(Base):
    """One sound file of one workspace: uploaded (`stored`), or one that stays where it is (`path`).

    `sha256` is unknown for a library file until it was read whole; `path` is bytes because file names need not be
    valid text, and `path_digest` (SHA-256) is what makes it unique, because a path is longer than an index takes.
    `size` and `mtime_ns` are those of the moment the file was last looked at.
    """

    __tablename__ = "media"
    __table_args__ = (
        CheckConstraint("(path IS NULL) <> (stored IS NULL)", name="one_place"),
        CheckConstraint("(path IS NULL) = (path_digest IS NULL)", name="path_digest"),
        UniqueConstraint("workspace_id", "path_digest"),
        # The same upload twice in one workspace is one media; library files may well be copies of each other.
        Index(
            "ux_media_upload",
            "workspace_id",
            "sha256",
            unique=True,
            sqlite_where=text("stored IS NOT NULL"),
            postgresql_where=text("stored IS NOT NULL"),
        ),
        Index(None, "workspace_id", "id"),
        Index(None, "workspace_id", "quick_key"),
        Index(None, "sha256"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    workspace_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey(Workspace.id, ondelete="CASCADE"))
    added_by: Mapped[UUID | None] = mapped_column(Uuid)
    added_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)
    name: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str | None] = mapped_column(String(64))
    quick_key: Mapped[str | None] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(BigInteger)
    mtime_ns: Mapped[int | None] = mapped_column(BigInteger)
    path: Mapped[bytes | None] = mapped_column(LargeBinary)
    path_digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    stored: Mapped[str | None] = mapped_column(String(255))
    missing: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    container: Mapped[str | None] = mapped_column(String(40))
    codec: Mapped[str | None] = mapped_column(String(40))
    mime: Mapped[str | None] = mapped_column(String(80))
    sample_rate: Mapped[int | None] = mapped_column(Integer)
    channels: Mapped[int | None] = mapped_column(Integer)
    bits: Mapped[int | None] = mapped_column(Integer)
    bit_rate: Mapped[int | None] = mapped_column(BigInteger)
    duration: Mapped[float | None] = mapped_column(Float)
    lossless: Mapped[bool | None] = mapped_column(Boolean)


class StoredContent(Base):
    """One file in the storage, which uploads of several workspaces may share.

    The row is the lock under which a file is put in place or taken away, so that an upload never keeps a row
    whose file another transaction is removing.
    """

    __tablename__ = "stored_contents"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    stored: Mapped[str] = mapped_column(String(255))
    size: Mapped[int] = mapped_column(BigInteger)
    added_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)


class Upload(Base):
    """A resumable upload (tus); `received` counts the bytes that are durable, and nothing beyond them is kept."""

    __tablename__ = "uploads"
    __table_args__ = (Index(None, "workspace_id"), Index(None, "expires_at"))

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    workspace_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey(Workspace.id, ondelete="CASCADE"))
    user_id: Mapped[UUID | None] = mapped_column(Uuid)
    name: Mapped[str] = mapped_column(Text, default="")
    told: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    size: Mapped[int | None] = mapped_column(BigInteger)
    received: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    media_id: Mapped[UUID | None] = mapped_column(Uuid, ForeignKey(Media.id, ondelete="SET NULL"))
    refused: Mapped[str | None] = mapped_column(Text)


class Waveform(Base):
    """One resolution of the picture of a recording, by content, so that copies share it.

    It belongs to no workspace and is reached only from a media row that the caller may see. `peaks` holds int8
    pairs (lowest, highest) and `rms` uint8, one a point, each deflated by zlib; `rate` in Hz, `duration` in seconds.
    """

    __tablename__ = "waveforms"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    samples_per_point: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    points: Mapped[int] = mapped_column(Integer)
    rate: Mapped[int] = mapped_column(Integer)
    duration: Mapped[float] = mapped_column(Float)
    peaks: Mapped[bytes] = mapped_column(LargeBinary)
    rms: Mapped[bytes] = mapped_column(LargeBinary)
