"""What callers carry: session and CSRF cookies, API tokens, and where in a request each may stand."""

import base64
import datetime as dt
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Protocol

from starlette.datastructures import Headers
from starlette.responses import Response

from otolith.core.settings import Settings

SESSION_COOKIE = "otolith_session"
REFRESH_COOKIE = "otolith_refresh"
CSRF_COOKIE = "otolith_csrf"
CSRF_HEADER = "x-csrf-token"
CSRF_FIELD = "csrf_token"
TOKEN_PREFIX = "oto_"  # noqa: S105 -- A marker by which scanners find leaked tokens, no secret itself.
SHOWN_LENGTH = len(TOKEN_PREFIX) + 4
# What stands before it is the seed of the CSRF token, the same in both cookies of a session for as long as it lives.
SEED_MARK = "."


class SessionSecrets(Protocol):
    """What a browser is to hold of a session."""

    @property
    def secret(self) -> str: ...
    @property
    def refresh(self) -> str: ...
    @property
    def access_until(self) -> dt.datetime: ...
    @property
    def expires_at(self) -> dt.datetime: ...


def new_secret() -> str:
    """256 random bits; so many that a plain SHA-256 is enough to store them by."""
    return secrets.token_urlsafe(32)


def new_token() -> str:
    return TOKEN_PREFIX + new_secret()


def digest(secret: str) -> bytes:
    """What is stored of a secret, and by what it is found: one look-up in an index."""
    return hashlib.sha256(secret.encode()).digest()


def shown_part(token: str) -> str:
    """As much of a token as its owner needs to tell it from others; nothing of a short one of their own making."""
    return token[:SHOWN_LENGTH] if token.startswith(TOKEN_PREFIX) else ""


def csrf_of(session_secret: str) -> str:
    """The CSRF token of a session. It follows from the cookie's seed, so it outlives the secrets' renewal.

    A cookie that a neighbouring host planted has another seed, unless the whole session is the neighbour's.
    """
    seed = session_secret.partition(SEED_MARK)[0]
    raw = hmac.new(seed.encode(), b"otolith csrf", hashlib.sha256).digest()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def session_cookies(cookies: Mapping[str, str]) -> list[str]:
    """What a browser sends of a session: the secret for every request, the one to renew it with, or both."""
    return [cookies[name] for name in (SESSION_COOKIE, REFRESH_COOKIE) if cookies.get(name)]


def csrf_matches(session_secret: str, given: str) -> bool:
    return hmac.compare_digest(csrf_of(session_secret).encode(), given.encode())


def token_of(headers: Headers) -> str | None:
    """The API token of a request: `Authorization: Bearer` or `X-API-Token`, and never a part of the URL."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return value.strip()
    return headers.get("x-api-token", "").strip() or None


def set_cookies(response: Response, settings: Settings, held: SessionSecrets) -> None:
    """Give a browser its session, and beside it the CSRF token that pages may read, as long as it can be renewed."""
    for name, value, until in (
        (SESSION_COOKIE, held.secret, held.access_until),
        (REFRESH_COOKIE, held.refresh, held.expires_at),
        (CSRF_COOKIE, csrf_of(held.secret), held.expires_at),
    ):
        response.set_cookie(
            name,
            value,
            expires=until,
            path="/",
            httponly=name != CSRF_COOKIE,
            secure=settings.production_mode,
            samesite="strict" if settings.production_mode else "lax",
        )


def clear_cookies(response: Response, settings: Settings) -> None:
    for name in (SESSION_COOKIE, REFRESH_COOKIE, CSRF_COOKIE):
        response.delete_cookie(
            name,
            path="/",
            httponly=name != CSRF_COOKIE,
            secure=settings.production_mode,
            samesite="strict" if settings.production_mode else "lax",
        )
