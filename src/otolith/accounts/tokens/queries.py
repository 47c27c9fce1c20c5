"""The SQL of API tokens."""

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from otolith.accounts.models import ApiToken, Membership, User
from otolith.core.actor import WorkspaceRole

# One row for each membership, or a single one without.
TokenRow = tuple[ApiToken, User, UUID | None, WorkspaceRole | None]


def token_with_user(session: Session, secret_hash: bytes, at: dt.datetime) -> Sequence[TokenRow]:
    """A token that works, its active user and each of the user's memberships: one query over unique indexes."""
    statement = (
        select(ApiToken, User, Membership.workspace_id, Membership.role)
        .join(User, User.id == ApiToken.user_id)
        .outerjoin(Membership, Membership.user_id == User.id)
        .where(
            ApiToken.secret_hash == secret_hash,
            ApiToken.revoked_at.is_(None),
            or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > at),
            User.active,
        )
    )
    rows = session.execute(statement)
    return [(token, user, workspace, role) for token, user, workspace, role in rows]


def touch_token(session: Session, token_id: UUID, at: dt.datetime) -> None:
    session.execute(update(ApiToken).where(ApiToken.id == token_id).values(used_at=at))


def tokens_of(session: Session, user_id: UUID) -> Sequence[ApiToken]:
    statement = select(ApiToken).where(ApiToken.user_id == user_id).order_by(ApiToken.created_at.desc(), ApiToken.id)
    return session.scalars(statement).all()


def token_of_user(session: Session, user_id: UUID, token_id: UUID) -> ApiToken | None:
    """The token, held until the transaction ends, so that of two who rotate it one comes after the other."""
    statement = select(ApiToken).where(ApiToken.id == token_id, ApiToken.user_id == user_id)
    return session.scalar(statement.with_for_update())


def of_workspace(workspace_id: UUID) -> ColumnElement[bool]:
    return ApiToken.workspace_id == workspace_id


def held_tokens(session: Session, *conditions: ColumnElement[bool]) -> Sequence[tuple[ApiToken, User]]:
    """Tokens with whose they are; only the system sees those of others, so the caller's right is checked before."""
    statement = select(ApiToken, User).join(User, User.id == ApiToken.user_id).where(*conditions)
    rows = session.execute(statement.order_by(ApiToken.created_at.desc(), ApiToken.id))
    return [(token, user) for token, user in rows]


def token_among(session: Session, token_id: UUID, *conditions: ColumnElement[bool]) -> ApiToken | None:
    return session.scalar(select(ApiToken).where(ApiToken.id == token_id, *conditions).with_for_update())
