"""What the routes of API tokens take and give."""

import datetime as dt
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from otolith.accounts.networks import Network
from otolith.core.features import Feature
from otolith.core.moments import Moment
from otolith.core.texts import ShortLine

Scope = Literal["read", "write", "admin"]


class TokenIn(BaseModel):
    """An API token to be made."""

    name: ShortLine = Field(description="What it is for.")
    scopes: list[Scope] = Field(
        default=["read", "write"], min_length=1, max_length=3, description="What it may do at most."
    )
    features: list[Feature] | None = Field(
        default=None, max_length=50, description="The features it may use at most; null: all of yours."
    )
    networks: list[Network] = Field(
        default_factory=list, max_length=32, description="Where it may be used from, as networks; none: anywhere."
    )
    workspace_id: UUID | None = Field(default=None, description="The one workspace it may see; null: all of yours.")
    expires_at: Moment | None = Field(default=None, description="When it stops working; null: never.")


class TokenOut(BaseModel):
    """An API token, without its secret."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(description="Its id.")
    name: str = Field(description="What it is for.")
    prefix: str = Field(description="Its first characters, to tell it from others.")
    scopes: list[Scope] = Field(description="What it may do at most.")
    features: list[str] | None = Field(description="The features it may use at most; null: all of its user's.")
    networks: list[str] = Field(description="Where it may be used from, as networks; none: anywhere.")
    workspace_id: UUID | None = Field(description="The one workspace it may see; null: all of yours.")
    created_at: dt.datetime = Field(description="When it was made.")
    expires_at: dt.datetime | None = Field(description="When it stops working; null: never.")
    used_at: dt.datetime | None = Field(description="When it was last used, to the minute; null: never.")
    revoked_at: dt.datetime | None = Field(description="When it was revoked; null: it works.")


class NewTokenOut(TokenOut):
    """An API token with the secret that is shown this once."""

    token: str = Field(description="The secret. It is not kept: store it now.")


class TokensOut(BaseModel):
    """All API tokens of yours."""

    items: list[TokenOut] = Field(description="The tokens, newest first.")
    total: int = Field(description="How many there are.")


class HeldTokenOut(TokenOut):
    """An API token of somebody, as those see it who look after a workspace or the server."""

    user_id: UUID = Field(description="Whose it is.")
    username: str = Field(description="Their user name.")


class HeldTokensOut(BaseModel):
    """All API tokens that are bound to a workspace."""

    items: list[HeldTokenOut] = Field(description="The tokens, newest first.")
    total: int = Field(description="How many there are.")
