"""Taking the next job out of the queue: one statement, one index range, whatever the queue's length."""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    BindParameter,
    Connection,
    Integer,
    Text,
    Uuid,
    bindparam,
    column,
    literal,
    literal_column,
    select,
    text,
)
from sqlalchemy.sql.selectable import TextualSelect

from otolith.core.db import UtcDateTime
from otolith.jobs.clauses import clock
from otolith.jobs.models import Job, LanePause

_COLUMNS: dict[str, Any] = {
    "id": Uuid(),
    "root_id": Uuid(),
    "parent_id": Uuid(),
    "workspace_id": Uuid(),
    "user_id": Uuid(),
    "task": Text(),
    "version": Integer(),
    "payload": JSON(),
    "lane": Text(),
    "attempt": Integer(),
    "max_attempts": Integer(),
    "fence": Integer(),
    "started_at": UtcDateTime(),
    "checkpoint": JSON(),
    "progress_done": Integer(),
    "progress_total": Integer(),
    "trace_parent": Text(),
}


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job as its worker got it; `fence` and `started_at` are the right to write about it."""

    id: UUID
    root_id: UUID
    parent_id: UUID | None
    workspace_id: UUID | None
    user_id: UUID | None
    task: str
    version: int
    payload: dict[str, Any]
    lane: str
    attempt: int
    max_attempts: int | None
    fence: int
    started_at: dt.datetime
    checkpoint: dict[str, Any] | None
    progress_done: int | None
    progress_total: int | None
    trace_parent: str | None


# Interactive work goes first. Between other lanes the caller's order decides, which rotates: their places in line
# cannot be compared, and an old backlog in one lane must not hold up another lane.
_POSTGRES = """
WITH head AS (
  SELECT served.lane
  FROM unnest(CAST(:lanes AS text[])) WITH ORDINALITY AS served(lane, turn)
  CROSS JOIN LATERAL (
    SELECT jobs.priority FROM jobs
    WHERE jobs.state = 'queued' AND jobs.due_at IS NULL AND jobs.lane = served.lane
    ORDER BY jobs.priority, jobs.virtual_start, jobs.id LIMIT 1
  ) AS first
  WHERE served.lane NOT IN (SELECT lane FROM job_lane_pauses WHERE until > clock_timestamp())
  ORDER BY (served.lane <> 'interactive'), first.priority, served.turn LIMIT 1
), picked AS (
  SELECT jobs.id FROM jobs
  WHERE jobs.state = 'queued' AND jobs.due_at IS NULL AND jobs.lane = (SELECT lane FROM head)
  ORDER BY jobs.priority, jobs.virtual_start, jobs.id LIMIT 1
  FOR UPDATE SKIP LOCKED
)
UPDATE jobs SET state = 'running', attempt = jobs.attempt + 1, fence = jobs.fence + 1, worker = :worker,
  started_at = clock_timestamp(), lease_until = clock_timestamp() + make_interval(secs => :lease)
FROM picked WHERE jobs.id = picked.id
RETURNING """

_SQLITE = """
UPDATE jobs SET state = 'running', attempt = attempt + 1, fence = fence + 1, worker = :worker,
  started_at = strftime('%Y-%m-%d %H:%M:%f000', 'now'),
  lease_until = strftime('%Y-%m-%d %H:%M:%f000', 'now', :lease || ' seconds')
WHERE id = (
  SELECT id FROM jobs
  WHERE state = 'queued' AND due_at IS NULL AND lane = (
    SELECT served.value FROM (
      SELECT each.value, each.key, (
        SELECT first.priority FROM jobs AS first
        WHERE first.state = 'queued' AND first.due_at IS NULL AND first.lane = each.value
        ORDER BY first.priority, first.virtual_start, first.id LIMIT 1
      ) AS priority
      FROM json_each(:lanes) AS each
      WHERE each.value NOT IN (
        SELECT lane FROM job_lane_pauses WHERE until > strftime('%Y-%m-%d %H:%M:%f000', 'now')
      )
    ) AS served
    WHERE served.priority IS NOT NULL
    ORDER BY (served.value <> 'interactive'), served.priority, served.key LIMIT 1
  )
  ORDER BY priority, virtual_start, id LIMIT 1
)
RETURNING """

_POSTGRES_OF_ROOT = """
WITH picked AS (
  SELECT jobs.id FROM jobs
  WHERE jobs.root_id = :root AND jobs.finished_at IS NULL AND jobs.state = 'queued' AND jobs.due_at IS NULL
    AND jobs.lane NOT IN (SELECT lane FROM job_lane_pauses WHERE until > clock_timestamp())
  ORDER BY jobs.priority, jobs.virtual_start, jobs.id LIMIT 1
  FOR UPDATE SKIP LOCKED
)
UPDATE jobs SET state = 'running', attempt = jobs.attempt + 1, fence = jobs.fence + 1, worker = :worker,
  started_at = clock_timestamp(), lease_until = clock_timestamp() + make_interval(secs => :lease)
