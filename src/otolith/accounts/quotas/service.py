"""Counting what users and workspaces use, in the transaction of the use, so that nobody gets more than is theirs."""

import datetime as dt
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from otolith.accounts.audit import service as audit
from otolith.accounts.models import User, Workspace
from otolith.accounts.quotas import queries
from otolith.accounts.quotas.events import UsageAsked
from otolith.accounts.quotas.kinds import KINDS, UNLIMITED, Kind, SubjectKind, default_of, kind_of
from otolith.accounts.quotas.models import Quota
from otolith.core.actor import SYSTEM, Actor
from otolith.core.context import Context
from otolith.core.db import after_commit, as_system, now
from otolith.core.errors import AppError, NotAllowed, NotFound
from otolith.core.settings import QuotaSettings
from otolith.jobs.submitting import ASKED

log = structlog.get_logger(__name__)

WARN_AT: Final = 0.8

Gauge = Callable[[Session, SubjectKind, UUID], int]


class QuotaSpent(AppError):
    """What you or your workspace may use of this is used up; ask an administrator, or wait until it comes back."""

    status = 429


class StorageSpent(QuotaSpent):
    """There is no room left for you or your workspace; delete uploads, or ask an administrator for more."""

    status = 507


class QuotaClosed(NotAllowed):
    """Quotas are set and reset by administrators."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used of one quota, and what is left; `amount` is `UNLIMITED` where there is no bound."""

    kind: Kind
    amount: int
    used: int
    own: bool

    @property
    def remaining(self) -> int | None:
        return None if self.amount == UNLIMITED else max(0, self.amount - self.used)

    @property
    def state(self) -> str:
        """`ok`, `near` from four fifths on, or `spent`."""
        if self.amount == UNLIMITED or self.used < WARN_AT * self.amount:
            return "ok"
        return "near" if self.used < self.amount else "spent"


def _subjects(user: UUID | None, workspace: UUID | None) -> Iterator[tuple[SubjectKind, UUID]]:
    # Always in this order, so that two who count the same never wait for each other.
    if user is not None:
        yield "user", user
    if workspace is not None:
        yield "workspace", workspace


def _amount(settings: QuotaSettings, subject: SubjectKind, kind: str, row: Quota | None) -> int:
    return row.amount if row is not None and row.amount is not None else default_of(settings, subject, kind)


def spend(
    session: Session,
    settings: QuotaSettings,
    name: str,
    amount: int,
    *,
    user: UUID | None = None,
    workspace: UUID | None = None,
    at: dt.datetime | None = None,
) -> None:
    """Count a use of a kind that comes back with time, or raise `QuotaSpent` and count nothing at all."""
    kind, moment = kind_of(name), at or now()
    assert kind.window is not None  # noqa: S101 -- Of the others `hold` asks what is there.
    since = moment - kind.window
    for subject, subject_id in _subjects(user, workspace):
        row = queries.locked(session, subject, subject_id, name)
        bound = _amount(settings, subject, name, row)
        used = queries.used_since(session, subject, subject_id, name, since)
        if bound != UNLIMITED and used + amount > bound:
            oldest = queries.oldest_hour(session, subject, subject_id, name, since)
            raise _spent(kind, subject, bound, used, _wait(oldest, since))
        queries.add_use(session, subject, subject_id, name, moment, amount)
        _warn(session, kind, subject, subject_id, bound, used, used + amount)


def _wait(oldest: dt.datetime | None, since: dt.datetime) -> int | None:
    if oldest is None:
        return None
    return max(1, math.ceil((oldest + dt.timedelta(hours=1) - since).total_seconds()))


def hold(
    session: Session,
    settings: QuotaSettings,
    name: str,
    gauge: Gauge,
    *,
    user: UUID | None = None,
    workspace: UUID | None = None,
    more: int = 0,
    lock: bool = True,
) -> None:
    """Raise `QuotaSpent` where what is there, with `more` to come, is above the bound.

    Call it behind the change: the row of the quota is held from here to the commit, so that of many who add at once
    each sees what the others added. Without `lock` it is a first look, for a reader.
    """
    kind = kind_of(name)
    for subject, subject_id in _subjects(user, workspace):
        bound = _amount(settings, subject, name, queries.quota(session, subject, subject_id, name))
        if bound == UNLIMITED:
            continue
        if lock:
            bound = _amount(settings, subject, name, queries.locked(session, subject, subject_id, name))
        used = gauge(session, subject, subject_id) + more
        if bound != UNLIMITED and used > bound:
            raise _spent(kind, subject, bound, used, None)
        if lock:
            _warn(session, kind, subject, subject_id, bound, 0, used)


def _spent(kind: Kind, subject: SubjectKind, bound: int, used: int, wait: int | None) -> QuotaSpent:
    whose = "your account" if subject == "user" else "this workspace"
    detail = f"The quota of {whose} for {kind.name} is {bound} {kind.unit}, and this would be more."
    headers = {"Retry-After": str(wait)} if wait is not None else None
    error = StorageSpent if kind.name == "storage" else QuotaSpent
    return error(detail, headers=headers, quota=kind.name, subject=subject, amount=bound, used=used)


def _warn(
    session: Session, kind: Kind, subject: SubjectKind, subject_id: UUID, bound: int, before: int, used: int
) -> None:
    if bound != UNLIMITED and before < WARN_AT * bound <= used:
        told = {"kind": kind.name, "subject": subject, "subject_id": str(subject_id), "amount": bound, "used": used}
        after_commit(session, lambda: log.warning("accounts.quota.near", **told))


