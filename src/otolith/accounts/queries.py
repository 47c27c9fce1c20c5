"""The SQL of accounts."""

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import CursorResult, Row, exists, or_, select, text, update
from sqlalchemy.orm import Session

from otolith.accounts.models import ApiToken, Membership, User, Workspace
from otolith.core.actor import Actor, WorkspaceRole, visible_to

# One row for each membership, or a single one without.
TokenRow = tuple[ApiToken, User, UUID | None, WorkspaceRole | None]


def user_by_key(session: Session, key: str) -> User | None:
    """The user of this user name or e-mail address, both already folded."""
    return session.scalar(select(User).where(or_(User.name_key == key, User.email_key == key)).limit(1))


def user_by_name(session: Session, key: str) -> User | None:
    return session.scalar(select(User).where(User.name_key == key))


def any_admin(session: Session) -> bool:
    return bool(session.scalar(select(exists().where(User.role == "admin", User.active))))


def token_with_user(session: Session, secret_hash: bytes, at: dt.datetime) -> Sequence[TokenRow]:
    """A living token, its active user and each of the user's memberships: one query over unique indexes."""
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
    return session.scalar(select(ApiToken).where(ApiToken.id == token_id, ApiToken.user_id == user_id))


def token_by_hash(session: Session, secret_hash: bytes) -> ApiToken | None:
    return session.scalar(select(ApiToken).where(ApiToken.secret_hash == secret_hash))


def revoke_seeded_tokens(session: Session, user_id: UUID, at: dt.datetime, *, but: bytes | None = None) -> int:
    """Revoke the tokens that the settings gave this user before, `but` the present one; how many there were."""
    statement = update(ApiToken).where(ApiToken.user_id == user_id, ApiToken.seeded, ApiToken.revoked_at.is_(None))
    if but is not None:
        statement = statement.where(ApiToken.secret_hash != but)
    done = session.execute(statement.values(revoked_at=at).execution_options(synchronize_session=False))
    return done.rowcount if isinstance(done, CursorResult) else 0


def home_workspace(session: Session) -> Workspace | None:
    return session.scalar(select(Workspace).where(Workspace.is_home.is_(True)))


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


def lock_for_seeding(session: Session) -> None:
    """Let one process seed at a time; SQLite's writers already wait for one another."""
    if session.get_bind().dialect.name == "postgresql":
        # Any number will do, as long as nothing else takes the same advisory lock in this database.
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": 0x6F746F73})
