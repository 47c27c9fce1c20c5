"""Signing in with a password: as slow for strangers as for users, and silent about who has an account."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from otolith.accounts import queries
from otolith.accounts.audit import service as audit
from otolith.accounts.credentials import digest
from otolith.accounts.factors.queries import is_on
from otolith.accounts.factors.service import CHALLENGE_TRIES, CodeWanted, WrongCode, challenge, fits
from otolith.accounts.limits.guessing import guessing
from otolith.accounts.links.making import HALF_SIGNED_IN
from otolith.accounts.links.queries import link_by_id, living_link
from otolith.accounts.models import User
from otolith.accounts.names import fold
from otolith.accounts.passwords import passwords_of
from otolith.accounts.sessions.secrets import SignedIn
from otolith.accounts.sessions.service import begin
from otolith.core.actor import ANONYMOUS, SYSTEM, Actor
from otolith.core.context import Context
from otolith.core.db import now
from otolith.core.errors import NotSignedIn

log = structlog.get_logger(__name__)


class WrongPassword(NotSignedIn):
    """The user name or the password is not right."""


class ChallengeOver(NotSignedIn):
    """That took too long, or too many tries; sign in with your password again."""


def sign_in(
    context: Context,
    name: str,
    password: str,
    *,
    address: str = "",
    user_agent: str = "",
    remember: bool = False,
    replaces: Sequence[str] = (),
    browser: str | None = None,
) -> SignedIn:
    """Begin a session for the user of this name or e-mail address, or raise `WrongPassword`.

    `browser` is the secret of a browser that signed in before, which strangers' guesses do not slow down.
    """
    passwords = passwords_of(context.settings.accounts)
    key = fold(name)
    with context.database.read(SYSTEM) as session:
        # A name with control characters belongs to nobody, and PostgreSQL would not even look for it.
        user = queries.user_by_key(session, key) if key.isprintable() else None
    known = user.password_hash if user is not None and user.active else None
    with guessing(context, key, user=user.id if user is not None else None, browser=browser):
        # The hash is computed for strangers too, so that the time does not tell who has an account.
        if not passwords.verify(known, password) or user is None or known is None:
            _note_refusal(context, user, address)
            raise WrongPassword
    fresh = passwords.hash(password) if passwords.outdated(known) else None
    with context.database.write(SYSTEM) as session:
        present = session.get(User, user.id, with_for_update=True)
        if present is None or not present.active or present.password_hash != known:
            raise WrongPassword
        if fresh is not None:
            present.password_hash = fresh
        wanted = is_on(session, user.id)
        if wanted:
            secret = challenge(session, present, remember=remember)
        else:
            seat = Seat(address, user_agent, remember, replaces)
            signed_in = _begun(context, session, present, seat)
    if wanted:
        raise CodeWanted(challenge=secret)
    log.info("accounts.sign_in.done", user_id=str(user.id), session_id=str(signed_in.session_id), address=address)
    return signed_in


@dataclass(frozen=True, slots=True)
class Seat:
    """What is known of the browser that signs in."""

    address: str = ""
    user_agent: str = ""
    remember: bool = False
    replaces: Sequence[str] = ()


def _begun(context: Context, session: Session, user: User, seat: Seat) -> SignedIn:
    user.signed_in_at = now()
    signed_in = begin(
        session,
        context.settings.accounts,
        user,
        address=seat.address,
        user_agent=seat.user_agent,
        remember=seat.remember,
        replaces=seat.replaces,
    )
    who = Actor(kind="user", user_id=user.id, user_name=user.name, session_id=signed_in.session_id)
    audit.record(session, who, "session.begin", on=("user", user.id), after={"user_agent": seat.user_agent})
    return signed_in


def answer(context: Context, secret: str, code: str, seat: Seat, *, browser: str | None = None) -> SignedIn:
    """Begin the session that `CodeWanted` held back, for a code of the user's app or a recovery code."""
    with context.database.read(SYSTEM) as session:
        link = living_link(session, digest(secret), HALF_SIGNED_IN, now())
    if link is None or link.user_id is None:
        raise ChallengeOver
    # Counted apart from passwords, or whoever knows one could forget the wrong codes by giving it again.
    with guessing(context, f"code {link.user_id}", user=link.user_id, browser=browser):
        signed_in = _answered(context, link.id, link.user_id, code, seat)
        if signed_in is None:
            log.info("accounts.code.refused", user_id=str(link.user_id), address=seat.address)
            raise WrongCode
    log.info("accounts.sign_in.done", user_id=str(link.user_id), session_id=str(signed_in.session_id), code=True)
    return signed_in


def _answered(context: Context, link_id: UUID, user_id: UUID, code: str, seat: Seat) -> SignedIn | None:
    """The session, or nothing for a wrong code, which stays counted."""
    with context.database.write(SYSTEM) as session:
        held = link_by_id(session, link_id, lock=True)
        user = session.get(User, user_id, with_for_update=True)
        if held is None or held.attempts >= CHALLENGE_TRIES or user is None or not user.active:
            raise ChallengeOver
        held.attempts += 1
        if not fits(session, user_id, code):
            return None
        session.delete(held)
        return _begun(context, session, user, replace(seat, remember=held.address == "remember"))


def _note_refusal(context: Context, user: User | None, address: str) -> None:
    log.info("accounts.sign_in.refused", user_id=user and str(user.id), address=address)
    # Written for strangers too, or the time would tell who has an account; without the name of nobody, which may be
    # a password in the wrong field.
    with context.database.write(SYSTEM) as session:
        audit.record(session, ANONYMOUS, "session.refuse", on=("user", user.id if user is not None else "unknown"))
