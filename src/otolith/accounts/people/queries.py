"""The SQL of users."""

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from otolith.accounts.models import ApiToken, Membership, User, Workspace
from otolith.accounts.queries import lock_names


def _asked(text: str | None) -> list[ColumnElement[bool]]:
    if not text:
        return []
    return [or_(*(column.contains(text, autoescape=True) for column in (User.name_key, User.email_key)))]


def users(session: Session, text: str | None, after: UUID | None, limit: int) -> Sequence[User]:
    """Users, oldest first, from behind this one on; `text` is folded already. For administrators, as the system."""
    beyond = [] if after is None else [User.id > after]
    return session.scalars(select(User).where(*_asked(text), *beyond).order_by(User.id).limit(limit)).all()


def count_users(session: Session, text: str | None) -> int:
    return session.scalar(select(func.count()).select_from(User).where(*_asked(text))) or 0


def user_to_change(session: Session, user_id: UUID) -> User | None:
    """The user, held against everybody else who would change them."""
    return session.scalar(select(User).where(User.id == user_id).with_for_update())


def hold_admins(session: Session) -> Sequence[UUID]:
    """The active administrators, held so that two of them cannot take the last one away between them."""
    statement = select(User.id).where(User.role == "admin", User.active).order_by(User.id).with_for_update()
    return session.scalars(statement).all()


def taken(session: Session, *keys: str, but: UUID | None = None) -> bool:
    """Whether a folded name or address belongs to somebody, `but` this user; nobody else takes it until the commit."""
    lock_names(session)
    mine = [] if but is None else [User.id != but]
    theirs = or_(User.name_key.in_(keys), User.email_key.in_(keys))
    return bool(session.scalar(select(exists().where(theirs, *mine))))


def revoke_tokens(session: Session, user_id: UUID, at: dt.datetime) -> None:
    session.execute(
        update(ApiToken)
        .where(ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None))
        .values(revoked_at=at)
        .execution_options(synchronize_session=False)
    )


def owned_alone(session: Session, user_id: UUID) -> Sequence[str]:
    """The names of the workspaces that would be left without an active owner, held until the transaction ends."""
    other = aliased(Membership)
    another = exists().where(
        and_(
            other.workspace_id == Workspace.id,
            other.user_id != user_id,
            other.role == "owner",
            other.user_id == User.id,
            User.active,
        )
    )
    statement = (
        select(Workspace)
        .join(Membership, Membership.workspace_id == Workspace.id)
        .where(Membership.user_id == user_id, Membership.role == "owner")
        .order_by(Workspace.id)
        .with_for_update(of=Workspace)
    )
    held = [workspace.id for workspace in session.scalars(statement)]
    return session.scalars(select(Workspace.name).where(Workspace.id.in_(held), ~another).order_by(Workspace.id)).all()
