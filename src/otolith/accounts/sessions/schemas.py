"""What the routes of sessions take and give."""

import datetime as dt
from uuid import UUID

from pydantic import BaseModel, Field

from otolith.accounts.passwords import LONGEST_PASSWORD


class Credentials(BaseModel):
    """What one signs in with."""

    username: str = Field(min_length=1, max_length=320, description="User name or e-mail address.")
    password: str = Field(min_length=1, max_length=LONGEST_PASSWORD, description="The password.", repr=False)
    remember: bool = Field(default=False, description="Whether to stay signed in for longer.")


class CodeIn(BaseModel):
    """The second half of signing in."""

    challenge: str = Field(min_length=1, max_length=200, description="`challenge` of the answer before.", repr=False)
    code: str = Field(min_length=1, max_length=64, description="A code of the app, or a recovery code.", repr=False)


class SignedInOut(BaseModel):
    """A session that has begun; the cookies carry it."""

    username: str = Field(description="The user name.")
    csrf_token: str = Field(description="To be sent as X-CSRF-Token with everything that changes something.")
    access_until: dt.datetime = Field(description="When the session renews its secrets, by itself with any request.")
    expires_at: dt.datetime = Field(description="When one has to sign in again, unless one comes back before.")


class CsrfOut(BaseModel):
    """The CSRF token of this session."""

    csrf_token: str = Field(description="To be sent as X-CSRF-Token with everything that changes something.")


class SessionOut(BaseModel):
    """A browser that is signed in as you."""

    id: UUID = Field(description="Its id.")
    user_agent: str = Field(description="What the browser says it is.")
    address: str = Field(description="The address that it signed in from.")
    remembered: bool = Field(description="Whether it was asked to stay signed in for longer.")
    current: bool = Field(description="Whether it is the one that asks.")
    created_at: dt.datetime = Field(description="When it signed in.")
    seen_at: dt.datetime = Field(description="When it was last seen, to the minute.")
    expires_at: dt.datetime = Field(description="When it has to sign in again, unless it comes back before.")


class SessionsOut(BaseModel):
    """Where you are signed in."""

    items: list[SessionOut] = Field(description="The sessions, the one last seen first.")
    total: int = Field(description="How many there are.")
