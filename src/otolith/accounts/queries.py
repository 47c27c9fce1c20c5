"""The SQL of accounts."""

import datetime as dt
from uuid import UUID

from sqlalchemy import CursorResult, exists, or_, select, text, update
from sqlalchemy.orm import Session

from otolith.accounts.models import ApiToken, User, Workspace


def user_by_key(session: Session, key: str) -> User | None:
    """The user of this user name or e-mail address, both already folded."""
    return session.scalar(select(User).where(or_(User.name_key == key, User.email_key == key)).limit(1))


def user_by_name(session: Session, key: str) -> User | None:
    return session.scalar(select(User).where(User.name_key == key))


def user_with_token(
    session: Session, user_id: UUID | None, token_id: UUID | None
) -> tuple[User, ApiToken | None] | None:
    """A user and the token that they came with, if they came with one."""
    statement = select(User, ApiToken).outerjoin(ApiToken, ApiToken.id == token_id).where(User.id == user_id)
    row = session.execute(statement).first()
    return (row[0], row[1]) if row is not None else None


def any_admin(session: Session) -> bool:
    return bool(session.scalar(select(exists().where(User.role == "admin", User.active))))


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


def lock_for_seeding(session: Session) -> None:
    """Let one process seed at a time."""
    _lock(session, 0x6F746F73)


def lock_names(session: Session) -> None:
    """Let one at a time look whether a name is free and take it."""
    _lock(session, 0x6F746F6E)


def _lock(session: Session, key: int) -> None:
    # Any number will do, as long as nothing else takes the same advisory lock in this database; SQLite's writers
    # already wait for one another.
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
