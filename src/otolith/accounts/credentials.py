"""What callers carry: session and CSRF cookies, API tokens, and where in a request each may stand."""

import base64
import datetime as dt
import hashlib
import hmac
import secrets

from starlette.datastructures import Headers
from starlette.responses import Response

from otolith.core.settings import Settings

SESSION_COOKIE = "otolith_session"
CSRF_COOKIE = "otolith_csrf"
CSRF_HEADER = "x-csrf-token"
CSRF_FIELD = "csrf_token"
TOKEN_PREFIX = "oto_"  # noqa: S105 -- A marker by which scanners find leaked tokens, no secret itself.
SHOWN_LENGTH = len(TOKEN_PREFIX) + 4


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
    """The CSRF token of a session. It follows from the session's secret, so a planted cookie cannot match it."""
    raw = hmac.new(session_secret.encode(), b"otolith csrf", hashlib.sha256).digest()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def csrf_matches(session_secret: str, given: str) -> bool:
    return hmac.compare_digest(csrf_of(session_secret).encode(), given.encode())


def token_of(headers: Headers) -> str | None:
    """The API token of a request: `Authorization: Bearer` or `X-API-Token`, and never a part of the URL."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return value.strip()
    return headers.get("x-api-token", "").strip() or None


def set_cookies(response: Response, settings: Settings, session_secret: str, expires_at: dt.datetime) -> None:
    """Give a browser its session, and beside it the CSRF token that pages may read."""
    for name, value, hidden in (
        (SESSION_COOKIE, session_secret, True),
        (CSRF_COOKIE, csrf_of(session_secret), False),
    ):
        response.set_cookie(
            name,
            value,
            expires=expires_at,
            path="/",
            httponly=hidden,
            secure=settings.production_mode,
            samesite="strict" if settings.production_mode else "lax",
        )


def clear_cookies(response: Response, settings: Settings) -> None:
    for name in (SESSION_COOKIE, CSRF_COOKIE):
        response.delete_cookie(
            name,
            path="/",
            httponly=name == SESSION_COOKIE,
            secure=settings.production_mode,
            samesite="strict" if settings.production_mode else "lax",
        )
