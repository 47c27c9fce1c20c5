"""Who is calling, and what they may see."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, false, true
from sqlalchemy.orm import InstrumentedAttribute

from otolith.core.features import Feature

ServerRole = Literal["admin", "user", "readonly"]
WorkspaceRole = Literal["owner", "editor", "viewer"]


@dataclass(frozen=True, slots=True)
class Actor:
    """The caller: a user through a session or a token, a guest with a link, the system itself, or nobody yet.

    `memberships` maps each workspace that this caller may see through this credential to the role held there, and
    `features` are those that this credential lets them use.
    """

    kind: Literal["anonymous", "guest", "user", "system"]
    user_id: UUID | None = None
    user_name: str = ""
    role: ServerRole = "readonly"
    memberships: Mapping[UUID, WorkspaceRole] = field(default_factory=dict)
    features: Collection[Feature] = frozenset()
    session_id: UUID | None = None
    token_id: UUID | None = None

    @property
    def is_system(self) -> bool:
        return self.kind == "system"

    @property
    def is_admin(self) -> bool:
        return self.is_system or (self.kind == "user" and self.role == "admin")

    @property
    def workspaces(self) -> tuple[UUID, ...]:
        return tuple(self.memberships)

    def may_use(self, feature: Feature) -> bool:
        return self.is_system or feature in self.features

    def may_see(self, workspace_id: UUID | None) -> bool:
        return self.is_system or workspace_id in self.memberships

    def may_edit(self, workspace_id: UUID | None) -> bool:
        """Whether this caller may change what belongs to the workspace."""
        if self.is_system:
            return True
        if workspace_id is None or self.role == "readonly":
            return False
        return self.memberships.get(workspace_id) in ("owner", "editor")

    def may_manage(self, workspace_id: UUID) -> bool:
        """Whether this caller may say who belongs to the workspace, and what becomes of it."""
        return self.is_admin or (self.role != "readonly" and self.memberships.get(workspace_id) == "owner")


ANONYMOUS = Actor(kind="anonymous")
SYSTEM = Actor(kind="system", user_name="system", role="admin")


def visible_to(actor: Actor, workspace_id: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
    """The condition that every query which reaches a person starts from.

    `workspace_id` is the column that says whose row it is; rows that belong to no workspace are the system's.
    """
    if actor.is_system:
        return true()
    if not actor.memberships:
        return false()
    return workspace_id.in_(actor.workspaces)
