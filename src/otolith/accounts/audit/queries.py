"""The SQL of the audit."""

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.orm import Session

from otolith.accounts.audit.chaining import HASHED
from otolith.accounts.audit.models import AuditChain, AuditEntry
from otolith.core.actor import Actor, visible_to

_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Asked:
    """Which entries somebody wants to see; what is None or empty does not narrow them."""

    action: str | None = None
    user: str | None = None
    user_id: UUID | None = None
    workspace_id: UUID | None = None
    object_type: str | None = None
    object_id: str | None = None
    address: str | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None


def chain(session: Session, *, lock: bool = False) -> AuditChain:
    statement = select(AuditChain).where(AuditChain.id == 1)
    return session.execute(statement.with_for_update() if lock else statement).scalar_one()


def append(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Write entries and move the end of the chain to the last of them."""
    session.execute(insert(AuditEntry), list(rows))
    last = rows[-1]
    session.execute(update(AuditChain).where(AuditChain.id == 1).values(seq=last["seq"], hash=last["hash"]))


def _conditions(actor: Actor, asked: Asked, owned: Collection[UUID]) -> list[Any]:
    conditions: list[Any] = []
    if not actor.is_admin:
        conditions += [visible_to(actor, AuditEntry.workspace_id), AuditEntry.workspace_id.in_(owned)]
    if asked.action:
        # A name with a dot is one action; without, all that begin so.
        begins = AuditEntry.action.startswith(f"{asked.action}.", autoescape=True)
        conditions.append(or_(AuditEntry.action == asked.action, begins))
    equal = {
        AuditEntry.user_id: asked.user_id,
        AuditEntry.workspace_id: asked.workspace_id,
        AuditEntry.object_type: asked.object_type,
        AuditEntry.object_id: asked.object_id,
        AuditEntry.address: asked.address,
        AuditEntry.user_name: asked.user,
    }
    conditions += [column == value for column, value in equal.items() if value]
    if asked.since:
        conditions.append(AuditEntry.at >= asked.since)
    if asked.until:
        conditions.append(AuditEntry.at < asked.until)
    return conditions


def entries(
    session: Session, actor: Actor, asked: Asked, owned: Collection[UUID], *, before: int | None, limit: int
) -> Sequence[AuditEntry]:
    """Newest first; `owned` are the workspaces whose record the caller may read without being an administrator."""
    statement = select(AuditEntry).where(*_conditions(actor, asked, owned))
    if before is not None:
        statement = statement.where(AuditEntry.seq < before)
    return session.scalars(statement.order_by(AuditEntry.seq.desc()).limit(limit)).all()


def actions(session: Session, actor: Actor, owned: Collection[UUID]) -> Sequence[str]:
    """The names of what was done, for a choice."""
    statement = select(AuditEntry.action).where(*_conditions(actor, Asked(), owned)).distinct()
    return session.scalars(statement.order_by(AuditEntry.action)).all()


def walk(session: Session, after: int) -> Iterator[dict[str, Any]]:
    """Every entry after `after` in its order, as its columns, a batch at a time."""
    columns = [getattr(AuditEntry, name) for name in (*HASHED, "hash")]
    while True:
        statement = select(*columns).where(AuditEntry.seq > after).order_by(AuditEntry.seq).limit(_BATCH)
        rows = session.execute(statement).mappings().all()
        for row in rows:
            yield dict(row)
        if len(rows) < _BATCH:
            return
        after = rows[-1]["seq"]


def last_before(session: Session, at: dt.datetime) -> AuditEntry | None:
    """The last entry of the unbroken beginning of the chain that is older than `at`."""
    younger = select(func.min(AuditEntry.seq)).where(AuditEntry.at >= at).scalar_subquery()
    statement = select(AuditEntry).where(AuditEntry.at < at, or_(younger.is_(None), AuditEntry.seq < younger))
    return session.scalar(statement.order_by(AuditEntry.seq.desc()).limit(1))


def prune(session: Session, last: AuditEntry, at: dt.datetime) -> int:
    """Remove the entries up to `last`, and say so in the chain: the database lets nothing else be removed."""
    marked = update(AuditChain).where(AuditChain.id == 1, AuditChain.pruned_seq < last.seq)
    session.execute(marked.values(pruned_seq=last.seq, pruned_hash=last.hash, pruned_at=at))
    done: Any = session.execute(
        delete(AuditEntry).where(AuditEntry.seq <= last.seq).execution_options(synchronize_session=False)
    )
    return int(done.rowcount)
