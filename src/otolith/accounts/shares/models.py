"""The table of links that show one item to whoever holds them."""

import datetime as dt
from typing import Literal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from otolith.core.db import Base, UtcDateTime, now
from otolith.core.ids import new_id

ShareKind = Literal["track"]


class Share(Base):
    """A link to one item of a workspace; its secret is shown once, and known here only by its SHA-256.

    What `item_id` names lies in a slice above, so nothing refers to it; a link to what is gone shows nothing.
    """

    __tablename__ = "shares"
    __table_args__ = (CheckConstraint("kind IN ('track')", name="kind"), Index(None, "workspace_id", "id"))

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    kind: Mapped[ShareKind] = mapped_column(String(16))
    item_id: Mapped[UUID] = mapped_column(Uuid)
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    note: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime, default=None)
    used_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime, default=None)
    revoked_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime, default=None)
