"""The SQL of workspaces and their members."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from otolith.accounts.models import Membership, User, Workspace
from otolith.core.actor import Actor, visible_to


def visible_workspaces(session: Session, actor: Actor) -> Sequence[Workspace]:
    statement = select(Workspace).where(visible_to(actor, Workspace.id)).order_by(Workspace.created_at, Workspace.id)
    return session.scalars(statement).all()


def visible_workspace(session: Session, actor: Actor, workspace_id: UUID) -> Workspace | None:
    return session.scalar(select(Workspace).where(visible_to(actor, Workspace.id), Workspace.id == workspace_id))


def members_of(session: Session, actor: Actor, workspace_id: UUID) -> Sequence[Row[tuple[User, Membership]]]:
    statement = (
        select(User, Membership)
        .join(Membership, Membership.user_id == User.id)
        .where(visible_to(actor, Membership.workspace_id), Membership.workspace_id == workspace_id)
        .order_by(User.name_key)
    )
    return session.execute(statement).all()


def all_workspaces(session: Session) -> Sequence[Row[tuple[Workspace, int]]]:
    """Every workspace with the number of its members; for administrators, as the system."""
    statement = (
        select(Workspace, func.count(Membership.user_id))
        .outerjoin(Membership, Membership.workspace_id == Workspace.id)
        .group_by(Workspace.id)
        .order_by(Workspace.created_at, Workspace.id)
    )
    return session.execute(statement).all()


def workspaces_named(session: Session, name: str) -> Sequence[Workspace]:
    """Those of exactly this name, for the commands of the machine's owner."""
    return session.scalars(select(Workspace).where(Workspace.name == name).limit(2)).all()


def locked_workspace(session: Session, workspace_id: UUID) -> Workspace | None:
    """The workspace, held until the transaction ends: of two who change its members one comes after the other."""
    return session.scalar(select(Workspace).where(Workspace.id == workspace_id).with_for_update())


def membership(session: Session, workspace_id: UUID, user_id: UUID) -> Membership | None:
    return session.get(Membership, (workspace_id, user_id), populate_existing=True)


def other_owners(session: Session, workspace_id: UUID, user_id: UUID) -> int:
    """How many owners a workspace has besides this user, of those who may still sign in."""
    statement = (
        select(func.count())
        .select_from(Membership)
        .join(User, User.id == Membership.user_id)
        .where(
            Membership.workspace_id == workspace_id,
            Membership.role == "owner",
            Membership.user_id != user_id,
            User.active,
        )
    )
    return session.scalar(statement) or 0
