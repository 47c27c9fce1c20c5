"""What administrators do with users, here and through the API; `SYSTEM` is the owner of the machine."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from otolith.accounts.audit import service as audit
from otolith.accounts.links.queries import forget_made_by, forget_of_user
from otolith.accounts.models import User
from otolith.accounts.names import check_address, check_user_name, fold
from otolith.accounts.passwords import passwords_of
from otolith.accounts.people import queries
from otolith.accounts.policy import check_password
from otolith.accounts.queries import user_by_key
from otolith.accounts.sessions.service import end_all
from otolith.core import paging
from otolith.core.actor import SYSTEM, Actor, ServerRole
from otolith.core.context import Context
from otolith.core.db import now
from otolith.core.errors import Conflict, NotAllowed, NotFound
from otolith.core.ids import new_id
from otolith.jobs.service import tell_rights_changed

log = structlog.get_logger(__name__)


class NameTaken(Conflict):
    """Somebody has this user name or e-mail address already."""


class LastAdmin(Conflict):
    """This is the last administrator; make somebody else one first."""


class LastOwner(Conflict):
    """This user is the only owner of a workspace; give it another owner first, or delete it."""


class NoSuchUser(NotFound):
    """There is no such user."""


@dataclass(frozen=True, slots=True)
class UserPage:
    """One page of users, with the cursor of the next page and the length of the whole list."""

    items: list[User]
    next: str | None
    total: int


def must_administrate(actor: Actor) -> None:
    if not actor.is_admin:
        detail = "Only administrators may do this."
        raise NotAllowed(detail)


def list_users(
    context: Context,
    actor: Actor,
    *,
    text: str | None = None,
    cursor: str | None = None,
    limit: int = paging.DEFAULT_LIMIT,
) -> UserPage:
    """The users of this server, oldest first; `text` narrows them down by name and address."""
    must_administrate(actor)
    wanted = fold(text) if text else None
    if wanted is not None and not wanted.isprintable():
        return UserPage([], None, 0)
    with context.database.read(SYSTEM) as session:
        rows = queries.users(session, wanted, _position(cursor), limit + 1)
        items, following = paging.cut(rows, limit, lambda user: (str(user.id),))
        return UserPage(items, following, queries.count_users(session, wanted))


def _position(cursor: str | None) -> UUID | None:
    if cursor is None:
        return None
    try:
        return UUID(str(paging.decode(cursor, 1)[0]))
    except ValueError as error:
        raise paging.BadCursor from error


def get_user(context: Context, actor: Actor, user_id: UUID) -> User:
    must_administrate(actor)
    with context.database.read(SYSTEM) as session:
        user = session.get(User, user_id)
    if user is None:
        raise NoSuchUser
    return user


def user_named(context: Context, name: str) -> User:
    """The user of this name or address, for the owner of the machine."""
    with context.database.read(SYSTEM) as session:
        user = user_by_key(session, fold(name)) if fold(name).isprintable() else None
    if user is None:
        raise NoSuchUser(f"There is no user {name}.")
    return user


def hashed(context: Context, password: str, *about: str) -> str:
    """The hash of a new password, or `WeakPassword`. It takes long, so it is no part of any transaction."""
    settings = context.settings.accounts
    check_password(settings, password, about=about)
    return passwords_of(settings).hash(password)


def create_user(
    context: Context,
    actor: Actor,
    name: str,
    *,
    password: str | None = None,
    email: str | None = None,
    display_name: str = "",
    role: ServerRole = "user",
) -> User:
    """A new user; without a password one that cannot sign in until a link lets them choose it."""
    must_administrate(actor)
    password_hash = hashed(context, password, name, email or "", display_name) if password is not None else None
    with context.database.write(SYSTEM) as session:
        user = add_user(session, name, password_hash=password_hash, email=email, display_name=display_name, role=role)
        audit.record(session, actor, "user.create", on=("user", user.id), after=told(user))
    log.info("accounts.user.created", user_id=str(user.id), by=str(actor.user_id))
    return user


def add_user(
    session: Session,
    name: str,
    *,
    password_hash: str | None,
    email: str | None,
    display_name: str = "",
    role: ServerRole = "user",
) -> User:
    """A new user in the caller's transaction, or `NameTaken`."""
    name = check_user_name(name)
    address = check_address(email) if email else None
    keys = [fold(part) for part in (name, address) if part]
    if queries.taken(session, *keys):
        raise NameTaken
    user = User(
        id=new_id(),
        name=name,
        name_key=fold(name),
        email=address,
        email_key=fold(address) if address else None,
        display_name=display_name,
        role=role,
        password_hash=password_hash,
        created_at=now(),
    )
    session.add(user)
    session.flush()
    return user