FROM picked WHERE jobs.id = picked.id
RETURNING """

_SQLITE_OF_ROOT = """
UPDATE jobs SET state = 'running', attempt = attempt + 1, fence = fence + 1, worker = :worker,
  started_at = strftime('%Y-%m-%d %H:%M:%f000', 'now'),
  lease_until = strftime('%Y-%m-%d %H:%M:%f000', 'now', :lease || ' seconds')
WHERE id = (
  SELECT id FROM jobs
  WHERE root_id = :root AND finished_at IS NULL AND state = 'queued' AND due_at IS NULL
    AND lane NOT IN (SELECT lane FROM job_lane_pauses WHERE until > strftime('%Y-%m-%d %H:%M:%f000', 'now'))
  ORDER BY priority, virtual_start, id LIMIT 1
)
RETURNING """


# A claim and the outcome written with it need not wait for the disk: if a power cut takes them back, the job runs
# again from its checkpoint, whose own transaction did wait. SQLite's `synchronous=NORMAL` gives the same.
_RELAX = ", set_config('synchronous_commit', 'off', true) AS relaxed"


def _statement(claim: str, *parameters: BindParameter[Any], also: str = "") -> TextualSelect:
    # The colons inside the literals begin no parameters.
    escaped = claim.replace("%H:%M:%f", r"%H\:%M\:%f")
    returning = ", ".join(f"jobs.{name}" for name in _COLUMNS)
    statement = text(escaped + returning + also).bindparams(*parameters)
    return statement.columns(*(column(name, kind) for name, kind in _COLUMNS.items()))


_ROOT = bindparam("root", type_=Uuid())
_CLAIM = {"postgresql": _statement(_POSTGRES, also=_RELAX), "sqlite": _statement(_SQLITE)}
_CLAIM_OF_ROOT = {
    "postgresql": _statement(_POSTGRES_OF_ROOT, _ROOT, also=_RELAX),
    "sqlite": _statement(_SQLITE_OF_ROOT, _ROOT),
}


def claim(connection: Connection, lanes: Sequence[str], *, worker: str, lease: float) -> Claimed | None:
    """Take the next due job of these lanes, or None; of lanes equally urgent the first in order goes first."""
    dialect = connection.dialect.name
    served = json.dumps(list(lanes)) if dialect == "sqlite" else list(lanes)
    row = connection.execute(_CLAIM[dialect], {"lanes": served, "worker": worker, "lease": lease}).first()
    return None if row is None else Claimed(*row[: len(_COLUMNS)])


def claim_of_root(connection: Connection, root: UUID, *, worker: str, lease: float) -> Claimed | None:
    """Take the next due job that is, or descends from, the job `root`."""
    statement = _CLAIM_OF_ROOT[connection.dialect.name]
    row = connection.execute(statement, {"root": root, "worker": worker, "lease": lease}).first()
    return None if row is None else Claimed(*row[: len(_COLUMNS)])


_WAITING = (
    select(literal(1))
    .where(
        Job.state == literal_column("'queued'"),
        Job.due_at.is_(None),
        Job.lane.in_(bindparam("lanes", expanding=True)),
        Job.lane.not_in(select(LanePause.lane).where(LanePause.until > clock())),
    )
    .limit(1)
)


def has_claimable(connection: Connection, lanes: Sequence[str]) -> bool:
    """Whether a look at these lanes would find a job; reads only."""
    return connection.execute(_WAITING, {"lanes": list(lanes)}).first() is not None
