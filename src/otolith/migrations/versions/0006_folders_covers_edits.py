"""Folders of a library, plays and ratings, covers, and edits of tags.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

from otolith.core.db import UtcDateTime
from otolith.migrations.row_security import protect

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _library_roots()
    _listenings()
    _covers()
    _folder_pictures()
    _tag_edits()


def _library_roots() -> None:
    op.create_table(
        "library_roots",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("added_by", sa.Uuid(), nullable=True),
        sa.Column("path", sa.LargeBinary(), nullable=False),
        sa.Column("path_digest", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("watched", sa.Boolean(), nullable=False),
        sa.Column("every", sa.Float(), nullable=True),
        sa.Column("away_since", UtcDateTime(), nullable=True),
        sa.Column("away_why", sa.Text(), nullable=True),
        sa.Column("scanned_at", UtcDateTime(), nullable=True),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_library_roots_workspace_id_workspaces", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_library_roots"),
        sa.UniqueConstraint("workspace_id", "path_digest", name="uq_library_roots_workspace_id_path_digest"),
    )
    protect(op, "library_roots")


def _listenings() -> None:
    op.create_table(
        "listenings",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("track_id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("plays", sa.Integer(), nullable=False),
        sa.Column("rating", sa.Integer(), nullable=True),
        sa.Column("played_at", UtcDateTime(), nullable=True),
        sa.Column("rated_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("rating BETWEEN 1 AND 5", name="ck_listenings_rating"),
        sa.ForeignKeyConstraint(["track_id"], ["tracks.id"], name="fk_listenings_track_id_tracks", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_listenings_user_id_users", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_listenings_workspace_id_workspaces", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "track_id", name="pk_listenings"),
    )
    op.create_index("ix_listenings_track_id", "listenings", ["track_id"])
    op.create_index(
        "ix_listenings_workspace_id_user_id_played_at", "listenings", ["workspace_id", "user_id", "played_at"]
    )
    protect(op, "listenings")


def _covers() -> None:
    op.create_table(
        "covers",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("mime", sa.String(40), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("stored", sa.String(255), nullable=True),
        sa.Column("sizes", sa.String(80), nullable=False),
        sa.Column("colour", sa.String(7), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("(sizes = '') = (error IS NOT NULL)", name="ck_covers_sizes_or_error"),
        sa.CheckConstraint("(sizes = '') = (stored IS NULL)", name="ck_covers_sizes_stored"),
        sa.PrimaryKeyConstraint("key", name="pk_covers"),
    )


def _folder_pictures() -> None:
    op.create_table(
        "folder_pictures",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("folder_digest", sa.LargeBinary(), nullable=False),
        sa.Column("folder", sa.LargeBinary(), nullable=False),
        sa.Column("listing", sa.String(64), nullable=False),
        sa.Column("key", sa.String(64), nullable=True),
        sa.Column("scan_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_folder_pictures_workspace_id_workspaces", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "folder_digest", name="pk_folder_pictures"),
    )
    op.create_index("ix_folder_pictures_key", "folder_pictures", ["key"])
    protect(op, "folder_pictures")


def _tag_edits() -> None:
    op.create_table(
        "tag_edits",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("track_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("state IN ('kept', 'writing', 'written', 'failed', 'undone')", name="ck_tag_edits_state"),
        sa.ForeignKeyConstraint(["track_id"], ["tracks.id"], name="fk_tag_edits_track_id_tracks", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_tag_edits_workspace_id_workspaces", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_tag_edits"),
    )
    op.create_index("ix_tag_edits_batch_id", "tag_edits", ["batch_id"])
    op.create_index("ix_tag_edits_track_id_id", "tag_edits", ["track_id", "id"])
    op.create_index("ix_tag_edits_workspace_id_id", "tag_edits", ["workspace_id", "id"])
    protect(op, "tag_edits")


def downgrade() -> None:
    for table in ("tag_edits", "folder_pictures", "covers", "listenings", "library_roots"):
        op.drop_table(table)
