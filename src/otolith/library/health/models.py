"""The tables of the comparison of recordings: which contents were compared, and which hold the same recording."""

import datetime as dt
from typing import Literal
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Float, ForeignKey, Index, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from otolith.accounts.models import Workspace
from otolith.core.db import Base, UtcDateTime, now

Relation = Literal["copy", "master"]


class ComparedContent(Base):
    """That a content of a workspace was compared with all the others in it.

    `recording` names the group of contents that hold the same recording: the least of their hashes, or NULL for one
    that stands alone.
    """

    __tablename__ = "compared_contents"
    __table_args__ = (Index(None, "workspace_id", "recording"),)

    workspace_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey(Workspace.id, ondelete="CASCADE"), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    recording: Mapped[str | None] = mapped_column(String(64))


class SameRecording(Base):
    """Two contents of a workspace that hold the same recording; `first` is the lesser hash.

    `relation` tells a copy of the same sound from another master of it. `error` is the share of differing bits of
    their fingerprints, `shift` how many seconds later the recording begins in the first than in the second.
    """

    __tablename__ = "same_recordings"
    __table_args__ = (
        CheckConstraint("relation IN ('copy', 'master')", name="relation"),
        Index(None, "workspace_id", "second"),
        Index(None, "workspace_id", "relation"),
    )

    workspace_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey(Workspace.id, ondelete="CASCADE"), primary_key=True)
    first: Mapped[str] = mapped_column(String(64), primary_key=True)
    second: Mapped[str] = mapped_column(String(64), primary_key=True)
    relation: Mapped[Relation] = mapped_column(String(8))
    error: Mapped[float] = mapped_column(Float)
    shift: Mapped[float] = mapped_column(Float)


class Comparison(Base):
    """How far the comparison of a workspace's recordings has followed its catalogue."""

    __tablename__ = "comparisons"

    workspace_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey(Workspace.id, ondelete="CASCADE"), primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger, default=0)
    compared_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)
