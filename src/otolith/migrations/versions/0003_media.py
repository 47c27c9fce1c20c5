"""Media, the contents they share, resumable uploads and waveforms.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

from otolith.core.db import UtcDateTime
from otolith.migrations.row_security import protect

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _media()
    op.create_table(
        "stored_contents",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("stored", sa.String(255), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_stored_contents"),
    )
    _uploads()
    op.create_table(
        "waveforms",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("samples_per_point", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("rate", sa.Integer(), nullable=False),
        sa.Column("duration", sa.Float(), nullable=False),
        sa.Column("peaks", sa.LargeBinary(), nullable=False),
        sa.Column("rms", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", "version", "samples_per_point", name="pk_waveforms"),
    )


def _media() -> None:
    op.create_table(
        "media",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("added_by", sa.Uuid(), nullable=True),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=True),
        sa.Column("quick_key", sa.String(64), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("mtime_ns", sa.BigInteger(), nullable=True),
        sa.Column("path", sa.LargeBinary(), nullable=True),
        sa.Column("path_digest", sa.LargeBinary(), nullable=True),
        sa.Column("stored", sa.String(255), nullable=True),
        sa.Column("missing", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("container", sa.String(40), nullable=True),
        sa.Column("codec", sa.String(40), nullable=True),
        sa.Column("mime", sa.String(80), nullable=True),
        sa.Column("sample_rate", sa.Integer(), nullable=True),
        sa.Column("channels", sa.Integer(), nullable=True),
        sa.Column("bits", sa.Integer(), nullable=True),
        sa.Column("bit_rate", sa.BigInteger(), nullable=True),
        sa.Column("duration", sa.Float(), nullable=True),
        sa.Column("lossless", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_media"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_media_workspace_id_workspaces", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("workspace_id", "path_digest", name="uq_media_workspace_id_path_digest"),
        sa.CheckConstraint("(path IS NULL) <> (stored IS NULL)", name="ck_media_one_place"),
        sa.CheckConstraint("(path IS NULL) = (path_digest IS NULL)", name="ck_media_path_digest"),
    )
    op.create_index(
        "ux_media_upload",
        "media",
        ["workspace_id", "sha256"],
        unique=True,
        sqlite_where=sa.text("stored IS NOT NULL"),
        postgresql_where=sa.text("stored IS NOT NULL"),
    )
    op.create_index("ix_media_workspace_id_id", "media", ["workspace_id", "id"])
    op.create_index("ix_media_workspace_id_quick_key", "media", ["workspace_id", "quick_key"])
    op.create_index("ix_media_sha256", "media", ["sha256"])
    protect(op, "media")


def _uploads() -> None:
    op.create_table(
        "uploads",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("told", sa.JSON(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("media_id", sa.Uuid(), nullable=True),
        sa.Column("refused", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_uploads"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_uploads_workspace_id_workspaces", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["media_id"], ["media.id"], name="fk_uploads_media_id_media", ondelete="SET NULL"),
    )
    op.create_index("ix_uploads_workspace_id", "uploads", ["workspace_id"])
    op.create_index("ix_uploads_expires_at", "uploads", ["expires_at"])
    protect(op, "uploads")


def downgrade() -> None:
    for table in ("waveforms", "uploads", "stored_contents", "media"):
        op.drop_table(table)
