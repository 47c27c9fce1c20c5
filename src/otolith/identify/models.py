"""The tables of acoustic fingerprints, by content."""

import datetime as dt

from sqlalchemy import Float, Integer, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from otolith.core.db import Base, UtcDateTime, now


class Fingerprint(Base):
    """The Chromaprint of one content, whoever holds a copy of it.

    It belongs to no workspace and is reached only from a media row that the caller may see. `text` is the compressed
    form of the first 120 seconds that AcoustID takes, or NULL where too little was heard; `full` covers the whole
    recording, one little-endian uint32 every 123.8 ms.
    """

    __tablename__ = "fingerprints"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    duration: Mapped[float] = mapped_column(Float)
    text: Mapped[str | None] = mapped_column(Text)
    full: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)


class FingerprintSketch(Base):
    """A small sample of a fingerprint, by which those worth comparing are found without reading them all.

    As the fingerprint, it belongs to no workspace. `seconds` is the length of the recording; `sketch` is what
    `otolith.identify.engine.sketch` packs.
    """

    __tablename__ = "fingerprint_sketches"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    seconds: Mapped[float] = mapped_column(Float)
    sketch: Mapped[bytes] = mapped_column(LargeBinary)
