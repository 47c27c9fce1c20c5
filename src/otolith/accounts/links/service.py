"""Inviting, registering, and the ways back to an account: what is asked for, and what the links then do."""

from dataclasses import dataclass, field
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from otolith.accounts.audit import service as audit
from otolith.accounts.limits.guessing import guessing
from otolith.accounts.links import making, queries
from otolith.accounts.links.jobs import MAIL, MailPayload
from otolith.accounts.models import AccountLink, LinkKind, Membership, User, Workspace
from otolith.accounts.names import check_address, check_user_name, fold
from otolith.accounts.passwords import passwords_of
from otolith.accounts.people import queries as people
from otolith.accounts.people.service import (
    NameTaken,
    NoSuchUser,
    add_user,
    hashed,
    must_administrate,
    put_password,
    told,
)
from otolith.accounts.sessions.service import in_person
from otolith.core.actor import SYSTEM, Actor, ServerRole, WorkspaceRole
from otolith.core.context import Context
from otolith.core.db import now
from otolith.core.errors import Conflict, NotAcceptable, NotAllowed, NotFound
from otolith.core.settings import Settings
from otolith.jobs.service import submit

log = structlog.get_logger(__name__)

JOINING: tuple[LinkKind, ...] = ("invitation", "registration")


class NoMail(Conflict):
    """This server sends no mail; ask its administrator for a link."""


class NoRegistration(NotAllowed):
    """Nobody can register here; ask the administrator for an invitation."""


class WrongCurrentPassword(NotAllowed):
    """The present password is not right."""


class AddressWanted(NotAcceptable):
    """An e-mail address is needed for this."""


@dataclass(frozen=True, slots=True)
class Handed:
    """A link that was made: on its way by mail, or with its address for the administrator to hand on."""

    link: AccountLink
    address: str | None = field(default=None, repr=False)


def sends_mail(settings: Settings) -> bool:
    return bool(settings.mail.host)


def _hand(session: Session, settings: Settings, link: AccountLink) -> Handed:
    """Send the link by mail where that can be done, else give its address to whoever asked."""
    making.make_link(session, settings, link)
    if link.address and sends_mail(settings):
        submit(session, MAIL, MailPayload(link_id=link.id))
        return Handed(link)
    return Handed(link, making.arm(settings, link))


def invite(
    context: Context,
    actor: Actor,
    *,
    email: str | None = None,
    role: ServerRole = "user",
    workspace_id: UUID | None = None,
    workspace_role: WorkspaceRole = "viewer",
    language: str = "en",
) -> Handed:
    """Invite somebody who has no account yet, and into a workspace if one is named."""
    must_administrate(actor)
    address = check_address(email) if email else ""
    with context.database.write(SYSTEM) as session:
        if address and people.taken(session, fold(address)):
            raise NameTaken
        if workspace_id is not None and session.get(Workspace, workspace_id) is None:
            detail = "There is no such workspace."
            raise NotFound(detail)
        link = AccountLink(
            kind="invitation",
            address=address,
            role=role,
            workspace_id=workspace_id,
            workspace_role=workspace_role if workspace_id is not None else None,
            language=language,
            created_by=actor.user_id,
        )
        handed = _hand(session, context.settings, link)
        after = {"email": address, "role": role, "workspace_role": link.workspace_role}
        audit.record(
            session, actor, "invitation.create", on=("invitation", link.id), workspace_id=workspace_id, after=after
        )
    log.info("accounts.invitation.made", link_id=str(handed.link.id), by=str(actor.user_id))
    return handed


def invitations(context: Context, actor: Actor) -> list[AccountLink]:
    """Invitations that nobody has accepted yet, newest first."""
    must_administrate(actor)
    with context.database.read(SYSTEM) as session:
        return list(queries.open_invitations(session, now()))


def withdraw(context: Context, actor: Actor, link_id: UUID) -> None:
    """Make an invitation worthless."""
    must_administrate(actor)
    with context.database.write(SYSTEM) as session:
        link = queries.link_by_id(session, link_id, lock=True)
        if link is None or link.kind != "invitation" or link.used_at is not None:
            detail = "There is no such invitation, or it was accepted already."
            raise NotFound(detail)
        session.delete(link)
        audit.record(session, actor, "invitation.delete", on=("invitation", link_id), before={"email": link.address})


def ask_to_register(context: Context, email: str, language: str) -> None:
    """Send a link to an address whose owner wants an account. The answer is the same for every address."""
    if not context.settings.accounts.registration:
        raise NoRegistration
    _send(context, AccountLink(kind="registration", address=check_address(email), role="user", language=language))


def ask_for_password(context: Context, name: str, language: str) -> None:
    """Send a link for a new password to the user of this name or address, if there is one.

    Whether there is one is found out when the mail is sent, so neither the answer nor its time tells.
    """
    if not fold(name).isprintable():
        return
    _send(context, AccountLink(kind="reset", address=name, language=language))


def _send(context: Context, link: AccountLink) -> None:
    if not sends_mail(context.settings):
        raise NoMail
    with context.database.write(SYSTEM) as session:
        making.make_link(session, context.settings, link)
        submit(session, MAIL, MailPayload(link_id=link.id))


