"""Granting features to people by name, and taking them away again."""

from collections.abc import Collection
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from otolith.accounts.audit.service import record
from otolith.accounts.features import features_of, in_order, known
from otolith.accounts.granting.schemas import GrantOut
from otolith.accounts.models import User
from otolith.accounts.rights import rights_changed
from otolith.accounts.tokens.service import must_give_access
from otolith.core.actor import Actor
from otolith.core.errors import NotAllowed, NotFound
from otolith.core.features import Feature
from otolith.core.settings import AccountSettings

log = structlog.get_logger(__name__)


class UserNotFound(NotFound):
    """There is no such user."""


def grant_of(session: Session, actor: Actor, user_id: UUID, settings: AccountSettings) -> GrantOut:
    """What somebody may use; for administrators, and for everybody about themselves."""
    if not actor.is_admin and actor.user_id != user_id:
        raise NotAllowed
    return _out(_present(session, user_id), settings)


def grant(
    session: Session, actor: Actor, user_id: UUID, features: Collection[Feature] | None, settings: AccountSettings
) -> GrantOut:
    """Let somebody use exactly these features, or what their role brings; it counts from their next request on."""
    must_give_access(actor)
    if not actor.is_admin:
        raise NotAllowed
    user = _present(session, user_id)
    before, user.features = user.features, None if features is None else list(in_order(features))
    record(
        session,
        actor,
        "user.grant",
        on=("user", user_id),
        before={"features": before},
        after={"features": user.features},
    )
    rights_changed(session, user_id)
    log.info("accounts.user.granted", user_id=str(user_id), features=user.features)
    return _out(user, settings)


def _present(session: Session, user_id: UUID) -> User:
    user = session.get(User, user_id)
    if user is None:
        raise UserNotFound
    return user


def _out(user: User, settings: AccountSettings) -> GrantOut:
    return GrantOut(
        user_id=user.id,
        username=user.name,
        role=user.role,
        granted=None if user.features is None else in_order(known(user.features)),
        features=in_order(features_of(user.role, user.features, settings)),
    )
