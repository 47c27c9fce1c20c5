"""Workspaces over HTTP."""

from uuid import UUID

from fastapi import APIRouter

from otolith.accounts.models import ApiToken, Membership, User, Workspace
from otolith.accounts.tokens.schemas import HeldTokenOut, HeldTokensOut, TokenOut
from otolith.accounts.workspaces import service
from otolith.accounts.workspaces.schemas import (
    AnyWorkspaceOut,
    AnyWorkspacesOut,
    MemberIn,
    MemberOut,
    MembersOut,
    RoleIn,
    WorkspaceIn,
    WorkspaceOut,
    WorkspacesOut,
)
from otolith.core.actor import Actor
from otolith.core.errors import Conflict, NotAllowed, NotFound, responses
from otolith.core.http import Ctx, CurrentActor, Reading

router = APIRouter(tags=["accounts"])


@router.get("/workspaces", summary="List your workspaces")
def list_workspaces(session: Reading, actor: CurrentActor) -> WorkspacesOut:
    """Those that you are a member of, and that your credential lets you see."""
    workspaces = [workspace_out(workspace, actor) for workspace in service.list_workspaces(session, actor)]
    return WorkspacesOut(items=workspaces, total=len(workspaces))


@router.post("/workspaces", summary="Make a workspace", status_code=201)
def create_workspace(body: WorkspaceIn, context: Ctx, actor: CurrentActor) -> WorkspaceOut:
    """You become its owner."""
    workspace = service.create_workspace(context, actor, body.name)
    return WorkspaceOut(id=workspace.id, name=workspace.name, role="owner", created_at=workspace.created_at)


@router.get("/admin/workspaces", summary="List all workspaces", responses=responses(NotAllowed))
def list_all_workspaces(context: Ctx, actor: CurrentActor) -> AnyWorkspacesOut:
    """Those of the whole server, for administrators; what they hold is shown to their members alone."""
    items = [
        AnyWorkspaceOut(
            id=workspace.id,
            name=workspace.name,
            is_home=bool(workspace.is_home),
            members=members,
            role=actor.memberships.get(workspace.id),
            created_at=workspace.created_at,
        )
        for workspace, members in service.list_all(context, actor)
    ]
    return AnyWorkspacesOut(items=items, total=len(items))


@router.patch(
    "/workspaces/{workspace_id}", summary="Rename a workspace", status_code=204, responses=responses(NotFound)
)
def rename_workspace(workspace_id: UUID, body: WorkspaceIn, context: Ctx, actor: CurrentActor) -> None:
    """For its owners and for administrators."""
    service.rename_workspace(context, actor, workspace_id, body.name)


@router.delete(
    "/workspaces/{workspace_id}",
    summary="Delete a workspace",
    status_code=204,
    responses=responses(NotFound, Conflict),
)
def delete_workspace(workspace_id: UUID, context: Ctx, actor: CurrentActor) -> None:
    """With everything that belongs to it, for good. Files of library folders are not touched; uploads are removed."""
    service.delete_workspace(context, actor, workspace_id)


@router.get(
    "/workspaces/{workspace_id}/members", summary="List the members of a workspace", responses=responses(NotFound)
)
def list_members(workspace_id: UUID, session: Reading, actor: CurrentActor) -> MembersOut:
    """By user name."""
    members = [_member(*pair) for pair in service.list_members(session, actor, workspace_id)]
    return MembersOut(items=members, total=len(members))


@router.post(
    "/workspaces/{workspace_id}/members",
    summary="Take somebody into a workspace",
    status_code=201,
    responses=responses(NotFound, Conflict),
)
def add_member(workspace_id: UUID, body: MemberIn, context: Ctx, actor: CurrentActor) -> MemberOut:
    """An existing user, by user name or e-mail address."""
    return _member(*service.add_member(context, actor, workspace_id, body.username, body.role))


@router.patch(
    "/workspaces/{workspace_id}/members/{user_id}",
    summary="Change the role of a member",
    responses=responses(NotFound, Conflict),
)
def change_member(workspace_id: UUID, user_id: UUID, body: RoleIn, context: Ctx, actor: CurrentActor) -> MemberOut:
    """It counts from their next request on. The last owner stays one."""
    return _member(*service.change_role(context, actor, workspace_id, user_id, body.role))


@router.delete(
    "/workspaces/{workspace_id}/members/{user_id}",
    summary="Take somebody out of a workspace",
    status_code=204,
    responses=responses(NotFound, Conflict),
)
def remove_member(workspace_id: UUID, user_id: UUID, context: Ctx, actor: CurrentActor) -> None:
    """Owners take others out; everybody may leave, but for the last owner."""
    service.remove_member(context, actor, workspace_id, user_id)


@router.get(
    "/workspaces/{workspace_id}/tokens",
    summary="List the API tokens of a workspace",
    responses=responses(NotAllowed, NotFound),
)
def list_workspace_tokens(workspace_id: UUID, context: Ctx, actor: CurrentActor) -> HeldTokensOut:
    """Those that are bound to it, whoever made them; for its owners."""
    tokens = [_held(*pair) for pair in service.list_workspace_tokens(context, actor, workspace_id)]
    return HeldTokensOut(items=tokens, total=len(tokens))


@router.delete(
    "/workspaces/{workspace_id}/tokens/{token_id}",
    summary="Revoke an API token of a workspace",
    responses=responses(NotFound),
)
def revoke_workspace_token(workspace_id: UUID, token_id: UUID, context: Ctx, actor: CurrentActor) -> HeldTokenOut:
    """For its owners, whoever made the token."""
    return _held(*service.revoke_workspace_token(context, actor, workspace_id, token_id))


def workspace_out(workspace: Workspace, actor: Actor) -> WorkspaceOut:
    role = actor.memberships[workspace.id]
    return WorkspaceOut(id=workspace.id, name=workspace.name, role=role, created_at=workspace.created_at)


def _member(user: User, membership: Membership) -> MemberOut:
    return MemberOut(user_id=user.id, username=user.name, display_name=user.display_name, role=membership.role)


def _held(token: ApiToken, user: User) -> HeldTokenOut:
    return HeldTokenOut(**TokenOut.model_validate(token).model_dump(), user_id=user.id, username=user.name)
