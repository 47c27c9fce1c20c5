"""The tables of the audit: its entries, which nothing changes, and the end of their chain."""

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, Index, Integer, LargeBinary, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from otolith.core.db import Base, UtcDateTime


class AuditEntry(Base):
    """One thing that was done. It refers to nothing by a foreign key, so that it outlives what it tells of.

    `hash` is the SHA-256 of the entry before and of everything in this one.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index(None, "workspace_id", "seq"),
        Index(None, "user_id", "seq"),
        Index(None, "action", "seq"),
        Index(None, "object_id", "seq"),
    )

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime, index=True)
    action: Mapped[str] = mapped_column(String(60))
    actor: Mapped[str] = mapped_column(String(16))
    user_id: Mapped[UUID | None] = mapped_column(Uuid)
    user_name: Mapped[str] = mapped_column(String(100))
    session_id: Mapped[UUID | None] = mapped_column(Uuid)
    token_id: Mapped[UUID | None] = mapped_column(Uuid)
    address: Mapped[str] = mapped_column(String(64))
    request_id: Mapped[str] = mapped_column(String(64))
    workspace_id: Mapped[UUID | None] = mapped_column(Uuid)
    object_type: Mapped[str] = mapped_column(String(40))
    object_id: Mapped[str] = mapped_column(String(100))
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    after: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))


class AuditChain(Base):
    """The one row that knows the last entry, and up to which one the retention removed them.

    It is the lock under which entries follow one another; without it, the removal of the newest would not show.
    """

    __tablename__ = "audit_chain"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    pruned_seq: Mapped[int] = mapped_column(BigInteger)
    pruned_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    pruned_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime, default=None)