def reset_link(context: Context, actor: Actor, user_id: UUID, *, language: str = "en", by_mail: bool = True) -> Handed:
    """A link by which a user chooses a new password, sent to their address or for the administrator to hand on."""
    must_administrate(actor)
    with context.database.write(SYSTEM) as session:
        user = people.user_to_change(session, user_id)
        if user is None:
            raise NoSuchUser
        queries.forget_of_user(session, user_id, "reset")
        link = AccountLink(
            kind="reset",
            user_id=user.id,
            address=(user.email or "") if by_mail else "",
            language=language,
            created_by=actor.user_id,
        )
        handed = _hand(session, context.settings, link)
        audit.record(session, actor, "password.link", on=("user", user_id))
    log.info("accounts.reset.made", user_id=str(user_id), by=str(actor.user_id))
    return handed


def look(context: Context, secret: str) -> AccountLink:
    """What a link is for, without using it; `LinkOver` for one that is worth nothing."""
    with context.database.read(SYSTEM) as session:
        return making.look(session, secret)


def join(context: Context, secret: str, name: str, password: str, *, display_name: str = "") -> User:
    """Accept an invitation or finish a registration: a new user, member of the workspace that the link names."""
    link = look(context, secret)
    check_user_name(name)
    password_hash = hashed(context, password, name, link.address, display_name)
    with context.database.write(SYSTEM) as session:
        used = making.use(session, secret, *JOINING)
        user = add_user(
            session,
            name,
            password_hash=password_hash,
            email=used.address or None,
            display_name=display_name,
            role=used.role or "user",
        )
        if used.workspace_id is not None:
            role = used.workspace_role or "viewer"
            session.add(Membership(workspace_id=used.workspace_id, user_id=user.id, role=role))
        audit.record(session, _themselves(user), "user.join", on=("user", user.id), after=told(user))
    log.info("accounts.user.joined", user_id=str(user.id), link_id=str(link.id))
    return user


def choose_password(context: Context, secret: str, password: str) -> User:
    """Choose a new password by a link; every session of the user ends."""
    link = look(context, secret)
    with context.database.read(SYSTEM) as session:
        user = session.get(User, link.user_id) if link.user_id is not None else None
    if user is None or not user.active:
        raise making.LinkOver
    new = hashed(context, password, user.name, user.email or "", user.display_name)
    with context.database.write(SYSTEM) as session:
        making.use(session, secret, "reset")
        present = people.user_to_change(session, user.id)
        if present is None or not present.active:
            raise making.LinkOver
        put_password(session, present, new)
        audit.record(session, _themselves(present), "password.reset", on=("user", present.id))
    log.info("accounts.password.reset", user_id=str(user.id))
    return present


def _themselves(user: User) -> Actor:
    """Who followed a link: nobody is signed in then, and the link says whose it is."""
    return Actor(kind="user", user_id=user.id, user_name=user.name)


def change_password(context: Context, actor: Actor, current: str, password: str) -> None:
    """Change one's own password; all other sessions end."""
    user = confirmed(context, actor, current)
    new = hashed(context, password, user.name, user.email or "", user.display_name)
    with context.database.write(SYSTEM) as session:
        present = people.user_to_change(session, user.id)
        if present is None or present.password_hash != user.password_hash:
            raise WrongCurrentPassword
        put_password(session, present, new, stays=actor.session_id)
        audit.record(session, actor, "password.change", on=("user", present.id))
    log.info("accounts.password.changed", user_id=str(user.id))


def confirmed(context: Context, actor: Actor, current: str) -> User:
    """The caller's own user, once they have shown that they know the password."""
    user_id = in_person(actor)
    with context.database.read(SYSTEM) as session:
        user = session.get(User, user_id)
    known = user.password_hash if user is not None else None
    # Counted apart from signing in, so that only whoever has a session can slow this down.
    with guessing(context, f"present {user_id}"):
        if not passwords_of(context.settings.accounts).verify(known, current) or user is None:
            raise WrongCurrentPassword
    return user


def change_profile(context: Context, actor: Actor, display_name: str) -> User:
    """Change what the caller wants to be called."""
    user_id = in_person(actor)
    with context.database.write(SYSTEM) as session:
        user = people.user_to_change(session, user_id)
        if user is None:
            raise NoSuchUser
        before = {"display_name": user.display_name}
        user.display_name = display_name
        after = {"display_name": display_name}
        audit.record(session, actor, "user.change", on=("user", user.id), before=before, after=after)
    return user


def ask_for_address(context: Context, actor: Actor, current: str, email: str, language: str) -> None:
    """Send a link to a new address of the caller's, which becomes theirs once it is followed."""
    user = confirmed(context, actor, current)
    address = check_address(email)
    if not sends_mail(context.settings):
        raise NoMail
    with context.database.write(SYSTEM) as session:
        queries.forget_of_user(session, user.id, "address")
        link = AccountLink(kind="address", user_id=user.id, address=address, language=language)
        making.make_link(session, context.settings, link)
        submit(session, MAIL, MailPayload(link_id=link.id))


def confirm_address(context: Context, secret: str) -> User:
    """Let the address that a link was sent to be its user's."""
    with context.database.write(SYSTEM) as session:
        link = making.use(session, secret, "address")
        user = people.user_to_change(session, link.user_id) if link.user_id is not None else None
        if user is None or not user.active:
            raise making.LinkOver
        if people.taken(session, fold(link.address), but=user.id):
            raise NameTaken
        before = {"email": user.email}
        user.email, user.email_key = link.address, fold(link.address)
        after = {"email": user.email}
        audit.record(session, _themselves(user), "user.change", on=("user", user.id), before=before, after=after)
        queries.forget_of_user(session, user.id, "reset")
    log.info("accounts.address.changed", user_id=str(user.id))
    return user
