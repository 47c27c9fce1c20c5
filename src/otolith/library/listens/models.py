"""The table of plays and ratings, each person's own."""

import datetime as dt
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from otolith.accounts.models import User, Workspace
from otolith.core.db import Base, UtcDateTime
from otolith.library.models import Track


class Listening(Base):
    """What one user makes of one track: how often it was played, and a rating from 1 to 5."""

    __tablename__ = "listenings"
    __table_args__ = (
        CheckConstraint("rating BETWEEN 1 AND 5", name="rating"),
        Index(None, "track_id"),
        Index(None, "workspace_id", "user_id", "played_at"),
    )

    user_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey(User.id, ondelete="CASCADE"), primary_key=True)
    track_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey(Track.id, ondelete="CASCADE"), primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey(Workspace.id, ondelete="CASCADE"))
    plays: Mapped[int] = mapped_column(Integer, default=0)
    rating: Mapped[int | None] = mapped_column(Integer)
    played_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    rated_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