def change_user(context: Context, actor: Actor, user_id: UUID, changes: Mapping[str, Any]) -> User:
    """Change what is named of `username`, `email`, `display_name`, `role` and `active`."""
    must_administrate(actor)
    with context.database.write(SYSTEM) as session:
        admins = queries.hold_admins(session)
        user = _held(session, user_id)
        stays = changes.get("role", user.role) == "admin" and changes.get("active", user.active)
        if not stays and list(admins) == [user_id]:
            raise LastAdmin
        before = told(user)
        _rename(session, user, changes)
        user.display_name = changes.get("display_name", user.display_name)
        user.role = changes.get("role", user.role)
        if before["role"] == "admin" != user.role:
            forget_made_by(session, user.id)
        if changes.get("active", user.active) != user.active:
            user.active = not user.active
            if not user.active:
                _put_out(session, user)
        tell_rights_changed(session, user.id)
        was, becomes = _differences(before, told(user))
        audit.record(session, actor, "user.change", on=("user", user.id), before=was, after=becomes)
    log.info("accounts.user.changed", user_id=str(user_id), fields=sorted(changes), by=str(actor.user_id))
    return user


def _held(session: Session, user_id: UUID) -> User:
    user = queries.user_to_change(session, user_id)
    if user is None:
        raise NoSuchUser
    return user


def _rename(session: Session, user: User, changes: Mapping[str, Any]) -> None:
    name = check_user_name(changes.get("username", user.name))
    email = changes.get("email", user.email)
    address = check_address(email) if email else None
    if queries.taken(session, *(fold(part) for part in (name, address) if part), but=user.id):
        raise NameTaken
    if address != user.email:
        # What was sent to the address before is worth nothing now.
        forget_of_user(session, user.id, "reset", "address")
    user.name, user.name_key = name, fold(name)
    user.email, user.email_key = address, fold(address) if address else None


def _put_out(session: Session, user: User) -> None:
    """End whatever lets this user in, or would: sessions, tokens and links, also those they handed out."""
    end_all(session, user.id)
    queries.revoke_tokens(session, user.id, now())
    forget_of_user(session, user.id, "reset", "address", "code")
    forget_made_by(session, user.id)


def delete_user(context: Context, actor: Actor, user_id: UUID) -> None:
    """Delete a user with their sessions, tokens and memberships; what they made stays with its workspace."""
    must_administrate(actor)
    with context.database.write(SYSTEM) as session:
        admins = queries.hold_admins(session)
        user = _held(session, user_id)
        if list(admins) == [user_id]:
            raise LastAdmin
        if alone := queries.owned_alone(session, user_id):
            detail = f"This user is the only owner of {', '.join(alone)}; give it another owner first, or delete it."
            raise LastOwner(detail)
        _put_out(session, user)
        session.flush()
        session.delete(user)
        audit.record(session, actor, "user.delete", on=("user", user_id), before=told(user))
    log.info("accounts.user.deleted", user_id=str(user_id), by=str(actor.user_id))


def told(user: User) -> dict[str, Any]:
    """What the record says of a user."""
    return {
        "username": user.name,
        "email": user.email,
        "display_name": user.display_name,
        "role": user.role,
        "active": user.active,
    }


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of both only what differs."""
    changed = [name for name in after if before.get(name) != after[name]]
    return {name: before.get(name) for name in changed}, {name: after[name] for name in changed}


def set_password(context: Context, actor: Actor, user: User, password: str) -> None:
    """Give a user another password; all their sessions end, and links that were sent for it are worth nothing."""
    new = hashed(context, password, user.name, user.email or "", user.display_name)
    with context.database.write(SYSTEM) as session:
        put_password(session, _held(session, user.id), new)
        audit.record(session, actor, "password.set", on=("user", user.id))
    log.info("accounts.password.set", user_id=str(user.id))


def put_password(session: Session, user: User, new_hash: str, *, stays: UUID | None = None) -> None:
    """Store a new password in the caller's transaction, and end all sessions but the one that `stays`."""
    user.password_hash = new_hash
    end_all(session, user.id, but=stays)
    # Neither may somebody who knew the old one wait with a new address for a way back.
    forget_of_user(session, user.id, "reset", "address", "code")
