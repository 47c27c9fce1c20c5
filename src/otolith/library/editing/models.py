"""The table of what people changed about tags, so that it can be written to the files and undone."""

import datetime as dt
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from otolith.accounts.models import Workspace
from otolith.core.db import Base, UtcDateTime, now
from otolith.core.ids import new_id
from otolith.library.models import Track

EditState = Literal["kept", "writing", "written", "failed", "undone"]


class TagEdit(Base):
    """One change of one track's tags, made together with others as one `batch_id`.

    `before` and `after` map the names of fields, as `write_tags` knows them, to lists of text, only those that changed.
    An edit is kept in the library until it is written to the file; undoing brings `before` back, in the library or in
    the file.
    """

    __tablename__ = "tag_edits"
    __table_args__ = (
        CheckConstraint("state IN ('kept', 'writing', 'written', 'failed', 'undone')", name="state"),
        Index(None, "workspace_id", "id"),
        Index(None, "track_id", "id"),
        Index(None, "batch_id"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    batch_id: Mapped[UUID] = mapped_column(Uuid)
    workspace_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey(Workspace.id, ondelete="CASCADE"))
    track_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey(Track.id, ondelete="CASCADE"))
    user_id: Mapped[UUID | None] = mapped_column(Uuid)
    before: Mapped[dict[str, Any]] = mapped_column(JSON)
    after: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[EditState] = mapped_column(Text, default="kept")
    error: Mapped[str | None] = mapped_column(Text)
    made_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)
    settled_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
