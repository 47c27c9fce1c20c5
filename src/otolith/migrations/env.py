"""How Alembic reaches the database: over the connection it is handed, with every slice's tables known."""

from typing import Any

from alembic import context
from sqlalchemy import JSON

from otolith.migrations.tables import METADATA


def _default_differs(
    _context: Any, _inspected: Any, column: Any, inspected: str | None, _default: Any, rendered: str | None
) -> bool | None:
    """PostgreSQL cannot compare JSON with `=`, as Alembic would have it do; all else is left to Alembic."""
    if not isinstance(column.type, JSON):
        return None
    before, after = ((text or "").partition("::")[0].strip("'") for text in (inspected, rendered))
    return before != after


def run() -> None:
    connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        compare_server_default=_default_differs,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
