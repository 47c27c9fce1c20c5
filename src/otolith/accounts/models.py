"""The tables of people and tenants: users, sessions, API tokens, workspaces and their members."""

import datetime as dt
from typing import Literal, get_args
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Uuid,
    false,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column

from otolith.core.actor import ServerRole, WorkspaceRole
from otolith.core.db import Base, UtcDateTime, now
from otolith.core.ids import new_id

LinkKind = Literal["invitation", "registration", "reset", "address", "code"]
LINK_KINDS: tuple[LinkKind, ...] = get_args(LinkKind)


class User(Base):
    """A person who may sign in; ids are never used again, so that nothing is inherited by a namesake."""

    __tablename__ = "users"
    __table_args__ = (CheckConstraint("role IN ('admin', 'user', 'readonly')", name="role"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(100))
    # Upper and lower case and look-alike forms are folded in Python, because the two databases fold differently.
    name_key: Mapped[str] = mapped_column(String(100), unique=True)
    email: Mapped[str | None] = mapped_column(String(320), default=None)
    email_key: Mapped[str | None] = mapped_column(String(320), unique=True, default=None)
    display_name: Mapped[str] = mapped_column(String(200), default="")
    role: Mapped[ServerRole] = mapped_column(String(16), default="user")
    active: Mapped[bool] = mapped_column(Boolean, default=True, server_default=true())
    password_hash: Mapped[str | None] = mapped_column(String(255), default=None)
    # The hash of the password that the settings last gave, which tells a rotated setting from an old one.
    seeded_hash: Mapped[str | None] = mapped_column(String(255), default=None)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)
    signed_in_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime, default=None)
    # The features granted by name; null: those that the role brings.
    features: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True), default=None)


class Workspace(Base):
    """A tenant: who owns data."""

    __tablename__ = "workspaces"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(200))
    # Set on the workspace of the first start alone, so that it can be found whatever it is called by now.
    is_home: Mapped[bool | None] = mapped_column(Boolean, unique=True, default=None)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)


class Membership(Base):
    """That a user belongs to a workspace, and what they may do there."""

    __tablename__ = "memberships"
    __table_args__ = (CheckConstraint("role IN ('owner', 'editor', 'viewer')", name="role"),)

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True)
    role: Mapped[WorkspaceRole] = mapped_column(String(16))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)


class UserSession(Base):
    """A browser that signed in; what its cookies hold is known here only by its SHA-256.

    The row stays while both secrets are renewed, so a device keeps one id from signing in to signing out.
    """

    __tablename__ = "sessions"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    refresh_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    # Whether it was asked to be kept for longer.
    remembered: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    user_agent: Mapped[str] = mapped_column(String(400), default="")
    address: Mapped[str] = mapped_column(String(64), default="")
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)
    seen_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)
    # When the first secret has to be renewed with the second, and when the second one ends.
    access_until: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, index=True)
    ended_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime, default=None)


class SpentRefresh(Base):
    """A refresh secret that was used already; whoever comes with it again, and late, has stolen it or was robbed.

    The nonce leads from the spent secret to its successor, and is worth nothing to whoever reads this table alone.
    """

    __tablename__ = "spent_refreshes"

    refresh_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), index=True)
    nonce: Mapped[bytes] = mapped_column(LargeBinary(32))
    spent_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)


class AccountLink(Base):
    """A secret that works once and for a while: an invitation, a way back to an account, or a sign-in half done.

    It has no hash until its mail is sent, because the secret is made by whoever sends it and kept nowhere.
    """

    __tablename__ = "account_links"
    __table_args__ = (CheckConstraint("kind IN ('" + "', '".join(LINK_KINDS) + "')", name="kind"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    kind: Mapped[LinkKind] = mapped_column(String(16))
    secret_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32), unique=True, default=None)
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True, default=None)
    # Where the mail goes; for a lost password what somebody typed, a user name or an address; for a sign-in half done
    # whether the browser asked to be remembered.
    address: Mapped[str] = mapped_column(String(320), default="")
    role: Mapped[ServerRole | None] = mapped_column(String(16), default=None)
    workspace_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), index=True, default=None
    )
    workspace_role: Mapped[WorkspaceRole | None] = mapped_column(String(16), default=None)
    language: Mapped[str] = mapped_column(String(8), default="en")
    attempts: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    created_by: Mapped[UUID | None] = mapped_column(Uuid, default=None)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, index=True)
    sent_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime, default=None)
    used_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime, default=None)


class CodeGenerator(Base):
    """What a user's app makes one-time codes from; it counts once a code of it was confirmed."""

    __tablename__ = "code_generators"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    secret: Mapped[str] = mapped_column(String(64))
    # The step of the code that was used last, since each works once.
    last_step: Mapped[int | None] = mapped_column(BigInteger, default=None)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)
    confirmed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime, default=None)


class RecoveryCode(Base):
    """A code that stands in for a lost device, once."""

    __tablename__ = "recovery_codes"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    used_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime, default=None)


class ApiToken(Base):
    """A secret that lets a program act as its user; shown once, and known here only by its SHA-256."""

    __tablename__ = "api_tokens"
    __table_args__ = (Index("ix_api_tokens_user_id_created_at", "user_id", "created_at"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    workspace_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), index=True, default=None
    )
    name: Mapped[str] = mapped_column(String(100))
    prefix: Mapped[str] = mapped_column(String(16))
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    scopes: Mapped[list[str]] = mapped_column(JSON, default=list)
    # The features it may use at most; null: all of its user's.
    features: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True), default=None)
    # The networks it may be used from; none: anywhere.
    networks: Mapped[list[str]] = mapped_column(JSON, default=list, server_default="[]")
    # True for the tokens that the settings give; a rotated setting revokes the one before.
    seeded: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime, default=None)
    used_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime, default=None)
    revoked_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime, default=None)
