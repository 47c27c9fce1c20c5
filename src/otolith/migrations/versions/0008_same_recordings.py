"""The health of a library: what comparing recordings found, and which contents are damaged or too loud.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

from otolith.core.db import UtcDateTime
from otolith.migrations.row_security import protect

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "fingerprint_sketches",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("sketch", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", "version", name="pk_fingerprint_sketches"),
    )
    _compared_contents()
    _same_recordings()
    _comparisons()
    _analyses()


def _compared_contents() -> None:
    op.create_table(
        "compared_contents",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("recording", sa.String(64), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_compared_contents_workspace_id_workspaces", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "sha256", name="pk_compared_contents"),
    )
    op.create_index("ix_compared_contents_workspace_id_recording", "compared_contents", ["workspace_id", "recording"])
    protect(op, "compared_contents")


def _same_recordings() -> None:
    op.create_table(
        "same_recordings",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("first", sa.String(64), nullable=False),
        sa.Column("second", sa.String(64), nullable=False),
        sa.Column("relation", sa.String(8), nullable=False),
        sa.Column("error", sa.Float(), nullable=False),
        sa.Column("shift", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_same_recordings_workspace_id_workspaces", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "first", "second", name="pk_same_recordings"),
        sa.CheckConstraint("relation IN ('copy', 'master')", name="ck_same_recordings_relation"),
    )
    op.create_index("ix_same_recordings_workspace_id_second", "same_recordings", ["workspace_id", "second"])
    op.create_index("ix_same_recordings_workspace_id_relation", "same_recordings", ["workspace_id", "relation"])
    protect(op, "same_recordings")


def _comparisons() -> None:
    op.create_table(
        "comparisons",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("compared_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_comparisons_workspace_id_workspaces", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workspace_id", name="pk_comparisons"),
    )
    protect(op, "comparisons")


def _analyses() -> None:
    op.add_column("analyses", sa.Column("damaged", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.execute(
        'UPDATE analyses SET damaged = true WHERE CAST(notes AS TEXT) LIKE \'%"kind": "truncated"%\' '
        'OR CAST(notes AS TEXT) LIKE \'%"kind": "damaged"%\''
    )
    op.create_index(
        "ix_analyses_damaged",
        "analyses",
        ["sha256"],
        sqlite_where=sa.text("damaged = 1"),
        postgresql_where=sa.text("damaged"),
    )
    op.create_index(
        "ix_analyses_too_loud",
        "analyses",
        ["sha256"],
        sqlite_where=sa.text("true_peak_dbtp > 0"),
        postgresql_where=sa.text("true_peak_dbtp > 0"),
    )


def downgrade() -> None:
    op.drop_index("ix_analyses_too_loud", "analyses")
    op.drop_index("ix_analyses_damaged", "analyses")
    op.drop_column("analyses", "damaged")
    for table in ("comparisons", "same_recordings", "compared_contents", "fingerprint_sketches"):
        op.drop_table(table)
