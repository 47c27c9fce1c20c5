"""What accounts can do: say who calls, sign in and out, keep API tokens, and show workspaces."""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog
from sqlalchemy.orm import Session
from starlette.requests import HTTPConnection

from otolith.accounts import queries
from otolith.accounts.credentials import (
    SESSION_COOKIE,
    csrf_of,
    digest,
    new_secret,
    new_token,
    shown_part,
    token_of,
)
from otolith.accounts.models import ApiToken, Membership, User, UserSession, Workspace
from otolith.accounts.names import fold
from otolith.accounts.passwords import passwords_of
from otolith.accounts.seeding import Seeded, seed
from otolith.core.actor import ANONYMOUS, SYSTEM, Actor, ServerRole, WorkspaceRole
from otolith.core.context import Context
from otolith.core.db import now
from otolith.core.errors import NotAllowed, NotAvailable, NotFound, NotSignedIn
from otolith.core.ids import new_id

__all__ = ["Seeded", "authenticate", "seed", "sign_in", "sign_out"]

log = structlog.get_logger(__name__)

SCOPES: dict[str, ServerRole] = {"read": "readonly", "write": "user", "admin": "admin"}
_RANKS: tuple[ServerRole, ...] = ("readonly", "user", "admin")
# Often enough to tell which device is in use, and seldom enough not to make a writer of every reader.
TOUCH_EVERY = dt.timedelta(minutes=1)


class WrongPassword(NotSignedIn):
    """The user name or the password is not right."""


class BadToken(NotSignedIn):
    """This API token is not known, has expired or was revoked."""


class TokenMayNot(NotAllowed):
    """An API token cannot make or revoke tokens unless it has the admin scope; sign in to do this."""


class ScopeTooWide(NotAllowed):
    """A token cannot do more than its user, and one bound to a workspace cannot have the admin scope."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session that has just begun; `secret` belongs into the cookie and is kept nowhere else."""

    user_id: UUID
    user_name: str
    session_id: UUID
    secret: str
    expires_at: dt.datetime

    @property
    def csrf_token(self) -> str:
        return csrf_of(self.secret)


def authenticate(context: Context) -> Callable[[HTTPConnection], Actor]:
    """A function that tells who makes a request. A token wins over a cookie; a wrong token is an error."""

    def find(connection: HTTPConnection) -> Actor:
        token = token_of(connection.headers)
        if token is not None:
            return actor_of_token(context, token)
        secret = connection.cookies.get(SESSION_COOKIE)
        return actor_of_session(context, secret) if secret else ANONYMOUS

    return find


def actor_of_session(context: Context, secret: str) -> Actor:
    """The caller behind a session cookie; nobody when the session has ended or its user was deactivated."""
    at = now()
    with context.database.read(SYSTEM) as session:
        rows = queries.session_with_user(session, digest(secret), at)
    if not rows:
        return ANONYMOUS
    seat, user = rows[0][0], rows[0][1]
    if at - seat.seen_at > TOUCH_EVERY:
        _touch(context, lambda session: queries.touch_session(session, seat.id, at))
    memberships = {workspace: role for _, _, workspace, role in rows if workspace is not None and role is not None}
    return _actor(user, user.role, memberships, session_id=seat.id)


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
    return _actor(user, _capped(user.role, record.scopes), memberships, token_id=record.id)


def _actor(
    user: User,
    role: ServerRole,
    memberships: dict[UUID, WorkspaceRole],
    *,
    session_id: UUID | None = None,
    token_id: UUID | None = None,
) -> Actor:
    return Actor(
        kind="user",
        user_id=user.id,
        user_name=user.name,
        role=role,
        memberships=memberships,
        session_id=session_id,
        token_id=token_id,
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


def sign_in(
    context: Context,
    name: str,
    password: str,
    *,
    address: str = "",
    user_agent: str = "",
    replaces: str | None = None,
) -> SignedIn:
    """Begin a session for the user of this name or e-mail address, or raise `WrongPassword`.

    `replaces` is the secret of a session that the browser already had; it ends, so that none outlives its use.
    """
    passwords = passwords_of(context.settings.accounts)
    key = fold(name)
    with context.database.read(SYSTEM) as session:
        # A name with control characters belongs to nobody, and PostgreSQL would not even look for it.
        user = queries.user_by_key(session, key) if key.isprintable() else None
    known = user.password_hash if user is not None and user.active else None
    # The hash is computed for strangers too, so that the time does not tell who has an account.
    if not passwords.verify(known, password) or user is None or known is None:
        log.info("accounts.sign_in.refused", user_id=user and str(user.id), address=address)
        raise WrongPassword
    fresh = passwords.hash(password) if passwords.outdated(known) else None
    secret, at = new_secret(), now()
    seat_id = new_id()
    seat = UserSession(
        id=seat_id,
        family_id=seat_id,
        secret_hash=digest(secret),
        user_id=user.id,
        user_agent=user_agent[:400],
        address=address[:64],
        created_at=at,
        seen_at=at,
        expires_at=at + dt.timedelta(days=context.settings.accounts.session_days),
    )
    with context.database.write(SYSTEM) as session:
        present = session.get(User, user.id, with_for_update=True)
        if present is None or not present.active or present.password_hash != known:
            raise WrongPassword
        present.signed_in_at = at
        if fresh is not None:
            present.password_hash = fresh
        if replaces:
            queries.end_session(session, digest(replaces), at)
        queries.forget_expired_sessions(session, at)
        session.add(seat)
    log.info("accounts.sign_in.done", user_id=str(user.id), session_id=str(seat_id), address=address)
    return SignedIn(user.id, user.name, seat_id, secret, seat.expires_at)


def sign_out(context: Context, secret: str) -> None:
    """End the session of this cookie; signing out twice is no error."""
    with context.database.write(SYSTEM) as session:
        queries.end_session(session, digest(secret), now())


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
