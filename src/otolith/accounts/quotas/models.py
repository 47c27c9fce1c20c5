"""The tables of quotas: what was set for one user or workspace, and what was used in each hour."""

import datetime as dt
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from otolith.core.db import Base, UtcDateTime


class Quota(Base):
    """What one user or workspace may use of one kind; the row is the lock under which uses are counted.

    `amount` is null where the settings decide and -1 where there is no bound; uses before `reset_at` do not count.
    """

    __tablename__ = "quotas"
    __table_args__ = (CheckConstraint("subject_kind IN ('user', 'workspace')", name="subject_kind"),)

    subject_kind: Mapped[str] = mapped_column(String(10), primary_key=True)
    subject_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    kind: Mapped[str] = mapped_column(String(40), primary_key=True)
    amount: Mapped[int | None] = mapped_column(BigInteger, default=None)
    reset_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime, default=None)


class QuotaUse(Base):
    """What was used within one hour, of kinds that come back with time."""

    __tablename__ = "quota_uses"

    subject_kind: Mapped[str] = mapped_column(String(10), primary_key=True)
    subject_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    kind: Mapped[str] = mapped_column(String(40), primary_key=True)
    hour: Mapped[dt.datetime] = mapped_column(UtcDateTime, primary_key=True, index=True)
    amount: Mapped[int] = mapped_column(BigInteger)
