"""Shared links: made, opened by whoever holds them, and ended."""

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from otolith.accounts.audit.service import record
from otolith.accounts.credentials import digest, new_secret
from otolith.accounts.shares import queries
from otolith.accounts.shares.models import Share, ShareKind
from otolith.accounts.touching import TOUCH_EVERY, touch
from otolith.core.actor import SYSTEM, Actor
from otolith.core.context import Context
from otolith.core.db import now
from otolith.core.errors import NotAllowed, NotFound

log = structlog.get_logger(__name__)


class LinkNotFound(NotFound):
    """This link shows nothing: it has expired, was ended, or what it led to is gone."""


class ShareNotFound(NotFound):
    """There is no such link that you may see."""


class MayNotShare(NotAllowed):
    """You may see this workspace but not share from it; ask its owner for the editor's role."""


def make_share(
    session: Session,
    actor: Actor,
    workspace_id: UUID,
    kind: ShareKind,
    item_id: UUID,
    *,
    note: str = "",
    expires_at: dt.datetime | None = None,
) -> tuple[Share, str]:
    """A new link to one item, and its secret, which is not kept and cannot be shown again."""
    if not actor.may_edit(workspace_id) or actor.user_id is None:
        raise MayNotShare
    secret = new_secret()
    share = Share(
        workspace_id=workspace_id,
        user_id=actor.user_id,
        kind=kind,
        item_id=item_id,
        secret_hash=digest(secret),
        note=note,
        expires_at=expires_at,
    )
    session.add(share)
    session.flush()
    _note(session, actor, "share.create", share)
    return share, secret


def list_shares(
    session: Session,
    actor: Actor,
    kind: ShareKind,
    *,
    item_id: UUID | None = None,
    before: UUID | None = None,
    limit: int,
) -> Sequence[tuple[Share, str]]:
    return queries.shares_page(session, actor, kind, item_id, before, limit)


def end_share(session: Session, actor: Actor, share_id: UUID) -> Share:
    """End a link at once, whoever made it."""
    share = queries.visible_share(session, actor, share_id)
    if share is None:
        raise ShareNotFound
    if not actor.may_edit(share.workspace_id):
        raise MayNotShare
    if share.revoked_at is None:
        share.revoked_at = now()
        _note(session, actor, "share.end", share)
    return share


def _note(session: Session, actor: Actor, action: str, share: Share) -> None:
    told = {share.kind: str(share.item_id), "note": share.note}
    told["expires_at"] = share.expires_at.isoformat() if share.expires_at else "never"
    record(session, actor, action, on=("share", share.id), workspace_id=share.workspace_id, after=told)
    log.info("accounts.share.changed", action=action, share_id=str(share.id), user_id=str(actor.user_id))


def open_share(context: Context, secret: str, kind: ShareKind) -> tuple[Share, Actor]:
    """What a link leads to, and the guest who holds it.

    The guest is a viewer of the workspace towards the database; whoever calls this shows them the one item alone.
    """
    at = now()
    with context.database.read(SYSTEM) as session:
        share = queries.share_by_secret(session, digest(secret), at)
    if share is None or share.kind != kind:
        raise LinkNotFound
    if share.used_at is None or at - share.used_at > TOUCH_EVERY:
        touch(context, lambda session: queries.touch_share(session, share.id, at))
    return share, Actor(kind="guest", memberships={share.workspace_id: "viewer"})
