"""Features granted by name, what a token may use and from where, and links to single items.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

from otolith.core.db import UtcDateTime
from otolith.migrations.row_security import protect

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("features", sa.JSON()))
    op.add_column("api_tokens", sa.Column("features", sa.JSON()))
    op.add_column("api_tokens", sa.Column("networks", sa.JSON(), nullable=False, server_default="[]"))
    op.create_table(
        "shares",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("note", sa.String(200), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime()),
        sa.Column("used_at", UtcDateTime()),
        sa.Column("revoked_at", UtcDateTime()),
        sa.PrimaryKeyConstraint("id", name="pk_shares"),
        sa.UniqueConstraint("secret_hash", name="uq_shares_secret_hash"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], ondelete="CASCADE", name="fk_shares_workspace_id_workspaces"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE", name="fk_shares_user_id_users"),
        sa.CheckConstraint("kind IN ('track')", name=op.f("ck_shares_kind")),
    )
    op.create_index("ix_shares_workspace_id_id", "shares", ["workspace_id", "id"])
    op.create_index("ix_shares_user_id", "shares", ["user_id"])
    protect(op, "shares")


def downgrade() -> None:
    op.drop_table("shares")
    op.drop_column("api_tokens", "networks")
    op.drop_column("api_tokens", "features")
    op.drop_column("users", "features")
