"""API tokens: who calls with one, and making, rotating and revoking them."""

from collections.abc import Sequence
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from otolith.accounts.actors import RANKS, SCOPES, actor_with_token
from otolith.accounts.audit.service import record
from otolith.accounts.credentials import digest, new_token, shown_part
from otolith.accounts.models import ApiToken
from otolith.accounts.networks import allows
from otolith.accounts.rights import rights_changed
from otolith.accounts.tokens import queries
from otolith.accounts.tokens.schemas import TokenIn
from otolith.accounts.touching import TOUCH_EVERY, touch
from otolith.core.actor import SYSTEM, Actor
from otolith.core.context import Context
from otolith.core.db import now
from otolith.core.errors import Conflict, NotAllowed, NotFound, NotSignedIn

log = structlog.get_logger(__name__)

CHALLENGE = {"WWW-Authenticate": 'Bearer error="invalid_token"'}


class BadToken(NotSignedIn):
    """This API token is not known, has expired or was revoked."""


class WrongNetwork(NotSignedIn):
    """This API token may not be used from where you are; its list of networks says from where."""


class TokenMayNot(NotAllowed):
    """An API token cannot give access to others unless it has the admin scope; sign in to do this."""


class ScopeTooWide(NotAllowed):
    """A token cannot do more than its user, and one bound to a workspace cannot have the admin scope."""


class FeatureTooWide(NotAllowed):
    """A token cannot use a feature that its user was not granted."""


class TokenNotFound(NotFound):
    """You have no such token."""


class TokenOver(Conflict):
    """This token was revoked or has expired, and is not given a new secret; make another one."""


class TokenOfSettings(Conflict):
    """The settings of the server give this token; change it there."""


def actor_of_token(context: Context, token: str, host: str = "") -> Actor:
    """The caller behind an API token, who may do what both the user and the token allow."""
    at = now()
    with context.database.read(SYSTEM) as session:
        rows = queries.token_with_user(session, digest(token), at)
    if not rows:
        raise BadToken(headers=CHALLENGE)
    record, user = rows[0][0], rows[0][1]
    if not allows(record.networks, host):
        log.info("accounts.token.elsewhere", token_id=str(record.id), address=host)
        raise WrongNetwork(headers=CHALLENGE)
    if record.used_at is None or at - record.used_at > TOUCH_EVERY:
        touch(context, lambda session: queries.touch_token(session, record.id, at))
    memberships = {workspace: role for _, _, workspace, role in rows if workspace is not None and role is not None}
    return actor_with_token(user, memberships, record, context.settings.accounts)


def must_give_access(actor: Actor) -> None:
    """Only whoever signed in, or a token that may administrate, hands out access to others."""
    if actor.token_id is not None and not actor.is_admin:
        raise TokenMayNot


def create_token(session: Session, actor: Actor, wish: TokenIn) -> tuple[ApiToken, str]:
    """A new token of the caller's, and the secret itself, which is not kept and cannot be shown again."""
    must_give_access(actor)
    assert actor.user_id is not None  # noqa: S101 -- Only people reach this.
    widest = max(RANKS.index(SCOPES[scope]) for scope in wish.scopes)
    if widest > RANKS.index(actor.role) or (wish.workspace_id is not None and "admin" in wish.scopes):
        raise ScopeTooWide
    if not all(actor.may_use(feature) for feature in wish.features or ()):
        raise FeatureTooWide
    if wish.workspace_id is not None and not actor.may_see(wish.workspace_id):
        raise NotFound("There is no such workspace that you may see.")
    return add_token(session, actor, actor.user_id, wish)


def add_token(session: Session, actor: Actor, user_id: UUID, wish: TokenIn) -> tuple[ApiToken, str]:
    """A new token of any user's, for whoever may decide that."""
    secret = new_token()
    token = ApiToken(
        user_id=user_id,
        workspace_id=wish.workspace_id,
        name=wish.name,
        prefix=shown_part(secret),
        secret_hash=digest(secret),
        scopes=sorted(set(wish.scopes)),
        features=None if wish.features is None else sorted(set(wish.features)),
        networks=list(dict.fromkeys(wish.networks)),
        expires_at=wish.expires_at,
    )
    session.add(token)
    session.flush()
    _note(session, actor, "token.create", token)
    return token, secret


def list_tokens(session: Session, actor: Actor) -> Sequence[ApiToken]:
    """The caller's own tokens, newest first."""
    assert actor.user_id is not None  # noqa: S101 -- Only people reach this.
    return queries.tokens_of(session, actor.user_id)


def rotate_token(session: Session, actor: Actor, token_id: UUID) -> tuple[ApiToken, str]:
    """Give one of the caller's tokens a new secret; the one before is refused from the next request on."""
    must_give_access(actor)
    return renew_secret(session, actor, _own(session, actor, token_id))


def renew_secret(session: Session, actor: Actor, token: ApiToken) -> tuple[ApiToken, str]:
    if token.seeded:
        raise TokenOfSettings
    if token.revoked_at is not None or (token.expires_at is not None and token.expires_at <= now()):
        raise TokenOver
    secret = new_token()
    token.prefix, token.secret_hash = shown_part(secret), digest(secret)
    _note(session, actor, "token.rotate", token)
    rights_changed(session, token.user_id)
    return token, secret


def revoke_token(session: Session, actor: Actor, token_id: UUID) -> ApiToken:
    """End one of the caller's tokens at once; a program that holds it is refused from the next request on."""
    must_give_access(actor)
    return end_token(session, actor, _own(session, actor, token_id))


def end_token(session: Session, actor: Actor, token: ApiToken) -> ApiToken:
    if token.revoked_at is None:
        token.revoked_at = now()
        _note(session, actor, "token.revoke", token)
        rights_changed(session, token.user_id)
    return token


def _note(session: Session, actor: Actor, action: str, token: ApiToken) -> None:
    told = {
        "name": token.name,
        "user_id": str(token.user_id),
        "scopes": token.scopes,
        "features": token.features,
        "networks": token.networks,
        "expires_at": token.expires_at.isoformat() if token.expires_at else None,
    }
    record(session, actor, action, on=("token", token.id), workspace_id=token.workspace_id, after=told)
    log.info("accounts.token.changed", action=action, token_id=str(token.id), user_id=str(token.user_id))


def any_token(session: Session, token_id: UUID) -> ApiToken:
    """The token of anybody, for the system."""
    token = queries.token_among(session, token_id)
    if token is None:
        raise TokenNotFound("There is no such token.")
    return token


def _own(session: Session, actor: Actor, token_id: UUID) -> ApiToken:
    assert actor.user_id is not None  # noqa: S101 -- Only people reach this.
    token = queries.token_of_user(session, actor.user_id, token_id)
    if token is None:
        raise TokenNotFound
    return token