def hold_jobs(settings: QuotaSettings, session: Session) -> None:
    """Before a commit: refuse it where a person asked for more jobs at once than they may have."""
    asked = session.info.pop(ASKED, None)
    actor: Actor = session.info["actor"]
    if not asked or actor.kind != "user":
        return
    # Quotas of everybody are the system's to see, and nothing of the actor's comes after this.
    session.flush()
    as_system(session)
    for user, workspace in sorted(asked, key=str):
        hold(session, settings, "jobs", queries.unfinished_jobs, user=user, workspace=workspace)


def usage(context: Context, session: Session, subject: SubjectKind, subject_id: UUID) -> list[Usage]:
    """Every kind with what was used of it; the caller sees to it that the reader may know."""
    moment = now()
    asked = UsageAsked(subject, subject_id)
    context.announce(session, asked)
    asked.used["jobs"] = queries.unfinished_jobs(session, subject, subject_id)
    rows = queries.quotas_of(session, subject, subject_id)
    found = []
    for name, kind in KINDS.items():
        row = rows.get(name)
        used = asked.used.get(name, 0)
        if kind.window is not None:
            used = queries.used_since(session, subject, subject_id, name, moment - kind.window)
        own = row is not None and row.amount is not None
        found.append(Usage(kind, _amount(context.settings.quotas, subject, name, row), used, own))
    return found


def may_see(actor: Actor, subject: SubjectKind, subject_id: UUID) -> None:
    """Raise where the caller may not know this: one's own, one's workspaces', and for administrators all."""
    own = subject_id == actor.user_id if subject == "user" else actor.may_see(subject_id)
    if not own and not actor.is_admin:
        raise NotFound


def set_amount(
    session: Session, actor: Actor, subject: SubjectKind, subject_id: UUID, name: str, amount: int | None
) -> None:
    """Give one user or workspace a bound of its own; None leaves it to the settings. The session is the system's."""
    _must_administrate(session, actor, subject, subject_id)
    kind_of(name)
    row = queries.locked(session, subject, subject_id, name)
    before, row.amount = row.amount, amount
    workspace = subject_id if subject == "workspace" else None
    told = {"kind": name, "amount": amount}
    audit.record(
        session, actor, "quota.set", on=(subject, subject_id), workspace_id=workspace,
        before={"kind": name, "amount": before}, after=told,
    )  # fmt: skip


def reset(session: Session, actor: Actor, subject: SubjectKind, subject_id: UUID, name: str) -> None:
    """Let what was used of this count no more. What is stored or running is not undone by that."""
    _must_administrate(session, actor, subject, subject_id)
    kind_of(name)
    row = queries.locked(session, subject, subject_id, name)
    row.reset_at = now()
    queries.forget_uses(session, subject, subject_id, name)
    workspace = subject_id if subject == "workspace" else None
    audit.record(session, actor, "quota.reset", on=(subject, subject_id), workspace_id=workspace, after={"kind": name})


def _must_administrate(session: Session, actor: Actor, subject: SubjectKind, subject_id: UUID) -> None:
    if not actor.is_admin:
        raise QuotaClosed
    if session.get(User if subject == "user" else Workspace, subject_id) is None:
        raise NotFound


@dataclass(frozen=True, slots=True)
class Holder:
    """One user or workspace with its quotas."""

    subject: SubjectKind
    id: UUID
    name: str
    quotas: list[Usage]


def holder(context: Context, actor: Actor, subject: SubjectKind, subject_id: UUID) -> Holder:
    """The quotas of one user or workspace that the caller may know."""
    may_see(actor, subject, subject_id)
    # Jobs and uploads of all workspaces count for a user, also of those that this credential does not reach.
    with context.database.read(SYSTEM) as session:
        found: User | Workspace | None = (
            session.get(User, subject_id) if subject == "user" else session.get(Workspace, subject_id)
        )
        if found is None:
            raise NotFound
        return Holder(subject, subject_id, found.name, usage(context, session, subject, subject_id))


def of_user_named(context: Context, actor: Actor, name: str) -> Holder:
    """The quotas of the user of this name; others than administrators find only themselves."""
    with context.database.read(SYSTEM) as session:
        found = queries.subject_of_name(session, "user", name)
    if found is None or (found != actor.user_id and not actor.is_admin):
        raise NotFound("There is no user of this name whose quotas you may see.")
    return holder(context, actor, "user", found)


def of_actor(context: Context, actor: Actor) -> list[Holder]:
    """The caller's own quotas, and those of the caller's workspaces."""
    subjects = [*_subjects(actor.user_id, None), *((("workspace", one)) for one in sorted(actor.workspaces))]
    return [holder(context, actor, subject, subject_id) for subject, subject_id in subjects]


def change(
    context: Context, actor: Actor, subject: SubjectKind, subject_id: UUID, name: str, amount: int | None
) -> Holder:
    """`set_amount` in a transaction of its own, and what there is then."""
    with context.database.write(SYSTEM) as session:
        set_amount(session, actor, subject, subject_id, name, amount)
    return holder(context, actor, subject, subject_id)


def renew(context: Context, actor: Actor, subject: SubjectKind, subject_id: UUID, name: str) -> Holder:
    """`reset` in a transaction of its own, and what there is then."""
    with context.database.write(SYSTEM) as session:
        reset(session, actor, subject, subject_id, name)
    return holder(context, actor, subject, subject_id)
