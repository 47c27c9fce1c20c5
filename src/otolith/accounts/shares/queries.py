"""The SQL of shared links."""

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from otolith.accounts.models import Membership, User
from otolith.accounts.shares.models import Share, ShareKind
from otolith.core.actor import Actor, visible_to


def share_by_secret(session: Session, secret_hash: bytes, at: dt.datetime) -> Share | None:
    """The link that works, made by somebody who still belongs to its workspace: one query over unique indexes."""
    return session.scalar(
        select(Share)
        .join(User, User.id == Share.user_id)
        .join(Membership, (Membership.user_id == User.id) & (Membership.workspace_id == Share.workspace_id))
        .where(
            Share.secret_hash == secret_hash,
            Share.revoked_at.is_(None),
            or_(Share.expires_at.is_(None), Share.expires_at > at),
            User.active,
        )
    )


def shares_page(
    session: Session, actor: Actor, kind: ShareKind, item_id: UUID | None, before: UUID | None, limit: int
) -> Sequence[tuple[Share, str]]:
    """Links of the caller's workspaces, newest first, each with the name of who made it."""
    statement = (
        select(Share, User.name)
        .join(User, User.id == Share.user_id)
        .where(visible_to(actor, Share.workspace_id), Share.kind == kind)
        .order_by(Share.id.desc())
        .limit(limit)
    )
    if item_id is not None:
        statement = statement.where(Share.item_id == item_id)
    if before is not None:
        statement = statement.where(Share.id < before)
    return [(share, name) for share, name in session.execute(statement)]


def visible_share(session: Session, actor: Actor, share_id: UUID) -> Share | None:
    return session.scalar(select(Share).where(visible_to(actor, Share.workspace_id), Share.id == share_id))


def touch_share(session: Session, share_id: UUID, at: dt.datetime) -> None:
    session.execute(update(Share).where(Share.id == share_id).values(used_at=at))
