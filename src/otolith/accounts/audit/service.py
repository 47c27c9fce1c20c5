"""Writing down what was done in the transaction that does it, and reading, checking and shortening the record."""

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import event
from sqlalchemy.orm import Session
from structlog.contextvars import get_contextvars

from otolith.accounts.audit import queries
from otolith.accounts.audit.chaining import hash_of, told
from otolith.accounts.audit.models import AuditEntry
from otolith.accounts.audit.queries import Asked
from otolith.core import paging
from otolith.core.actor import SYSTEM, Actor
from otolith.core.context import Context
from otolith.core.db import as_system, now
from otolith.core.errors import NotAllowed
from otolith.core.origin import client_address

__all__ = [
    "Asked",
    "AuditClosed",
    "Verdict",
    "actions",
    "entries",
    "everything",
    "may_read",
    "must_administrate",
    "prune",
    "record",
    "verify",
]

_PENDING: Final = "otolith.audit"


class AuditClosed(NotAllowed):
    """The record is for administrators, and for the owners of a workspace what was done in it."""


def record(
    session: Session,
    actor: Actor,
    action: str,
    *,
    on: tuple[str, object] | None = None,
    workspace_id: UUID | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Write into this transaction who does what, `on` which object (its kind and id), and what that changes.

    `action` is `noun.verb`, such as `token.create`. Of `before` and `after` give only what differs; secrets are taken
    out by their names. The entry is written as the last thing before the commit, so that only commits wait for one
    another, and it is undone with the rest.
    """
    pending = session.info.get(_PENDING)
    if pending is None:
        pending = session.info[_PENDING] = []
        event.listen(session, "before_commit", _write)
    pending.append(
        {
            "at": now(),
            "action": action[:60],
            "actor": actor.kind,
            "user_id": actor.user_id,
            "user_name": actor.user_name[:100],
            "session_id": actor.session_id,
            "token_id": actor.token_id,
            "address": client_address()[:64],
            "request_id": str(get_contextvars().get("request_id", ""))[:64],
            "workspace_id": workspace_id,
            "object_type": on[0][:40] if on else "",
            "object_id": str(on[1])[:100] if on else "",
            "before": told(before),
            "after": told(after),
        }
    )


def _write(session: Session) -> None:
    pending: list[dict[str, Any]] = session.info.get(_PENDING) or []
    if not pending:
        return
    # What the actor changed is checked as the actor's; the record itself is nobody's.
    session.flush()
    as_system(session)
    chain = queries.chain(session, lock=True)
    seq, previous = chain.seq, chain.hash
    for entry in pending:
        seq += 1
        entry["seq"] = seq
        entry["hash"] = previous = hash_of(previous, entry)
    queries.append(session, pending)
    session.info[_PENDING] = []


def may_read(actor: Actor) -> bool:
    """Whether there is any part of the record that this caller may read."""
    return actor.is_admin or bool(_owned(actor))


def must_administrate(actor: Actor) -> None:
    """Raise `AuditClosed` for all but administrators."""
    if not actor.is_admin:
        raise AuditClosed


def _owned(actor: Actor) -> list[UUID]:
    if actor.role == "readonly":
        return []
    return [workspace for workspace, role in actor.memberships.items() if role == "owner"]


@contextmanager
def reading(context: Context, actor: Actor) -> Iterator[Session]:
    """A transaction that sees the part of the record that this caller may read; `AuditClosed` where there is none."""
    if not may_read(actor):
        raise AuditClosed
    # An administrator need not be a member of the workspaces that the record tells of.
    with context.database.read(SYSTEM if actor.is_admin else actor) as session:
        yield session


def entries(
    context: Context, actor: Actor, asked: Asked, *, cursor: str | None = None, limit: int = paging.DEFAULT_LIMIT
) -> tuple[list[AuditEntry], str | None]:
    """A page of the record, newest first, and the cursor of the next."""
    before = paging.decode(cursor, 1)[0] if cursor else None
    if before is not None and not isinstance(before, int):
        raise paging.BadCursor
    with reading(context, actor) as session:
        rows = queries.entries(session, actor, asked, _owned(actor), before=before, limit=limit + 1)
    return paging.cut(rows, limit, lambda entry: (entry.seq,))


def actions(context: Context, actor: Actor) -> list[str]:
    with reading(context, actor) as session:
        return list(queries.actions(session, actor, _owned(actor)))


def everything(session: Session) -> Iterator[dict[str, Any]]:
    """The whole record in its order, for an export by the system."""
    return queries.walk(session, 0)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the chain holds: `fault` says where it does not, `seq` and `hash` are its end, to be kept elsewhere."""

    entries: int
    seq: int
    hash: str
    pruned_seq: int
    pruned_at: dt.datetime | None
    fault: str | None = None

    @property
    def holds(self) -> bool:
        return self.fault is None


def verify(session: Session) -> Verdict:
    """Compute every hash anew, as the system: an entry that was changed, added or removed breaks the chain there."""
    chain = queries.chain(session)
    previous, expected, count, fault = chain.pruned_hash, chain.pruned_seq + 1, 0, None
    for entry in queries.walk(session, 0):
        if entry["seq"] > chain.seq and expected > chain.seq:
            # Written since the end was read.
            break
        if entry["seq"] != expected:
            fault = f"Entry {expected} is missing; the next one there is {entry['seq']}."
            break
        if hash_of(previous, entry) != entry["hash"]:
            fault = f"Entry {entry['seq']} is not what was written, or follows another one than it did."
            break
        previous, expected, count = entry["hash"], expected + 1, count + 1
    if fault is None and expected != chain.seq + 1:
        fault = f"The entries after {expected - 1} are missing; the last one was {chain.seq}."
    if fault is None and previous != chain.hash:
        fault = "The last entry is not the one that was written last."
    return Verdict(count, chain.seq, chain.hash.hex(), chain.pruned_seq, chain.pruned_at, fault)


def prune(session: Session, keep_days: float, *, at: dt.datetime | None = None) -> int:
    """Forget what is older, as the system; the chain begins anew behind it and says so, and the record tells of it."""
    moment = at or now()
    queries.chain(session, lock=True)
    last = queries.last_before(session, moment - dt.timedelta(days=keep_days))
    if last is None:
        return 0
    seq = last.seq
    removed = queries.prune(session, last, moment)
    record(session, SYSTEM, "audit.prune", after={"up_to": seq, "removed": removed, "keep_days": keep_days})
    return removed
