"""The SQL of links."""

import datetime as dt
from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from otolith.accounts.models import AccountLink, LinkKind


def _fit(secret_hash: bytes, kinds: Collection[LinkKind], at: dt.datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        AccountLink.secret_hash == secret_hash,
        AccountLink.kind.in_(kinds),
        AccountLink.used_at.is_(None),
        AccountLink.expires_at > at,
    )


def living_link(
    session: Session, secret_hash: bytes, kinds: Collection[LinkKind], at: dt.datetime
) -> AccountLink | None:
    """The link of this secret, if it can still be used."""
    return session.scalar(select(AccountLink).where(*_fit(secret_hash, kinds, at)))


def use_link(session: Session, secret_hash: bytes, kinds: Collection[LinkKind], at: dt.datetime) -> AccountLink | None:
    """Use the link up; of several who come with it at once one alone gets it."""
    statement = update(AccountLink).where(*_fit(secret_hash, kinds, at)).values(used_at=at).returning(AccountLink)
    return session.scalar(statement.execution_options(synchronize_session=False))


def link_by_id(session: Session, link_id: UUID, *, lock: bool = False) -> AccountLink | None:
    statement = select(AccountLink).where(AccountLink.id == link_id)
    return session.scalar(statement.with_for_update() if lock else statement)


def open_invitations(session: Session, at: dt.datetime) -> Sequence[AccountLink]:
    """Invitations that nobody has accepted yet, newest first; for administrators, as the system."""
    statement = (
        select(AccountLink)
        .where(AccountLink.kind == "invitation", AccountLink.used_at.is_(None), AccountLink.expires_at > at)
        .order_by(AccountLink.id.desc())
        .limit(500)
    )
    return session.scalars(statement).all()


def forget_links(session: Session, *which: ColumnElement[bool]) -> None:
    session.execute(delete(AccountLink).where(*which).execution_options(synchronize_session=False))


def forget_expired(session: Session, at: dt.datetime) -> None:
    forget_links(session, AccountLink.expires_at < at)


def forget_of_user(session: Session, user_id: UUID, *kinds: LinkKind) -> None:
    """What was sent before is worth nothing once it was used, or once something newer was sent."""
    forget_links(session, AccountLink.user_id == user_id, AccountLink.kind.in_(kinds))


def forget_made_by(session: Session, user_id: UUID) -> None:
    """What an administrator handed out must not be a way back for whoever is none any more."""
    forget_links(session, AccountLink.created_by == user_id, AccountLink.used_at.is_(None))
