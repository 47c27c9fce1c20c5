"""The tables of the folders that a workspace's library is made of, and of the disks that are mounted in them."""

import datetime as dt
from uuid import UUID

from sqlalchemy import Boolean, Float, ForeignKey, LargeBinary, Text, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from otolith.accounts.models import Workspace
from otolith.core.db import Base, UtcDateTime, now
from otolith.core.ids import new_id


class Root(Base):
    """A folder that is scanned into a workspace, now and again (`every` in hours) and, where `watched`, at once.

    `away` says since when the folder cannot be reached, as an unmounted share; nothing in it is marked missing then.
    `touched_at` is when something that changed in it was last taken in without a scan.
    """

    __tablename__ = "library_roots"
    __table_args__ = (UniqueConstraint("workspace_id", "path_digest"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    workspace_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey(Workspace.id, ondelete="CASCADE"))
    added_by: Mapped[UUID | None] = mapped_column(Uuid)
    path: Mapped[bytes] = mapped_column(LargeBinary)
    path_digest: Mapped[bytes] = mapped_column(LargeBinary)
    name: Mapped[str] = mapped_column(Text, default="")
    watched: Mapped[bool] = mapped_column(Boolean, default=True)
    every: Mapped[float | None] = mapped_column(Float)
    away_since: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    away_why: Mapped[str | None] = mapped_column(Text)
    scanned_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    touched_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    added_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)


class Mount(Base):
    """A folder on another device than the one that it lies in, as a disk or a share that is mounted there.

    Once it is empty and on the device of the other one, or is not there at all, its disk is away, and nothing in it is
    marked missing. `is_link` where a link leads to it.
    """

    __tablename__ = "library_mounts"

    workspace_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey(Workspace.id, ondelete="CASCADE"), primary_key=True)
    path_digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    path: Mapped[bytes] = mapped_column(LargeBinary)
    is_link: Mapped[bool] = mapped_column(Boolean, default=False)
