"""What the cookies of a session hold, and how one pair of secrets follows another."""

import base64
import datetime as dt
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from uuid import UUID

from otolith.accounts.credentials import SEED_MARK, csrf_of, new_secret


@dataclass(frozen=True, slots=True)
class Pair:
    """The two secrets of a session: one for every request, one to renew both with."""

    access: str
    refresh: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session as its browser is to hold it; the secrets belong into the cookies and are kept nowhere else."""

    user_id: UUID
    user_name: str
    session_id: UUID
    secret: str = field(repr=False)
    refresh: str = field(repr=False)
    access_until: dt.datetime
    expires_at: dt.datetime

    @property
    def csrf_token(self) -> str:
        return csrf_of(self.secret)


def first_pair() -> Pair:
    """New secrets with one seed, so that the CSRF token, which follows from the seed, outlives their renewal."""
    seed = secrets.token_urlsafe(16).replace(SEED_MARK, "")
    return Pair(f"{seed}{SEED_MARK}{new_secret()}", f"{seed}{SEED_MARK}{new_secret()}")


def successor(refresh: str, nonce: bytes) -> Pair:
    """The pair that follows a spent refresh secret: the same for all who come with it, and for nobody else.

    It takes both the secret, which only the browser had, and the nonce, which only the database has. So neither a
    stolen cookie nor a stolen table leads to what comes next.
    """
    seed = refresh.partition(SEED_MARK)[0]
    return Pair(*(f"{seed}{SEED_MARK}{_derived(refresh, nonce, purpose)}" for purpose in (b"access", b"refresh")))


def _derived(refresh: str, nonce: bytes, purpose: bytes) -> str:
    raw = hmac.new(refresh.encode(), purpose + nonce, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
