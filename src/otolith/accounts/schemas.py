"""What the routes of accounts take and give."""

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from otolith.core.actor import ServerRole, WorkspaceRole
from otolith.core.texts import Line, ShortLine

Scope = Literal["read", "write", "admin"]


def _in_utc(moment: dt.datetime) -> dt.datetime:
    try:
        return moment.astimezone(dt.UTC)
    except OverflowError as error:
        message = "name a moment within the years 1 to 9999"
        raise ValueError(message) from error


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class WorkspaceIn(BaseModel):
    """A workspace to be made."""

    name: Line = Field(description="What people call it.")


class WorkspaceOut(BaseModel):
    """A workspace that you may see."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(description="Its id.")
    name: str = Field(description="What people call it.")
    role: WorkspaceRole = Field(description="What you are in it.")
    created_at: dt.datetime = Field(description="When it was made.")


class MemberOut(BaseModel):
    """A member of a workspace."""

    user_id: UUID = Field(description="The user's id.")
    username: str = Field(description="The user name.")
    display_name: str = Field(description="What the user wants to be called.")
    role: WorkspaceRole = Field(description="What the user is in the workspace.")


class TokenIn(BaseModel):
    """An API token to be made."""

    name: ShortLine = Field(description="What it is for.")
    scopes: list[Scope] = Field(
        default=["read", "write"], min_length=1, max_length=3, description="What it may do at most."
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
    workspace_id: UUID | None = Field(description="The one workspace it may see; null: all of yours.")
    created_at: dt.datetime = Field(description="When it was made.")
    expires_at: dt.datetime | None = Field(description="When it stops working; null: never.")
    used_at: dt.datetime | None = Field(description="When it was last used, to the minute; null: never.")
    revoked_at: dt.datetime | None = Field(description="When it was revoked; null: it works.")


class NewTokenOut(TokenOut):
    """A new API token, with the secret that is shown this once."""

    token: str = Field(description="The secret. It is not kept: store it now.")


class TokensOut(BaseModel):
    """All API tokens of yours."""

    items: list[TokenOut] = Field(description="The tokens, newest first.")
    total: int = Field(description="How many there are.")


class WorkspacesOut(BaseModel):
    """All workspaces that you may see."""

    items: list[WorkspaceOut] = Field(description="The workspaces, oldest first.")
    total: int = Field(description="How many there are.")


class MembersOut(BaseModel):
    """All members of a workspace."""

    items: list[MemberOut] = Field(description="The members, by user name.")
    total: int = Field(description="How many there are.")


class WhoamiOut(BaseModel):
    """Who you are to this server."""

    user_id: UUID = Field(description="Your id.")
    username: str = Field(description="Your user name.")
    display_name: str = Field(description="What you want to be called.")
    email: str | None = Field(description="Your e-mail address.")
    role: ServerRole = Field(description="What this credential lets you do on the server.")
    credential: Literal["session", "token"] = Field(description="What you came with.")
    token: TokenOut | None = Field(description="The API token you came with.")
    workspaces: list[WorkspaceOut] = Field(description="The workspaces that this credential lets you see.")
