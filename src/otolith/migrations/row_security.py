"""Row-level security of tenant tables: on PostgreSQL a forgotten filter leaks nothing."""

from types import ModuleType

from alembic.operations import Operations

IS_SYSTEM = "current_setting('otolith.actor', true) = 'system'"
# The sub-select makes PostgreSQL parse the list once a statement instead of once a row; the cast around it says that
# it gives one list, and not a row for each workspace.
OWN_WORKSPACES = "((SELECT NULLIF(current_setting('otolith.workspaces', true), '')::uuid[])::uuid[])"
OWN_USER = "user_id = (SELECT CASE WHEN current_setting('otolith.actor', true) ~ '^[0-9a-f-]{36}$' "
OWN_USER += "THEN current_setting('otolith.actor', true)::uuid END)"
# For what no caller ever needs to see: spent secrets, links and second factors.
SYSTEM_ONLY = "false"


def protect(op: ModuleType | Operations, table: str, column: str = "workspace_id") -> None:
    """Let `table`'s rows be seen and written only by members of their workspace, and by the system.

    FORCE binds the table's owner too, so an installation with one database role is as safe as one with two. The
    policies read settings that `otolith.core.db` makes for one transaction at a time. SQLite has no such policies.
    """
    protect_where(op, table, f"{column} = ANY {OWN_WORKSPACES}")


def protect_where(op: ModuleType | Operations, table: str, condition: str) -> None:
    """As `protect`, for a table whose rows are told apart by another condition."""
    if op.get_context().dialect.name != "postgresql":
        return
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    # The outer sub-select lets the planner settle the system's case before it looks at any row.
    rule = f"(SELECT {IS_SYSTEM}) OR {condition}"
    op.execute(f"CREATE POLICY {table}_tenant ON {table} USING ({rule}) WITH CHECK ({rule})")
