"""What the ledger says differently to each database: its clock, and a new job's place in line."""

from typing import Any

from sqlalchemy import ColumnElement, Integer, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from otolith.core.db import UtcDateTime

# Millisecond text with three zeros, as SQLAlchemy itself writes moments into SQLite.
_SQLITE_CLOCK = "strftime('%Y-%m-%d %H:%M:%f000', 'now'{})"
_QUEUED = "{0}.state = 'queued' AND {0}.due_at IS NULL"


class clock_after(FunctionElement[Any]):  # noqa: N801 -- It reads as the function that it is in SQL.
    """The database's own time, `seconds` from now."""

    type = UtcDateTime()
    inherit_cache = True
    name = "clock_after"


def clock() -> ColumnElement[Any]:
    """The database's own time, which leases go by so that hosts need not agree on theirs."""
    return clock_after(literal(0.0))


@compiles(clock_after, "postgresql")
def _clock_on_postgres(element: clock_after, compiler: SQLCompiler, **options: Any) -> str:
    return f"(clock_timestamp() + make_interval(secs => {compiler.process(element.clauses, **options)}))"


@compiles(clock_after, "sqlite")
def _clock_on_sqlite(element: clock_after, compiler: SQLCompiler, **options: Any) -> str:
    return _SQLITE_CLOCK.format(f", ({compiler.process(element.clauses, **options)}) || ' seconds'")


class virtual_start(FunctionElement[Any]):  # noqa: N801 -- It reads as the function that it is in SQL.
    """Where a job of (lane, priority, flow) stands in line.

    Not before the head of its queue, so that nobody gains by having been idle, and behind the last queued job of its
    own flow, so that many jobs of one user do not delay the first of another. A NULL flow means: at the head.
    """

    type = Integer()
    inherit_cache = True
    name = "virtual_start"


@compiles(virtual_start, "postgresql")
def _start_on_postgres(element: virtual_start, compiler: SQLCompiler, **options: Any) -> str:
    lane, priority, flow = (compiler.process(clause, **options) for clause in element.clauses)
    return f"otolith_virtual_start(CAST({lane} AS text), CAST({priority} AS smallint), CAST({flow} AS uuid))"


@compiles(virtual_start, "sqlite")
def _start_on_sqlite(element: virtual_start, compiler: SQLCompiler, **options: Any) -> str:
    # Each part is compiled where it stands, because every use of a positional parameter counts.
    lane, priority, flow = element.clauses

    def part(name: str, value: str, order: str, *, of_flow: bool) -> str:
        same = f" AND {name}.flow_id = {compiler.process(flow, **options)}" if of_flow else ""
        return (
            f"COALESCE((SELECT {name}.{value} FROM jobs AS {name} WHERE {_QUEUED.format(name)} "  # noqa: S608 -- Parts are literals and compiled clauses.
            f"AND {name}.lane = {compiler.process(lane, **options)} "
            f"AND {name}.priority = {compiler.process(priority, **options)}{same} "
            f"ORDER BY {order.format(name)} LIMIT 1), 0)"
        )

    head = part("head", "virtual_start", "{0}.virtual_start, {0}.id", of_flow=False)
    last = part("last", "virtual_start + 1", "{0}.virtual_start DESC", of_flow=True)
    return f"max({head}, {last})"
