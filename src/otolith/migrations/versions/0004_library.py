"""The library: tracks, analyses, scans and their findings; and the fingerprints of identification.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

from otolith.core.db import UtcDateTime
from otolith.migrations.row_security import protect

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _tracks()
    _analyses()
    _scans()
    op.create_table(
        "fingerprints",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("duration", sa.Float(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("full", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", "version", name="pk_fingerprints"),
    )


def _tracks() -> None:
    op.create_table(
        "tracks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("media_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("artist", sa.Text(), nullable=False),
        sa.Column("album", sa.Text(), nullable=False),
        sa.Column("album_artist", sa.Text(), nullable=False),
        sa.Column("genre", sa.Text(), nullable=False),
        sa.Column("date", sa.Text(), nullable=False),
        sa.Column("track_number", sa.Integer(), nullable=True),
        sa.Column("disc_number", sa.Integer(), nullable=True),
        sa.Column("title_key", sa.String(120), nullable=False),
        sa.Column("artist_key", sa.String(120), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("missing_scan_id", sa.Uuid(), nullable=True),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tracks"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_tracks_workspace_id_workspaces", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["media_id"], ["media.id"], name="fk_tracks_media_id_media", ondelete="CASCADE"),
        sa.UniqueConstraint("media_id", name="uq_tracks_media_id"),
        sa.CheckConstraint("state IN ('waiting', 'analysed', 'failed')", name="ck_tracks_state"),
    )
    op.create_index("ix_tracks_workspace_id_id", "tracks", ["workspace_id", "id"])
    op.create_index("ix_tracks_workspace_id_title_key_id", "tracks", ["workspace_id", "title_key", "id"])
    op.create_index(
        "ix_tracks_workspace_id_artist_key_title_key_id", "tracks", ["workspace_id", "artist_key", "title_key", "id"]
    )
    protect(op, "tracks")


def _analyses() -> None:
    op.create_table(
        "analyses",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("quick_key", sa.String(64), nullable=True),
        sa.Column("engines", sa.JSON(), nullable=False),
        sa.Column("duration", sa.Float(), nullable=False),
        sa.Column("tempo", sa.Float(), nullable=True),
        sa.Column("tempo_confidence", sa.Float(), nullable=True),
        sa.Column("beats", sa.LargeBinary(), nullable=False),
        sa.Column("key", sa.String(2), nullable=True),
        sa.Column("mode", sa.String(5), nullable=True),
        sa.Column("camelot", sa.String(3), nullable=True),
        sa.Column("key_confidence", sa.Float(), nullable=True),
        sa.Column("loudness_lufs", sa.Float(), nullable=True),
        sa.Column("loudness_range_lu", sa.Float(), nullable=True),
        sa.Column("true_peak_dbtp", sa.Float(), nullable=True),
        sa.Column("sound", sa.JSON(), nullable=False),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.Column("analysed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_analyses"),
    )
    op.create_index("ix_analyses_quick_key", "analyses", ["quick_key"])


def _scans() -> None:
    op.create_table(
        "scans",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("path", sa.LargeBinary(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("updated", sa.Integer(), nullable=False),
        sa.Column("moved", sa.Integer(), nullable=False),
        sa.Column("missing", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("worked_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_scans"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_scans_workspace_id_workspaces", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_scans_workspace_id_id", "scans", ["workspace_id", "id"])
    protect(op, "scans")
    op.create_table(
        "scan_findings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("scan_id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("path", sa.LargeBinary(), nullable=False),
        sa.Column("path_digest", sa.LargeBinary(), nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("counted_as", sa.String(16), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_scan_findings"),
        sa.ForeignKeyConstraint(["scan_id"], ["scans.id"], name="fk_scan_findings_scan_id_scans", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_scan_findings_workspace_id_workspaces", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("scan_id", "path_digest", name="uq_scan_findings_scan_id_path_digest"),
        sa.CheckConstraint("verdict IN ('failed', 'skipped')", name="ck_scan_findings_verdict"),
        sa.CheckConstraint("counted_as IN ('added', 'updated', 'moved', 'none')", name="ck_scan_findings_counted_as"),
    )
    op.create_index("ix_scan_findings_workspace_id", "scan_findings", ["workspace_id"])
    protect(op, "scan_findings")


def downgrade() -> None:
    for table in ("fingerprints", "scan_findings", "scans", "analyses", "tracks"):
        op.drop_table(table)
