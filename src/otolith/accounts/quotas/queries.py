"""The SQL of quotas."""

import datetime as dt
from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from otolith.accounts.models import User, Workspace
from otolith.accounts.names import fold
from otolith.accounts.quotas.kinds import SubjectKind
from otolith.accounts.quotas.models import Quota, QuotaUse
from otolith.jobs.models import UNFINISHED, Job

_HOUR = dt.timedelta(hours=1)


def quota(session: Session, subject: SubjectKind, subject_id: UUID, kind: str) -> Quota | None:
    return session.get(Quota, (subject, subject_id, kind))


def locked(session: Session, subject: SubjectKind, subject_id: UUID, kind: str) -> Quota:
    """The quota's row, made where there is none, and held against all who count the same until the commit."""
    insert = sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgres_insert
    fresh = insert(Quota).values(subject_kind=subject, subject_id=subject_id, kind=kind)
    session.execute(fresh.on_conflict_do_nothing())
    statement = select(Quota).where(Quota.subject_kind == subject, Quota.subject_id == subject_id, Quota.kind == kind)
    # Read anew: another transaction may have reset it while this one waited.
    again = statement.with_for_update().execution_options(populate_existing=True)
    return session.execute(again).scalar_one()


def quotas_of(session: Session, subject: SubjectKind, subject_id: UUID) -> Mapping[str, Quota]:
    statement = select(Quota).where(Quota.subject_kind == subject, Quota.subject_id == subject_id)
    return {row.kind: row for row in session.scalars(statement)}


def used_since(session: Session, subject: SubjectKind, subject_id: UUID, kind: str, since: dt.datetime) -> int:
    """The sum of the hours that reach into the window: an hour counts until its last moment is out of it."""
    statement = select(func.coalesce(func.sum(QuotaUse.amount), 0)).where(
        QuotaUse.subject_kind == subject,
        QuotaUse.subject_id == subject_id,
        QuotaUse.kind == kind,
        QuotaUse.hour > since - _HOUR,
    )
    return int(session.scalar(statement) or 0)


def oldest_hour(
    session: Session, subject: SubjectKind, subject_id: UUID, kind: str, since: dt.datetime
) -> dt.datetime | None:
    """The first hour of the window in which something was used: when it leaves, there is room again."""
    statement = select(func.min(QuotaUse.hour)).where(
        QuotaUse.subject_kind == subject,
        QuotaUse.subject_id == subject_id,
        QuotaUse.kind == kind,
        QuotaUse.hour > since - _HOUR,
        QuotaUse.amount > 0,
    )
    return session.scalar(statement)


def add_use(session: Session, subject: SubjectKind, subject_id: UUID, kind: str, at: dt.datetime, amount: int) -> None:
    insert = sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgres_insert
    hour = at.replace(minute=0, second=0, microsecond=0)
    statement = insert(QuotaUse).values(
        subject_kind=subject, subject_id=subject_id, kind=kind, hour=hour, amount=amount
    )
    keys = [QuotaUse.subject_kind, QuotaUse.subject_id, QuotaUse.kind, QuotaUse.hour]
    session.execute(statement.on_conflict_do_update(index_elements=keys, set_={"amount": QuotaUse.amount + amount}))


def forget_uses(session: Session, subject: SubjectKind, subject_id: UUID, kind: str) -> None:
    session.execute(
        delete(QuotaUse)
        .where(QuotaUse.subject_kind == subject, QuotaUse.subject_id == subject_id, QuotaUse.kind == kind)
        .execution_options(synchronize_session=False)
    )


def forget_old_uses(session: Session, before: dt.datetime) -> None:
    session.execute(delete(QuotaUse).where(QuotaUse.hour < before).execution_options(synchronize_session=False))


def unfinished_jobs(session: Session, subject: SubjectKind, subject_id: UUID) -> int:
    """The jobs that were asked for and are not done; their parts do not count."""
    owner = Job.user_id if subject == "user" else Job.workspace_id
    statement = select(func.count()).where(owner == subject_id, Job.state.in_(UNFINISHED), Job.parent_id.is_(None))
    if subject == "workspace":
        # What the server does for itself there is nobody's doing.
        statement = statement.where(Job.user_id.is_not(None))
    return int(session.scalar(statement) or 0)


def subject_of_name(session: Session, subject: SubjectKind, name: str) -> UUID | None:
    """The user of this name, or the oldest workspace that is called so."""
    if subject == "user":
        return session.scalar(select(User.id).where(User.name_key == fold(name)))
    statement = select(Workspace.id).where(Workspace.name == name).order_by(Workspace.created_at, Workspace.id)
    return session.scalar(statement.limit(1))
