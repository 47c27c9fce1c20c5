"""Switching codes on and off, and asking for one between the password and the session."""

import datetime as dt
from dataclasses import dataclass, field
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from otolith.accounts.audit import service as audit
from otolith.accounts.credentials import digest, new_secret
from otolith.accounts.factors import codes, queries
from otolith.accounts.limits.guessing import guessing
from otolith.accounts.models import AccountLink, CodeGenerator, User
from otolith.core.actor import SYSTEM, Actor
from otolith.core.context import Context
from otolith.core.db import now
from otolith.core.errors import Conflict, NotAllowed, NotSignedIn

log = structlog.get_logger(__name__)

RECOVERY_CODES = 10
CHALLENGE_LASTS = dt.timedelta(minutes=5)
# A code is one of a million, and three fit at any moment.
CHALLENGE_TRIES = 5


class CodeWanted(NotSignedIn):
    """The password is right; give the code from your app as well."""


class WrongCode(NotSignedIn):
    """This code is not right, or was used already; wait for the next one."""


class CodeNotRight(NotAllowed):
    """The code is not right; look whether the clock of the device is."""


class CodesAreOn(Conflict):
    """Codes are asked for already; switch them off first."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What an app needs to make codes; shown once."""

    secret: str = field(repr=False)
    address: str = field(repr=False)


def begin_setup(context: Context, user: User) -> Setup:
    """A generator for the app of a user who has shown their password; it counts once a code of it is confirmed."""
    secret = codes.new_generator()
    with context.database.write(SYSTEM) as session:
        # Of two who set them up at once one comes after the other.
        session.get(User, user.id, with_for_update=True)
        if queries.is_on(session, user.id):
            raise CodesAreOn
        queries.remove(session, user.id)
        session.add(CodeGenerator(user_id=user.id, secret=secret))
    return Setup(secret, codes.address(secret, "Otolith", user.name))


def finish_setup(context: Context, actor: Actor, user_id: UUID, code: str) -> list[str]:
    """Ask for codes from now on, once one of them was right; the recovery codes, which are kept nowhere."""
    fresh = [codes.new_recovery_code() for _ in range(RECOVERY_CODES)]
    with guessing(context, f"setup {user_id}"), context.database.write(SYSTEM) as session:
        generator = queries.generator(session, user_id, lock=True)
        if generator is None or generator.confirmed_at is not None:
            raise CodesAreOn
        at = now()
        step = codes.matching_step(generator.secret, code, at.timestamp(), generator.last_step)
        if step is None:
            raise CodeNotRight
        generator.confirmed_at, generator.last_step = at, step
        queries.replace_recovery_codes(session, user_id, [digest(codes.plain_recovery_code(one)) for one in fresh])
        audit.record(session, actor, "codes.on", on=("user", user_id))
    log.info("accounts.codes.on", user_id=str(user_id))
    return fresh


def switch_off(context: Context, actor: Actor, user_id: UUID) -> None:
    """Ask this user for no more codes."""
    with context.database.write(SYSTEM) as session:
        queries.remove(session, user_id)
        audit.record(session, actor, "codes.off", on=("user", user_id))
    log.info("accounts.codes.off", user_id=str(user_id))


def challenge(session: Session, user: User, *, remember: bool) -> str:
    """What lets a browser that knew the password come back with a code, for a few minutes and a few tries."""
    secret, at = new_secret(), now()
    session.add(
        AccountLink(
            kind="code",
            secret_hash=digest(secret),
            user_id=user.id,
            address="remember" if remember else "",
            created_at=at,
            expires_at=at + CHALLENGE_LASTS,
        )
    )
    return secret


def fits(session: Session, user_id: UUID, code: str) -> bool:
    """Whether this is a code of the user's app or one of their recovery codes; either works once."""
    generator = queries.generator(session, user_id, lock=True)
    if generator is None or generator.confirmed_at is None:
        return False
    at = now()
    step = codes.matching_step(generator.secret, code, at.timestamp(), generator.last_step)
    if step is not None:
        generator.last_step = step
        return True
    return queries.use_recovery_code(session, user_id, digest(codes.plain_recovery_code(code)), at)


def state(context: Context, actor: Actor) -> int | None:
    """How many recovery codes the caller has left; nothing where no codes are asked for."""
    if actor.user_id is None:
        return None
    with context.database.read(SYSTEM) as session:
        return queries.recovery_codes_left(session, actor.user_id) if queries.is_on(session, actor.user_id) else None
