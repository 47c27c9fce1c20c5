"""What sounds alike: the map, and embeddings of texts.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

from otolith.core.db import UtcDateTime
from otolith.migrations.row_security import protect

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _map_places()
    _text_vectors()
    _track_texts()


def _map_places() -> None:
    op.create_table(
        "map_places",
        sa.Column("track_id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("x", sa.Float(), nullable=False),
        sa.Column("y", sa.Float(), nullable=False),
        sa.Column("drawn_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["track_id"], ["tracks.id"], name="fk_map_places_track_id_tracks", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_map_places_workspace_id_workspaces", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("track_id", name="pk_map_places"),
    )
    op.create_index("ix_map_places_workspace_id_drawn_at", "map_places", ["workspace_id", "drawn_at"])
    protect(op, "map_places")


def _text_vectors() -> None:
    op.create_table(
        "text_vectors",
        sa.Column("text_digest", sa.String(64), nullable=False),
        sa.Column("model", sa.String(120), nullable=False),
        sa.Column("dimensions", sa.Integer(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("text_digest", "model", name="pk_text_vectors"),
    )


def _track_texts() -> None:
    op.create_table(
        "track_texts",
        sa.Column("track_id", sa.Uuid(), nullable=False),
        sa.Column("model", sa.String(120), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("text_digest", sa.String(64), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("kept_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["track_id"], ["tracks.id"], name="fk_track_texts_track_id_tracks", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_track_texts_workspace_id_workspaces", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("track_id", "model", name="pk_track_texts"),
    )
    op.create_index("ix_track_texts_text_digest", "track_texts", ["text_digest"])
    op.create_index("ix_track_texts_workspace_id_model_kept_at", "track_texts", ["workspace_id", "model", "kept_at"])
    protect(op, "track_texts")


def downgrade() -> None:
    for table in ("track_texts", "text_vectors", "map_places"):
        op.drop_table(table)
