"""Growing delays for whoever guesses the secret of an account, which lock nobody out of a browser known before.

Each name has one counter for all browsers that never signed in by it, and one for each that did. The first few
mistakes cost nothing; then every further one doubles the time in which no guess is looked at. A name that belongs to
nobody is counted in the same way, so that the delay tells nothing; and so is each of the two names of an account, or
the delay of the one would tell what the other is.
"""

import datetime as dt
import hashlib
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NoReturn
from uuid import UUID

import structlog

from otolith.accounts.credentials import digest
from otolith.accounts.limits import queries
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.db import now
from otolith.core.errors import NotAllowed, NotSignedIn, TooManyRequests

log = structlog.get_logger(__name__)

FREE: Final = 5
LONGEST: Final = dt.timedelta(minutes=15)
FORGET_AFTER: Final = dt.timedelta(days=1)
KNOWN_FOR: Final = dt.timedelta(days=365)


class TooManyGuesses(TooManyRequests):
    """Too many wrong attempts for this account; wait as long as Retry-After says, or use a browser known before."""


def delay_after(failures: int) -> dt.timedelta:
    """How long no guess is looked at after so many failures in a row."""
    if failures < FREE:
        return dt.timedelta()
    return min(LONGEST, dt.timedelta(seconds=2 ** min(failures - FREE, 20)))


@contextmanager
def guessing(
    context: Context,
    account: UUID | str,
    *,
    user: UUID | None = None,
    browser: str | None = None,
    at: dt.datetime | None = None,
) -> Iterator[None]:
    """Surround the check of a secret: raise `TooManyGuesses` before it, and count it where it is refused.

    `account` is what is counted: a folded name, or what else is guessed of a user. `browser` is the secret of the
    cookie that `remember_browser` gave for `user`. A guess is counted before it is looked at, so many at once are no
    way around it.
    """
    if not context.settings.limits.enabled:
        yield
        return
    moment = at or now()
    key = _key(context, account, user or account, browser, moment)
    _begin(context, key, moment)
    try:
        yield
    except (NotSignedIn, NotAllowed):
        raise
    except BaseException:
        with context.database.write(SYSTEM) as session:
            queries.take_back_guess(session, key, moment)
        raise
    with context.database.write(SYSTEM) as session:
        queries.forget_guesses(session, key)


def _key(context: Context, account: UUID | str, user: UUID | str, browser: str | None, at: dt.datetime) -> bytes:
    known = b""
    if browser and isinstance(user, UUID) and knows(context, browser, user, at=at):
        known = digest(browser)
    return hashlib.sha256(b"guess\0" + str(account).encode("utf-8", "replace") + b"\0" + known).digest()


def _begin(context: Context, key: bytes, at: dt.datetime) -> None:
    # Most guesses of an attack are refused here, where they cost no write.
    with context.database.read(SYSTEM) as session:
        known = queries.guesses(session, key)
    if known is not None and known.not_before > at:
        _refuse(known.not_before - at)
    with context.database.write(SYSTEM) as session:
        counter = queries.locked_guesses(session, key, at)
        if counter.expires_at < at:
            counter.failures = 0
        wait = counter.not_before - at
        if wait <= dt.timedelta():
            counter.failures += 1
            counter.not_before = at + delay_after(counter.failures)
            counter.expires_at = at + FORGET_AFTER
    if wait > dt.timedelta():
        _refuse(wait)


def _refuse(wait: dt.timedelta) -> NoReturn:
    seconds = math.ceil(wait.total_seconds())
    log.info("accounts.guess.delayed", seconds=seconds)
    raise TooManyGuesses(headers={"Retry-After": str(seconds)})


def knows(context: Context, browser: str, user_id: UUID, *, at: dt.datetime | None = None) -> bool:
    """Whether the browser of this secret signed in as the user before."""
    with context.database.read(SYSTEM) as session:
        return queries.knows_browser(session, digest(browser), user_id, at or now())


def remember_browser(context: Context, user_id: UUID, browser: str, *, at: dt.datetime | None = None) -> None:
    """Let the browser of this secret have a counter of its own from now on, because it has just signed in."""
    moment = at or now()
    with context.database.write(SYSTEM) as session:
        queries.know_browser(session, digest(browser), user_id, moment + KNOWN_FOR)
