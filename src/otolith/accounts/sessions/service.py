"""Sessions from signing in to signing out, and their renewal in between."""

import datetime as dt
import secrets
from collections.abc import Sequence
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from otolith.accounts.credentials import digest
from otolith.accounts.models import SpentRefresh, User, UserSession
from otolith.accounts.sessions import queries
from otolith.accounts.sessions.secrets import Pair, SignedIn, first_pair, successor
from otolith.core.actor import SYSTEM, Actor
from otolith.core.context import Context
from otolith.core.db import now
from otolith.core.errors import NotAllowed, NotFound, NotSignedIn
from otolith.core.ids import new_id
from otolith.core.settings import AccountSettings
from otolith.jobs.service import tell_rights_changed

log = structlog.get_logger(__name__)

# Requests that were under way together come with the same refresh secret; whoever comes later has stolen it.
GRACE = dt.timedelta(seconds=30)


class SessionOver(NotSignedIn):
    """This session has ended; sign in again."""


class NotInPerson(NotAllowed):
    """An API token cannot do this unless it has the admin scope; sign in to do it."""


def in_person(actor: Actor) -> UUID:
    """The caller's id, where it is a person with a session, or a token of an administrator."""
    if actor.user_id is None:
        raise NotSignedIn
    if actor.token_id is not None and not actor.is_admin:
        raise NotInPerson
    return actor.user_id


def begin(
    session: Session,
    settings: AccountSettings,
    user: User,
    *,
    address: str = "",
    user_agent: str = "",
    remember: bool = False,
    replaces: Sequence[str] = (),
) -> SignedIn:
    """A new session of the user, in the caller's transaction.

    `replaces` are the cookies that the browser already had; their session ends, so that none outlives its use.
    """
    at, pair = now(), first_pair()
    for cookie in replaces:
        given = digest(cookie)
        queries.end_sessions(session, at, queries.session_of_secret(given) | queries.session_of_refresh(given))
    queries.forget_expired(session, at)
    seat = UserSession(
        id=new_id(),
        user_id=user.id,
        remembered=remember,
        user_agent=user_agent[:400],
        address=address[:64],
        created_at=at,
        seen_at=at,
    )
    _arm(seat, pair, settings, at)
    session.add(seat)
    return _signed_in(seat, user, pair)


def _arm(seat: UserSession, pair: Pair, settings: AccountSettings, at: dt.datetime) -> None:
    """Let the session be opened by this pair from now on."""
    days = settings.remember_days if seat.remembered else settings.session_days
    last = seat.created_at + dt.timedelta(days=settings.longest_days)
    seat.secret_hash, seat.refresh_hash = digest(pair.access), digest(pair.refresh)
    seat.expires_at = min(at + dt.timedelta(days=days), last)
    seat.access_until = min(at + dt.timedelta(minutes=settings.access_minutes), seat.expires_at)


def _signed_in(seat: UserSession, user: User, pair: Pair) -> SignedIn:
    return SignedIn(user.id, user.name, seat.id, pair.access, pair.refresh, seat.access_until, seat.expires_at)


def renew(context: Context, refresh: str) -> SignedIn | None:
    """The session with new secrets for this refresh secret, or nothing for one that is worth nothing any more.

    Those who come with the same secret within `GRACE` get the same successor. Who comes later holds a copy, or is
    robbed by somebody who does; nobody can tell which, so the session ends for both.
    """
    at = now()
    with context.database.write(SYSTEM) as session:
        found = queries.session_to_renew(session, digest(refresh))
        if found is None:
            return _after_renewal(session, refresh, at)
        seat, user = found
        if not _lives(seat, user, at):
            return None
        nonce = secrets.token_bytes(32)
        pair = successor(refresh, nonce)
        session.add(SpentRefresh(refresh_hash=seat.refresh_hash, session_id=seat.id, nonce=nonce, spent_at=at))
        _arm(seat, pair, context.settings.accounts, at)
        seat.seen_at = at
    log.info("accounts.session.renewed", session_id=str(seat.id))
    return _signed_in(seat, user, pair)


def _after_renewal(session: Session, refresh: str, at: dt.datetime) -> SignedIn | None:
    """What a spent secret is still good for: its successor for a moment, and then the end of the session."""
    spent = queries.spent_refresh(session, digest(refresh))
    if spent is None:
        return None
    if at - spent.spent_at > GRACE:
        for user_id in queries.end_sessions(session, at, queries.session_by_id(spent.session_id)):
            tell_rights_changed(session, user_id)
            log.warning("accounts.session.reused", session_id=str(spent.session_id), user_id=str(user_id))
        return None
    pair = Pair("", refresh)
    while (step := queries.spent_refresh(session, digest(pair.refresh))) is not None:
        pair = successor(pair.refresh, step.nonce)
    found = queries.session_to_renew(session, digest(pair.refresh))
    if found is None or not _lives(*found, at):
        return None
    return _signed_in(*found, pair)


def _lives(seat: UserSession, user: User, at: dt.datetime) -> bool:
    return seat.ended_at is None and seat.expires_at > at and user.active


def current_refresh(session: Session, refresh: str, at: dt.datetime) -> bytes:
    """The hash by which to find the session of a refresh secret that is not to be spent, as in a WebSocket."""
    given = digest(refresh)
    spent = queries.spent_refresh(session, given)
    while spent is not None and at - spent.spent_at <= GRACE:
        refresh = successor(refresh, spent.nonce).refresh
        given = digest(refresh)
        spent = queries.spent_refresh(session, given)
    return given


def sign_out(context: Context, cookies: Sequence[str]) -> None:
    """End the session of these cookies; signing out twice is no error."""
    at = now()
    with context.database.write(SYSTEM) as session:
        for cookie in cookies:
            given = digest(cookie)
            which = queries.session_of_secret(given) | queries.session_of_refresh(given)
            for user_id in queries.end_sessions(session, at, which):
                tell_rights_changed(session, user_id)


def devices(session: Session, actor: Actor) -> Sequence[UserSession]:
    """The caller's own living sessions, the one last seen first."""
    assert actor.user_id is not None  # noqa: S101 -- Only people reach this.
    return queries.living_sessions(session, actor.user_id, now())


def end_device(context: Context, actor: Actor, session_id: UUID) -> None:
    """End one of the caller's sessions at once, wherever it is open."""
    user_id = in_person(actor)
    with context.database.write(SYSTEM) as session:
        if not queries.end_sessions(session, now(), queries.session_of_user(user_id, session_id)):
            detail = "You have no such session, or it has ended."
            raise NotFound(detail)
        tell_rights_changed(session, user_id)
    log.info("accounts.session.ended", session_id=str(session_id), user_id=str(user_id))


def end_other_devices(context: Context, actor: Actor) -> None:
    """End all sessions of the caller's but the one that asks."""
    user_id = in_person(actor)
    with context.database.write(SYSTEM) as session:
        end_all(session, user_id, but=actor.session_id)


def end_all(session: Session, user_id: UUID, *, but: UUID | None = None) -> None:
    """End the sessions of a user in the caller's transaction, `but` the one that may stay."""
    queries.end_sessions(session, now(), queries.sessions_but(user_id, but))
    tell_rights_changed(session, user_id)
