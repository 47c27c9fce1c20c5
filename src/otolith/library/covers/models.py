"""The tables of pictures: by content, so that one in a thousand files is kept once, and by folder."""

import datetime as dt
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, LargeBinary, String, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from otolith.accounts.models import Workspace
from otolith.core.db import Base, UtcDateTime, now


class Cover(Base):
    """One picture whose thumbnails are kept, or that could not be used and why (`error`).

    It belongs to no workspace and is reached only from a track or album that the caller may see. `key` is the
    SHA-256 of the original. All thumbnails lie one behind the other in one file of the storage, `stored`; `sizes`
    lists them as ``edge:bytes`` with commas between, the edge in pixels. `colour` is the mean colour as ``#rrggbb``,
    shown until the picture is there.
    """

    __tablename__ = "covers"
    __table_args__ = (
        CheckConstraint("(sizes = '') = (error IS NOT NULL)", name="sizes_or_error"),
        CheckConstraint("(sizes = '') = (stored IS NULL)", name="sizes_stored"),
    )

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    mime: Mapped[str] = mapped_column(String(40))
    size: Mapped[int] = mapped_column(BigInteger)
    width: Mapped[int | None] = mapped_column(Integer)
    height: Mapped[int | None] = mapped_column(Integer)
    stored: Mapped[str | None] = mapped_column(String(255))
    sizes: Mapped[str] = mapped_column(String(80), default="")
    colour: Mapped[str | None] = mapped_column(String(7))
    error: Mapped[str | None] = mapped_column(Text)
    made_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)


class FolderPicture(Base):
    """The picture that lies in a folder beside the sound; `key` names its `Cover`, None where there is no usable one.

    `artist_key` names that of the artist whose folder it is.

    `listing` tells the names, sizes and times of all pictures that were there to choose from, so that a folder is
    looked into again only when they change; `scan_id` is the scan that looked last.
    """

    __tablename__ = "folder_pictures"
    __table_args__ = (Index(None, "key"), Index(None, "artist_key"))

    workspace_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey(Workspace.id, ondelete="CASCADE"), primary_key=True)
    folder_digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    folder: Mapped[bytes] = mapped_column(LargeBinary)
    listing: Mapped[str] = mapped_column(String(64))
    key: Mapped[str | None] = mapped_column(String(64))
    artist_key: Mapped[str | None] = mapped_column(String(64))
    scan_id: Mapped[UUID | None] = mapped_column(Uuid)
