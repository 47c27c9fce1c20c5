"""Writing jobs into the ledger, in the transaction of the change that asks for them."""

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Table, bindparam, insert, select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from otolith.core.errors import BadRequest
from otolith.core.ids import new_id
from otolith.core.tracing import trace_parent
from otolith.jobs.clauses import clock, virtual_start
from otolith.jobs.contracts import LANES, PRIORITIES, Contract, Lane, Payload, Priority
from otolith.jobs.models import Job

_JOBS: Table = Job.__table__  # type: ignore[assignment]
_NOBODY = UUID(int=0)

# What a session has to tell once its transaction is committed (see `otolith.jobs.bells`).
BELLS = "otolith.jobs.bells"
NEWS = "otolith.jobs.news"
# For whom jobs were asked for in this transaction, each with its workspace; their parts are not told.
ASKED = "otolith.jobs.asked"

_COLUMNS = (
    "id", "root_id", "parent_id", "workspace_id", "user_id", "flow_id", "task", "version", "payload", "lane",
    "priority", "idempotency_key", "state", "due_at", "max_attempts", "trace_parent",
)  # fmt: skip
_VALUES = {name: bindparam(name, type_=_JOBS.c[name].type) for name in _COLUMNS}
_PLACE = virtual_start(_VALUES["lane"], _VALUES["priority"], _VALUES["flow_id"])
_INSERT = insert(_JOBS).values(**_VALUES, virtual_start=_PLACE, created_at=clock())
_INSERT_AT = insert(_JOBS).values(**_VALUES, virtual_start=bindparam("start"), created_at=clock())
_INSERT_ONCE = {
    "sqlite": sqlite_insert(_JOBS)
    .values(**_VALUES, virtual_start=_PLACE, created_at=clock())
    .on_conflict_do_nothing()
    .returning(_JOBS.c.id),
    "postgresql": postgres_insert(_JOBS)
    .values(**_VALUES, virtual_start=_PLACE, created_at=clock())
    .on_conflict_do_nothing()
    .returning(_JOBS.c.id),
}


def submit(
    session: Session,
    contract: Contract[Payload],
    payload: Payload,
    *,
    workspace: UUID | None = None,
    user: UUID | None = None,
    lane: Lane | None = None,
    priority: Priority = "normal",
    idempotency_key: str | None = None,
    not_before: dt.datetime | None = None,
    parent: UUID | None = None,
) -> UUID:
    """Write a job in the caller's transaction and return its id; a bell rings once that is committed.

    With an `idempotency_key` that the task already had in this workspace, nothing is written and the id of the
    earlier job comes back. A `parent` finishes only when all its children have.
    """
    row = _row(contract, payload, workspace, user, lane, priority, idempotency_key, not_before)
    if parent is not None:
        row |= {"parent_id": parent, "root_id": _root_of(session, parent)}
    job_id: UUID = row["id"]
    connection = session.connection()
    if idempotency_key is None:
        connection.execute(_INSERT, row)
    elif connection.execute(_INSERT_ONCE[connection.dialect.name], row).first() is None:
        return _known(session, contract.task, workspace, idempotency_key)
    if parent is not None:
        _count_children(session, parent, 1)
    elif user is not None:
        session.info.setdefault(ASKED, set()).add((user, workspace))
    promise(session, row["lane"], due=not_before is None)
    return job_id


def submit_many(
    session: Session,
    contract: Contract[Payload],
    payloads: Sequence[Payload],
    *,
    workspace: UUID | None = None,
    user: UUID | None = None,
    lane: Lane | None = None,
    priority: Priority = "normal",
    parent: UUID | None = None,
) -> list[UUID]:
    """As `submit` for many payloads of one contract, in two statements however many they are."""
    if not payloads:
        return []
    rows = [_row(contract, payload, workspace, user, lane, priority, None, None) for payload in payloads]
    first = rows[0]
    where = ("lane", "priority", "flow_id")
    place = virtual_start(*(bindparam(None, first[name], _JOBS.c[name].type) for name in where))
    start: int = session.execute(select(place)).scalar_one()
    for offset, row in enumerate(rows):
        row["start"] = start + offset
    if parent is not None:
        root = _root_of(session, parent)
        for row in rows:
            row |= {"parent_id": parent, "root_id": root}
        _count_children(session, parent, len(rows))
    session.connection().execute(_INSERT_AT, rows)
    promise(session, first["lane"], len(rows))
    return [row["id"] for row in rows]


def _row(
    contract: Contract[Payload],
    payload: Payload,
    workspace: UUID | None,
    user: UUID | None,
    lane: Lane | None,
    priority: Priority,
    key: str | None,
    not_before: dt.datetime | None,
) -> dict[str, Any]:
    job_id = new_id()
    chosen = lane or contract.lane
    if chosen not in LANES or priority not in PRIORITIES:
        detail = f"There is no lane {chosen} or no priority {priority}."
        raise BadRequest(detail)
    return {
        "id": job_id,
        "root_id": job_id,
        "parent_id": None,
        "workspace_id": workspace,
        "user_id": user,
        "flow_id": user or workspace or _NOBODY,
        "task": contract.task,
        "version": contract.version,
        "payload": _document(contract, payload),
        "lane": chosen,
        "priority": PRIORITIES.index(priority),
        "idempotency_key": key,
        "state": "queued",
        "due_at": not_before,
        "max_attempts": contract.max_attempts,
        "trace_parent": trace_parent(),
    }


def _document(contract: Contract[Payload], payload: BaseModel) -> dict[str, Any]:
    if not isinstance(payload, contract.payload):
        message = f"{contract.task} takes a {contract.payload.__name__}, not a {type(payload).__name__}."
        raise TypeError(message)
    return payload.model_dump(mode="json")


def _root_of(session: Session, parent: UUID) -> UUID:
    return session.execute(select(Job.root_id).where(Job.id == parent)).scalar_one()


def _count_children(session: Session, parent: UUID, more: int) -> None:
    session.execute(update(_JOBS).where(_JOBS.c.id == parent).values(children=_JOBS.c.children + more))


def _known(session: Session, task: str, workspace: UUID | None, key: str) -> UUID:
    of_workspace = Job.workspace_id.is_(None) if workspace is None else Job.workspace_id == workspace
    query = select(Job.id).where(Job.task == task, of_workspace, Job.idempotency_key == key)
    return session.execute(query).scalar_one()


def promise(session: Session, lane: str, jobs: int = 1, *, due: bool = True) -> None:
    """Note what has to be rung and told once this session's transaction is committed."""
    session.info[NEWS] = True
    if due:
        bells: Counter[str] = session.info.setdefault(BELLS, Counter())
        bells[lane] += jobs
