"""Counters of requests and guesses, quotas, and the audit, whose entries the database itself keeps.

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

from otolith.core.db import UtcDateTime
from otolith.migrations.row_security import OWN_USER, OWN_WORKSPACES, SYSTEM_ONLY, protect, protect_where

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _make_counters()
    _make_audit()
    _keep_audit()
    _make_quotas()


def _make_counters() -> None:
    # What counts requests need not outlive a crash of the server, so PostgreSQL spares its journal.
    unlogged = ["UNLOGGED"] if op.get_context().dialect.name == "postgresql" else []
    op.create_table(
        "rate_counters",
        sa.Column("key", sa.LargeBinary(32), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_rate_counters"),
        prefixes=unlogged,
    )
    op.create_table(
        "guess_counters",
        sa.Column("key", sa.LargeBinary(32), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("not_before", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_guess_counters"),
    )
    op.create_table(
        "known_browsers",
        sa.Column("secret_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("secret_hash", "user_id", name="pk_known_browsers"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE", name="fk_known_browsers_user_id_users"),
    )
    op.create_index("ix_known_browsers_user_id", "known_browsers", ["user_id"])
    for table in ("rate_counters", "guess_counters", "known_browsers"):
        op.create_index(f"ix_{table}_expires_at", table, ["expires_at"])
        protect_where(op, table, SYSTEM_ONLY)


def _make_audit() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("action", sa.String(60), nullable=False),
        sa.Column("actor", sa.String(16), nullable=False),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("user_name", sa.String(100), nullable=False),
        sa.Column("session_id", sa.Uuid()),
        sa.Column("token_id", sa.Uuid()),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("workspace_id", sa.Uuid()),
        sa.Column("object_type", sa.String(40), nullable=False),
        sa.Column("object_id", sa.String(100), nullable=False),
        sa.Column("before", sa.JSON()),
        sa.Column("after", sa.JSON()),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit_entries"),
    )
    op.create_index("ix_audit_entries_at", "audit_entries", ["at"])
    for column in ("workspace_id", "user_id", "action", "object_id"):
        op.create_index(f"ix_audit_entries_{column}_seq", "audit_entries", [column, "seq"])
    chain = op.create_table(
        "audit_chain",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.Column("pruned_seq", sa.BigInteger(), nullable=False),
        sa.Column("pruned_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("pruned_at", UtcDateTime()),
        sa.PrimaryKeyConstraint("id", name="pk_audit_chain"),
    )
    op.bulk_insert(chain, [{"id": 1, "seq": 0, "hash": bytes(32), "pruned_seq": 0, "pruned_hash": bytes(32)}])
    protect(op, "audit_entries")
    protect_where(op, "audit_chain", SYSTEM_ONLY)


_MAY_GO = "OLD.seq <= (SELECT pruned_seq FROM audit_chain WHERE id = 1)"


def _keep_audit() -> None:
    """Refuse to change entries, and to remove any but those that the retention has marked in the chain."""
    if op.get_context().dialect.name == "sqlite":
        op.execute(
            "CREATE TRIGGER audit_entries_unchanged BEFORE UPDATE ON audit_entries "
            "BEGIN SELECT RAISE(ABORT, 'audit entries are never changed'); END"
        )
        op.execute(
            f"CREATE TRIGGER audit_entries_kept BEFORE DELETE ON audit_entries WHEN NOT ({_MAY_GO}) "
            "BEGIN SELECT RAISE(ABORT, 'audit entries are removed by the retention alone'); END"
        )
        return
    op.execute(
        "CREATE FUNCTION audit_entries_keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF TG_OP = 'DELETE' THEN IF {_MAY_GO} THEN RETURN OLD; END IF; END IF; "
        "RAISE EXCEPTION 'audit entries are never changed, and removed by the retention alone' "
        "USING ERRCODE = 'insufficient_privilege'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_entries_kept BEFORE UPDATE OR DELETE ON audit_entries "
        "FOR EACH ROW EXECUTE FUNCTION audit_entries_keep()"
    )
    op.execute(
        "CREATE TRIGGER audit_entries_not_emptied BEFORE TRUNCATE ON audit_entries "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_entries_keep()"
    )


def _make_quotas() -> None:
    op.create_table(
        "quotas",
        sa.Column("subject_kind", sa.String(10), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("amount", sa.BigInteger()),
        sa.Column("reset_at", UtcDateTime()),
        sa.PrimaryKeyConstraint("subject_kind", "subject_id", "kind", name="pk_quotas"),
        sa.CheckConstraint("subject_kind IN ('user', 'workspace')", name=op.f("ck_quotas_subject_kind")),
    )
    op.create_table(
        "quota_uses",
        sa.Column("subject_kind", sa.String(10), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("hour", UtcDateTime(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject_kind", "subject_id", "kind", "hour", name="pk_quota_uses"),
    )
    op.create_index("ix_quota_uses_hour", "quota_uses", ["hour"])
    # Whoever does the work counts it, in the same transaction.
    own = f"(subject_kind = 'workspace' AND subject_id = ANY {OWN_WORKSPACES}) OR (subject_kind = 'user' AND "
    own += OWN_USER.replace("user_id", "subject_id", 1) + ")"
    for table in ("quotas", "quota_uses"):
        protect_where(op, table, own)


def downgrade() -> None:
    for table in ("quota_uses", "quotas", "audit_chain", "audit_entries"):
        op.drop_table(table)
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_entries_keep()")
    for table in ("known_browsers", "guess_counters", "rate_counters"):
        op.drop_table(table)
