"""The SQL of sessions."""

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, CursorResult, delete, select, update
from sqlalchemy.orm import Session

from otolith.accounts.models import Membership, SpentRefresh, User, UserSession
from otolith.core.actor import WorkspaceRole

# One row for each membership, or a single one without.
SeatRow = tuple[UserSession, User, UUID | None, WorkspaceRole | None]


def _seats(session: Session, at: dt.datetime, *which: ColumnElement[bool]) -> Sequence[SeatRow]:
    """Living sessions, each with its active user and the user's memberships."""
    statement = (
        select(UserSession, User, Membership.workspace_id, Membership.role)
        .join(User, User.id == UserSession.user_id)
        .outerjoin(Membership, Membership.user_id == User.id)
        .where(UserSession.expires_at > at, UserSession.ended_at.is_(None), User.active, *which)
    )
    return [(seat, user, workspace, role) for seat, user, workspace, role in session.execute(statement)]


def seat_by_secret(session: Session, secret_hash: bytes, at: dt.datetime) -> Sequence[SeatRow]:
    """The session that this secret opens at this moment: one query over unique indexes."""
    return _seats(session, at, UserSession.secret_hash == secret_hash, UserSession.access_until > at)


def seat_by_refresh(session: Session, refresh_hash: bytes, at: dt.datetime) -> Sequence[SeatRow]:
    """The session that could be renewed with this secret."""
    return _seats(session, at, UserSession.refresh_hash == refresh_hash)


def seat_by_id(session: Session, session_id: UUID, at: dt.datetime) -> Sequence[SeatRow]:
    """As `seat_by_secret`, for somebody who was let in before and is asked about again."""
    return _seats(session, at, UserSession.id == session_id)


def session_to_renew(session: Session, refresh_hash: bytes) -> tuple[UserSession, User] | None:
    """The session whose refresh secret this is, held against everybody else who would renew it."""
    row = session.execute(
        select(UserSession, User)
        .join(User, User.id == UserSession.user_id)
        .where(UserSession.refresh_hash == refresh_hash)
        .with_for_update(of=UserSession)
    ).first()
    return (row[0], row[1]) if row is not None else None


def spent_refresh(session: Session, refresh_hash: bytes) -> SpentRefresh | None:
    return session.get(SpentRefresh, refresh_hash)


def touch_session(session: Session, session_id: UUID, at: dt.datetime) -> None:
    session.execute(update(UserSession).where(UserSession.id == session_id).values(seen_at=at))


def end_sessions(session: Session, at: dt.datetime, *which: ColumnElement[bool]) -> Sequence[UUID]:
    """End those living sessions for which all conditions hold, and tell whose they were."""
    ended = session.scalars(
        update(UserSession)
        .where(UserSession.ended_at.is_(None), *which)
        .values(ended_at=at)
        .returning(UserSession.user_id)
        .execution_options(synchronize_session=False)
    )
    return sorted(set(ended))


def session_of_secret(secret_hash: bytes) -> ColumnElement[bool]:
    return UserSession.secret_hash == secret_hash


def session_of_refresh(refresh_hash: bytes) -> ColumnElement[bool]:
    """The session of a refresh secret, be it spent or not."""
    spent = select(SpentRefresh.session_id).where(SpentRefresh.refresh_hash == refresh_hash)
    return (UserSession.refresh_hash == refresh_hash) | UserSession.id.in_(spent)


def session_of_user(user_id: UUID, session_id: UUID) -> ColumnElement[bool]:
    return (UserSession.user_id == user_id) & (UserSession.id == session_id)


def sessions_but(user_id: UUID, kept: UUID | None) -> ColumnElement[bool]:
    """All sessions of a user, or all but one."""
    theirs = UserSession.user_id == user_id
    return theirs if kept is None else theirs & (UserSession.id != kept)


def session_by_id(session_id: UUID) -> ColumnElement[bool]:
    return UserSession.id == session_id


def forget_expired(session: Session, at: dt.datetime) -> int:
    done = session.execute(
        delete(UserSession).where(UserSession.expires_at < at).execution_options(synchronize_session=False)
    )
    return done.rowcount if isinstance(done, CursorResult) else 0


def living_sessions(session: Session, user_id: UUID, at: dt.datetime) -> Sequence[UserSession]:
    """A user's devices, the one last seen first."""
    statement = (
        select(UserSession)
        .where(UserSession.user_id == user_id, UserSession.ended_at.is_(None), UserSession.expires_at > at)
        .order_by(UserSession.seen_at.desc(), UserSession.id)
    )
    return session.scalars(statement).all()
