"""What tells a change of a catalogue from every other one, and what was heard again in vain, found by an index.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("catalogues", sa.Column("mark", sa.BigInteger(), server_default="0", nullable=False))
    op.create_index(
        "ix_analyses_renewal_failed",
        "analyses",
        ["renewal_failed"],
        sqlite_where=sa.text("renewal_failed IS NOT NULL"),
        postgresql_where=sa.text("renewal_failed IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_analyses_renewal_failed", "analyses")
    op.drop_column("catalogues", "mark")
