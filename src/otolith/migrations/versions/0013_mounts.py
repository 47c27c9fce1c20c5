"""Disks mounted inside folders of a library, when watching last took something in, and pictures of artists.

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

from otolith.core.db import UtcDateTime
from otolith.migrations.row_security import protect

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "library_mounts",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("path_digest", sa.LargeBinary(), nullable=False),
        sa.Column("path", sa.LargeBinary(), nullable=False),
        sa.Column("is_link", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_library_mounts_workspace_id_workspaces", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "path_digest", name="pk_library_mounts"),
    )
    protect(op, "library_mounts")
    op.add_column("library_roots", sa.Column("touched_at", UtcDateTime(), nullable=True))
    op.add_column("artists", sa.Column("image_key", sa.String(64), nullable=True))
    op.add_column("folder_pictures", sa.Column("artist_key", sa.String(64), nullable=True))
    op.create_index("ix_folder_pictures_artist_key", "folder_pictures", ["artist_key"])


def downgrade() -> None:
    op.drop_index("ix_folder_pictures_artist_key", "folder_pictures")
    op.drop_column("folder_pictures", "artist_key")
    op.drop_column("artists", "image_key")
    op.drop_column("library_roots", "touched_at")
    op.drop_table("library_mounts")
