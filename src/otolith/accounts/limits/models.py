"""The tables of limits: counters of requests and of guesses, and the browsers that signed in before."""

import datetime as dt
from uuid import UUID

from sqlalchemy import ForeignKey, Integer, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from otolith.core.db import Base, UtcDateTime, now


class RateCounter(Base):
    """How often one caller asked within the present window; the key is a digest, so no address is kept."""

    __tablename__ = "rate_counters"

    key: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    count: Mapped[int] = mapped_column(Integer)
    expires_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, index=True)


class GuessCounter(Base):
    """How often a secret of one account was given wrongly, and when the next guess is looked at."""

    __tablename__ = "guess_counters"

    key: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    failures: Mapped[int] = mapped_column(Integer)
    not_before: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, index=True)


class KnownBrowser(Base):
    """That a browser signed in as a user before, so that a stranger's guesses do not slow it down."""

    __tablename__ = "known_browsers"

    secret_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, index=True)
