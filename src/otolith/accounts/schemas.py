"""What the routes of accounts take and give."""

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from otolith.accounts.tokens.schemas import TokenOut
from otolith.accounts.workspaces.schemas import WorkspaceOut
from otolith.core.actor import ServerRole
from otolith.core.features import Feature


class RequestsOut(BaseModel):
    """What is left of your requests; `GET /quotas` tells the same of what you use up."""

    limit: int = Field(description="Requests that you may send within the window.")
    window: int = Field(description="The window in seconds.")
    remaining: int = Field(description="What is left of it.")
    reset: int = Field(description="Seconds until the window begins anew.")


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
    features: list[Feature] = Field(description="The features that this credential lets you use.")
    requests: RequestsOut | None = Field(description="What is left of your requests; null where they are not limited.")
