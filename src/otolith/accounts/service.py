"""What accounts can do: say who calls, keep API tokens, and show workspaces."""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog
from sqlalchemy.orm import Session
from starlette.requests import HTTPConnection

from otolith.accounts import queries
from otolith.accounts.credentials import digest, new_token, shown_part, token_of
from otolith.accounts.models import ApiToken, Membership, User, Workspace
from otolith.accounts.seeding import Seeded, seed
from otolith.accounts.sessions.callers import actor_of_browser
from otolith.core.actor import SYSTEM, Actor, ServerRole
from otolith.core.context import Context
from otolith.core.db import now
from otolith.core.errors import NotAllowed, NotAvailable, NotFound, NotSignedIn
from otolith.core.ids import new_id

__all__ = ["Seeded", "authenticate", "seed"]

log = structlog.get_logger(__name__)

SCOPES: dict[str, ServerRole] = {"read": "readonly", "write": "user", "admin": "admin"}
_RANKS: tuple[ServerRole, ...] = ("readonly", "user", "admin")
# Often enough to tell which device is in use, and seldom enough not to make a writer of every reader.
TOUCH_EVERY = dt.timedelta(minutes=1)


class BadToken(NotSignedIn):
    """This API token is not known, has expired or was revoked."""


class TokenMayNot(NotAllowed):
    """An API token cannot make or revoke tokens unless it has the admin scope; sign in to do this."""


class ScopeTooWide(NotAllowed):
    """A token cannot do more than its user, and one bound to a workspace cannot have the admin scope."""


def authenticate(context: Context) -> Callable[[HTTPConnection], Actor]:
    """A function that tells who makes a request. A token wins over a cookie; a wrong token is an error."""

    def find(connection: HTTPConnection) -> Actor:
        token = token_of(connection.headers)
        if token is not None:
            return actor_of_token(context, token)
        return actor_of_browser(context, connection)

    return find


def actor_of_token(context: Context, token: str) -> Actor:
    """The caller behind an API token, who may do what both the user and the token's scopes allow."""
    at = now()
    with context.database.read(SYSTEM) as session:
        rows = queries.token_with_user(session, digest(token), at)
    if not rows:
        raise BadToken(headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
    record, user = rows[0][0], rows[0][1]
    if record.used_at is None or at - record.used_at > TOUCH_EVERY:
        _touch(context, lambda session: queries.touch_token(session, record.id, at))
    bound = record.workspace_id
    memberships = {
        workspace: role
        for _, _, workspace, role in rows
        if workspace is not None and role is not None and bound in (None, workspace)
    }
    return Actor(
        kind="user",
        user_id=user.id,
        user_name=user.name,
        role=_capped(user.role, record.scopes),
        memberships=memberships,
        token_id=record.id,
    )


def _capped(role: ServerRole, scopes: Iterable[str]) -> ServerRole:
    granted = max((_RANKS.index(SCOPES[scope]) for scope in scopes if scope in SCOPES), default=0)
    return _RANKS[min(granted, _RANKS.index(role))]


def _touch(context: Context, mark: Callable[[Session], None]) -> None:
    # When the mark cannot be set, the request itself can still be answered.
    try:
        with context.database.write(SYSTEM) as session:
            mark(session)
    except NotAvailable:
        log.warning("accounts.touch.failed")


@dataclass(frozen=True, slots=True)
class Self:
    """What callers may know about themselves."""

    user: User
    token: ApiToken | None
    workspaces: Sequence[Workspace]


def whoami(session: Session, actor: Actor) -> Self:
    user = session.get(User, actor.user_id)
    if user is None:
        raise NotSignedIn
    token = session.get(ApiToken, actor.token_id) if actor.token_id else None
    return Self(user, token, queries.visible_workspaces(session, actor))


def create_token(
    session: Session,
    actor: Actor,
    name: str,
    *,
    scopes: Sequence[str] = ("read", "write"),
    workspace_id: UUID | None = None,
    expires_at: dt.datetime | None = None,
) -> tuple[ApiToken, str]:
    """A new token of the caller's, and the secret itself, which is not kept and cannot be shown again."""
    _may_manage_tokens(actor)
    widest = max(_RANKS.index(SCOPES[scope]) for scope in scopes)
    if widest > _RANKS.index(actor.role) or (workspace_id is not None and "admin" in scopes):
        raise ScopeTooWide
    if workspace_id is not None and not actor.may_see(workspace_id):
        detail = "There is no such workspace that you may see."
        raise NotFound(detail)
    secret = new_token()
    token = ApiToken(
        user_id=actor.user_id,
        workspace_id=workspace_id,
        name=name,
        prefix=shown_part(secret),
        secret_hash=digest(secret),
        scopes=sorted(set(scopes)),
        expires_at=expires_at,
    )
    session.add(token)
    session.flush()
    log.info("accounts.token.created", token_id=str(token.id), user_id=str(actor.user_id))
    return token, secret


def list_tokens(session: Session, actor: Actor) -> Sequence[ApiToken]:
    """The caller's own tokens, newest first."""
    assert actor.user_id is not None  # noqa: S101 -- Only people reach this.
    return queries.tokens_of(session, actor.user_id)


def revoke_token(session: Session, actor: Actor, token_id: UUID) -> ApiToken:
    """End one of the caller's tokens at once; a program that holds it is refused from the next request on."""
    _may_manage_tokens(actor)
    assert actor.user_id is not None  # noqa: S101 -- Only people reach this.
    token = queries.token_of_user(session, actor.user_id, token_id)
    if token is None:
        detail = "You have no such token."
        raise NotFound(detail)
    if token.revoked_at is None:
        token.revoked_at = now()
        log.info("accounts.token.revoked", token_id=str(token.id), user_id=str(actor.user_id))
    return token


def _may_manage_tokens(actor: Actor) -> None:
    if actor.token_id is not None and not actor.is_admin:
        raise TokenMayNot


def list_workspaces(session: Session, actor: Actor) -> Sequence[Workspace]:
    return queries.visible_workspaces(session, actor)


def list_members(session: Session, actor: Actor, workspace_id: UUID) -> Sequence[tuple[User, Membership]]:
    if queries.visible_workspace(session, actor, workspace_id) is None:
        detail = "There is no such workspace that you may see."
        raise NotFound(detail)
    return [(user, membership) for user, membership in queries.members_of(session, actor, workspace_id)]


def create_workspace(context: Context, actor: Actor, name: str) -> Workspace:
    """A new workspace that the caller owns. The system writes it, since nobody is a member of it yet."""
    if actor.role == "readonly" or actor.user_id is None:
        raise NotAllowed
    workspace = Workspace(id=new_id(), name=name)
    with context.database.write(SYSTEM) as session:
        session.add(workspace)
        session.flush()
        session.add(Membership(workspace_id=workspace.id, user_id=actor.user_id, role="owner"))
    log.info("accounts.workspace.created", workspace_id=str(workspace.id), user_id=str(actor.user_id))
    return workspace


def home_workspace(session: Session) -> Workspace:
    """The workspace of the first start; the commands of the machine's owner work in it."""
    workspace = queries.home_workspace(session)
    if workspace is None:
        detail = "This data folder was never started; run `otolith up` or `otolith migrate` first."
        raise NotFound(detail)
    return workspace
