"""What the routes of workspaces take and give."""

import datetime as dt
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from otolith.core.actor import WorkspaceRole
from otolith.core.texts import Line


class WorkspaceIn(BaseModel):
    """What can be said of a workspace."""

    name: Line = Field(description="What people call it.")


class WorkspaceOut(BaseModel):
    """A workspace that you may see."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(description="Its id.")
    name: str = Field(description="What people call it.")
    role: WorkspaceRole = Field(description="What you are in it.")
    created_at: dt.datetime = Field(description="When it was made.")


class WorkspacesOut(BaseModel):
    """All workspaces that you may see."""

    items: list[WorkspaceOut] = Field(description="The workspaces, oldest first.")
    total: int = Field(description="How many there are.")


class AnyWorkspaceOut(BaseModel):
    """A workspace as administrators see it, who need not be members."""

    id: UUID = Field(description="Its id.")
    name: str = Field(description="What people call it.")
    is_home: bool = Field(description="Whether it is the workspace of the first start, which stays.")
    members: int = Field(description="How many people belong to it.")
    role: WorkspaceRole | None = Field(description="What you are in it; null: no member.")
    created_at: dt.datetime = Field(description="When it was made.")


class AnyWorkspacesOut(BaseModel):
    """All workspaces of the server."""

    items: list[AnyWorkspaceOut] = Field(description="The workspaces, oldest first.")
    total: int = Field(description="How many there are.")


class MemberOut(BaseModel):
    """A member of a workspace."""

    user_id: UUID = Field(description="The user's id.")
    username: str = Field(description="The user name.")
    display_name: str = Field(description="What the user wants to be called.")
    role: WorkspaceRole = Field(description="What the user is in the workspace.")


class MembersOut(BaseModel):
    """All members of a workspace."""

    items: list[MemberOut] = Field(description="The members, by user name.")
    total: int = Field(description="How many there are.")


class MemberIn(BaseModel):
    """Somebody to be taken into a workspace."""

    username: str = Field(min_length=1, max_length=320, description="User name or e-mail address.")
    role: WorkspaceRole = Field(default="viewer", description="What they are to be in it.")


class RoleIn(BaseModel):
    """What a member is from now on."""

    role: WorkspaceRole = Field(description="What the user is to be in the workspace.")
