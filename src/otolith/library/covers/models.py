"""The table of pictures, by content, so that a picture in a thousand files is kept once."""

import datetime as dt

from sqlalchemy import BigInteger, CheckConstraint, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from otolith.core.db import Base, UtcDateTime, now


class Cover(Base):
    """One picture whose thumbnails are kept, or that could not be used and why (`error`).

    It belongs to no workspace and is reached only from a track or album that the caller may see. `key` is the
    SHA-256 of the original; `sizes` lists the edges in pixels of the thumbnails, with commas between; `colour` is
    the mean colour as ``#rrggbb``, shown until the picture is there.
    """

    __tablename__ = "covers"
    __table_args__ = (CheckConstraint("(sizes = '') = (error IS NOT NULL)", name="sizes_or_error"),)

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    mime: Mapped[str] = mapped_column(String(40))
    size: Mapped[int] = mapped_column(BigInteger)
    width: Mapped[int | None] = mapped_column(Integer)
    height: Mapped[int | None] = mapped_column(Integer)
    sizes: Mapped[str] = mapped_column(String(80), default="")
    colour: Mapped[str | None] = mapped_column(String(7))
    error: Mapped[str | None] = mapped_column(Text)
    made_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)
