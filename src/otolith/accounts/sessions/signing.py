"""Signing in with a password: as slow for strangers as for users, and silent about who has an account."""

from collections.abc import Sequence

import structlog

from otolith.accounts import queries
from otolith.accounts.audit import service as audit
from otolith.accounts.limits.guessing import guessing
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
    with guessing(context, user.id if user is not None else key, browser=browser):
        # The hash is computed for strangers too, so that the time does not tell who has an account.
        if not passwords.verify(known, password) or user is None or known is None:
            _note_refusal(context, user, address)
            raise WrongPassword
    fresh = passwords.hash(password) if passwords.outdated(known) else None
    with context.database.write(SYSTEM) as session:
        present = session.get(User, user.id, with_for_update=True)
        if present is None or not present.active or present.password_hash != known:
            raise WrongPassword
        present.signed_in_at = now()
        if fresh is not None:
            present.password_hash = fresh
        signed_in = begin(
            session,
            context.settings.accounts,
            present,
            address=address,
            user_agent=user_agent,
            remember=remember,
            replaces=replaces,
        )
        who = Actor(kind="user", user_id=user.id, user_name=present.name, session_id=signed_in.session_id)
        audit.record(session, who, "session.begin", on=("user", user.id), after={"user_agent": user_agent})
    log.info("accounts.sign_in.done", user_id=str(user.id), session_id=str(signed_in.session_id), address=address)
    return signed_in


def _note_refusal(context: Context, user: User | None, address: str) -> None:
    log.info("accounts.sign_in.refused", user_id=user and str(user.id), address=address)
    # Written for strangers too, or the time would tell who has an account; without the name of nobody, which may be
    # a password in the wrong field.
    with context.database.write(SYSTEM) as session:
        audit.record(session, ANONYMOUS, "session.refuse", on=("user", user.id if user is not None else "unknown"))
