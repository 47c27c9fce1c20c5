"""People: sessions that are renewed, links for invitations and lost passwords, and second factors.

Sessions of before had one secret for a week; whoever held one signs in again.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

from otolith.core.db import UtcDateTime
from otolith.migrations.row_security import OWN_USER, SYSTEM_ONLY, protect_where

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_table("sessions")
    _make_sessions()
    _make_links()
    _make_factors()


def _of_user(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE", name=f"fk_{table}_user_id_users")


def _make_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("refresh_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("remembered", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("user_agent", sa.String(400), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("access_until", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime()),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.UniqueConstraint("secret_hash", name="uq_sessions_secret_hash"),
        sa.UniqueConstraint("refresh_hash", name="uq_sessions_refresh_hash"),
        _of_user("sessions"),
    )
    for column in ("user_id", "expires_at"):
        op.create_index(f"ix_sessions_{column}", "sessions", [column])
    op.create_table(
        "spent_refreshes",
        sa.Column("refresh_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(32), nullable=False),
        sa.Column("spent_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("refresh_hash", name="pk_spent_refreshes"),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], ondelete="CASCADE", name="fk_spent_refreshes_session_id_sessions"
        ),
    )
    op.create_index("ix_spent_refreshes_session_id", "spent_refreshes", ["session_id"])
    protect_where(op, "sessions", OWN_USER)
    protect_where(op, "spent_refreshes", SYSTEM_ONLY)


def _make_links() -> None:
    op.create_table(
        "account_links",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(32)),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("address", sa.String(320), nullable=False),
        sa.Column("role", sa.String(16)),
        sa.Column("workspace_id", sa.Uuid()),
        sa.Column("workspace_role", sa.String(16)),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("created_by", sa.Uuid()),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("sent_at", UtcDateTime()),
        sa.Column("used_at", UtcDateTime()),
        sa.PrimaryKeyConstraint("id", name="pk_account_links"),
        sa.UniqueConstraint("secret_hash", name="uq_account_links_secret_hash"),
        _of_user("account_links"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], ondelete="CASCADE", name="fk_account_links_workspace_id_workspaces"
        ),
        sa.CheckConstraint(
            "kind IN ('invitation', 'registration', 'reset', 'address', 'code')", name=op.f("ck_account_links_kind")
        ),
    )
    for column in ("user_id", "workspace_id", "expires_at"):
        op.create_index(f"ix_account_links_{column}", "account_links", [column])
    protect_where(op, "account_links", SYSTEM_ONLY)


def _make_factors() -> None:
    op.create_table(
        "code_generators",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("secret", sa.String(64), nullable=False),
        sa.Column("last_step", sa.BigInteger()),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("confirmed_at", UtcDateTime()),
        sa.PrimaryKeyConstraint("user_id", name="pk_code_generators"),
        _of_user("code_generators"),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("used_at", UtcDateTime()),
        sa.PrimaryKeyConstraint("user_id", "code_hash", name="pk_recovery_codes"),
        _of_user("recovery_codes"),
    )
    protect_where(op, "code_generators", SYSTEM_ONLY)
    protect_where(op, "recovery_codes", SYSTEM_ONLY)


def downgrade() -> None:
    for table in ("recovery_codes", "code_generators", "account_links", "spent_refreshes", "sessions"):
        op.drop_table(table)
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("family_id", sa.Uuid(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("user_agent", sa.String(400), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime()),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.UniqueConstraint("secret_hash", name="uq_sessions_secret_hash"),
        _of_user("sessions"),
    )
    for column in ("family_id", "user_id", "expires_at"):
        op.create_index(f"ix_sessions_{column}", "sessions", [column])
    protect_where(op, "sessions", OWN_USER)
