"""The cookie by which a browser that signed in before is known again."""

from uuid import UUID

from fastapi import Request, Response

from otolith.accounts.credentials import new_secret
from otolith.accounts.limits.guessing import KNOWN_FOR, knows, remember_browser
from otolith.core.context import Context

BROWSER_COOKIE = "otolith_browser"


def browser_of(request: Request) -> str | None:
    """The secret that this browser was given when it last signed in; it proves nothing about who uses it."""
    return request.cookies.get(BROWSER_COOKIE)


def keep_browser(context: Context, request: Request, response: Response, user_id: UUID) -> None:
    """Know this browser again, now that it has signed in; one that brings a secret not of ours gets another."""
    held = browser_of(request)
    secret = held if held and knows(context, held, user_id) else new_secret()
    remember_browser(context, user_id, secret)
    response.set_cookie(
        BROWSER_COOKIE,
        secret,
        max_age=int(KNOWN_FOR.total_seconds()),
        path="/",
        httponly=True,
        secure=context.settings.production_mode,
        samesite="strict" if context.settings.production_mode else "lax",
    )
