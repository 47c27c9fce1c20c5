"""Make the job ledger, its live feed, and the tables of lanes, schedules and workers."""

import sqlalchemy as sa
from alembic import op

from otolith.core.db import UtcDateTime
from otolith.migrations.row_security import protect

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_CLAIMABLE = "state = 'queued' AND due_at IS NULL"
_BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TOLD = "task, lane, state, progress_done, progress_total, eta_seconds"
_NEW = ", ".join(f"NEW.{column}" for column in _TOLD.split(", "))
_WATCHED = ("state", "progress_done", "progress_total")


def upgrade() -> None:
    _make_jobs()
    _index_jobs()
    _make_events()
    _make_rest()
    if op.get_context().dialect.name == "postgresql":
        _tell_by_postgres_triggers()
        _make_virtual_start()
        # Rows change state a few times and are soon gone, so dead entries must not pile up before the claim.
        op.execute("ALTER TABLE jobs SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02)")
    else:
        _tell_by_sqlite_triggers()
    protect(op, "jobs")
    protect(op, "job_events")


def _make_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("root_id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid()),
        sa.Column("workspace_id", sa.Uuid()),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("flow_id", sa.Uuid(), nullable=False),
        sa.Column("task", sa.String(100), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("payload", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("lane", sa.String(20), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("virtual_start", sa.BigInteger(), nullable=False),
        sa.Column("idempotency_key", sa.String(200)),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("due_at", UtcDateTime()),
        sa.Column("attempt", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("max_attempts", sa.Integer()),
        sa.Column("fence", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("lease_until", UtcDateTime()),
        sa.Column("worker", sa.String(200)),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("checkpoint", sa.JSON(none_as_null=True)),
        sa.Column("result", sa.JSON(none_as_null=True)),
        sa.Column("error", sa.Text()),
        sa.Column("error_kind", sa.String(100)),
        sa.Column("progress_done", sa.BigInteger()),
        sa.Column("progress_total", sa.BigInteger()),
        sa.Column("note", sa.String(300)),
        sa.Column("eta_seconds", sa.Float()),
        sa.Column("children", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("children_done", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("started_at", UtcDateTime()),
        sa.Column("told_at", UtcDateTime()),
        sa.Column("finished_at", UtcDateTime()),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
        sa.ForeignKeyConstraint(["parent_id"], ["jobs.id"], ondelete="CASCADE", name="fk_jobs_parent_id_jobs"),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'waiting', 'retrying', 'succeeded', 'dead', 'cancelled')",
            name=op.f("ck_jobs_state"),
        ),
    )


def _index(name: str, *columns: str, where: str | None = None, unique: bool = False) -> None:
    condition = sa.text(where) if where else None
    op.create_index(name, "jobs", list(columns), unique=unique, postgresql_where=condition, sqlite_where=condition)


def _index_jobs() -> None:
    _index("ix_jobs_claim", "lane", "priority", "virtual_start", "id", where=_CLAIMABLE)
    _index("ix_jobs_flow", "lane", "priority", "flow_id", "virtual_start", where=_CLAIMABLE)
    _index("ix_jobs_due", "due_at", where="due_at IS NOT NULL")
    _index("ix_jobs_lease", "lease_until", where="state = 'running'")
    _index("ix_jobs_unfinished", "workspace_id", where="finished_at IS NULL")
    _index("ix_jobs_root", "root_id", where="finished_at IS NULL")
    _index("ix_jobs_finished_at", "finished_at", where="finished_at IS NOT NULL")
    _index("ix_jobs_parent_id", "parent_id")
    _index("ix_jobs_workspace_id_id", "workspace_id", "id")
    keyed = "idempotency_key IS NOT NULL AND workspace_id IS"
    _index("uq_jobs_key", "workspace_id", "task", "idempotency_key", where=f"{keyed} NOT NULL", unique=True)
    _index("uq_jobs_system_key", "task", "idempotency_key", where=f"{keyed} NULL", unique=True)


def _make_events() -> None:
    op.create_table(
        "job_events",
        sa.Column("id", _BIG_ID, autoincrement=True, nullable=False),
        sa.Column("txid", sa.BigInteger(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid()),
        sa.Column("workspace_id", sa.Uuid()),
        sa.Column("task", sa.String(100), nullable=False),
        sa.Column("lane", sa.String(20), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("progress_done", sa.BigInteger()),
        sa.Column("progress_total", sa.BigInteger()),
        sa.Column("eta_seconds", sa.Float()),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_job_events"),
        # A pruned id must not come back, because followers resume after the last one they saw.
        sqlite_autoincrement=True,
    )
    op.create_index("ix_job_events_txid_id", "job_events", ["txid", "id"])


def _make_rest() -> None:
    op.create_table(
        "job_lane_pauses",
        sa.Column("lane", sa.String(20), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("lane", name="pk_job_lane_pauses"),
    )
    op.create_table(
        "job_schedules",
        sa.Column("task", sa.String(100), nullable=False),
        sa.Column("rule", sa.String(100), nullable=False),
        sa.Column("next_due", UtcDateTime(), nullable=False),
        sa.Column("last_due", UtcDateTime()),
        sa.Column("last_job_id", sa.Uuid()),
        sa.PrimaryKeyConstraint("task", name="pk_job_schedules"),
    )
    op.create_table(
        "job_workers",
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("host", sa.String(200), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("lanes", sa.JSON(), nullable=False),
        sa.Column("concurrency", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(40), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_job_workers"),
    )
    op.create_table(
        "job_sweeps",
        sa.Column("name", sa.String(20), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_job_sweeps"),
    )


def _tell_by_sqlite_triggers() -> None:
    """Append to the live feed; a migration that rebuilds `jobs` in a batch has to make these triggers again."""
    changed = " OR ".join(f"OLD.{column} IS NOT NEW.{column}" for column in _WATCHED)
    tell = (
        f"INSERT INTO job_events (txid, job_id, parent_id, workspace_id, {_TOLD}, at) "  # noqa: S608 -- Every part is a literal of this file.
        f"VALUES (0, NEW.id, NEW.parent_id, NEW.workspace_id, {_NEW}, strftime('%Y-%m-%d %H:%M:%f000', 'now'))"
    )
    op.execute(f"CREATE TRIGGER jobs_tell_insert AFTER INSERT ON jobs BEGIN {tell}; END")
    op.execute(
        "CREATE TRIGGER jobs_tell_update AFTER UPDATE OF state, progress_done, progress_total ON jobs "
        f"WHEN {changed} BEGIN {tell}; END"
    )


def _tell_by_postgres_triggers() -> None:
    changed = " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in _WATCHED)
    op.execute(
        "CREATE FUNCTION otolith_tell_job() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "  # noqa: S608 -- Every part is a literal of this file.
        f"INSERT INTO job_events (txid, job_id, parent_id, workspace_id, {_TOLD}, at) "
        "VALUES (pg_current_xact_id()::text::bigint, NEW.id, NEW.parent_id, NEW.workspace_id, "
        f"{_NEW}, clock_timestamp()); RETURN NULL; END $$"
    )
    op.execute("CREATE TRIGGER jobs_tell_insert AFTER INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION otolith_tell_job()")
    op.execute(
        "CREATE TRIGGER jobs_tell_update AFTER UPDATE OF state, progress_done, progress_total ON jobs "
        f"FOR EACH ROW WHEN ({changed}) EXECUTE FUNCTION otolith_tell_job()"
    )


def _make_virtual_start() -> None:
    """Where a new job stands in line: not before the head of its queue, and behind its user's last job.

    The function looks as the system, because fairness is between users who may not see each other's jobs.
    """
    # The caller's name is put back by hand: CREATE FUNCTION … SET of such a setting is for superusers alone.
    head = (
        f"SELECT virtual_start FROM jobs WHERE {_CLAIMABLE} AND lane = of_lane AND priority = of_priority "  # noqa: S608 -- Every part is a literal of this file.
        "ORDER BY virtual_start, id LIMIT 1"
    )
    last = (
        f"SELECT virtual_start + 1 FROM jobs WHERE {_CLAIMABLE} AND lane = of_lane AND priority = of_priority "  # noqa: S608 -- Every part is a literal of this file.
        "AND flow_id = of_flow ORDER BY virtual_start DESC LIMIT 1"
    )
    op.execute(
        "CREATE FUNCTION otolith_virtual_start(of_lane text, of_priority smallint, of_flow uuid) RETURNS bigint "
        "LANGUAGE plpgsql VOLATILE AS $$ "
        "DECLARE caller text := current_setting('otolith.actor', true); place bigint; BEGIN "
        "PERFORM set_config('otolith.actor', 'system', true); "
        f"place := GREATEST(COALESCE(({head}), 0), COALESCE(({last}), 0)); "
        "PERFORM set_config('otolith.actor', COALESCE(caller, ''), true); "
        "RETURN place; END $$"
    )


def downgrade() -> None:
    for table in ("job_sweeps", "job_workers", "job_schedules", "job_lane_pauses", "job_events", "jobs"):
        op.drop_table(table)
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP FUNCTION otolith_virtual_start")
        op.execute("DROP FUNCTION otolith_tell_job")
