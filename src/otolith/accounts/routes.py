"""The routes of accounts: who one is, API tokens and workspaces."""

from uuid import UUID

from fastapi import APIRouter

from otolith.accounts import service
from otolith.accounts.models import ApiToken, Workspace
from otolith.accounts.schemas import (
    MemberOut,
    MembersOut,
    NewTokenOut,
    TokenIn,
    TokenOut,
    TokensOut,
    WhoamiOut,
    WorkspaceIn,
    WorkspaceOut,
    WorkspacesOut,
)
from otolith.core.actor import Actor
from otolith.core.errors import NotFound, responses
from otolith.core.http import Ctx, CurrentActor, Reading, Writing

router = APIRouter(tags=["accounts"])


@router.get("/whoami", summary="Who you are")
def whoami(session: Reading, actor: CurrentActor) -> WhoamiOut:
    """Check a session or a token, and tell what it lets you do."""
    known = service.whoami(session, actor)
    return WhoamiOut(
        user_id=known.user.id,
        username=known.user.name,
        display_name=known.user.display_name,
        email=known.user.email,
        role=actor.role,
        credential="token" if actor.token_id else "session",
        token=TokenOut.model_validate(known.token) if known.token else None,
        workspaces=[_workspace(workspace, actor) for workspace in known.workspaces],
    )


@router.get("/tokens", summary="List your API tokens")
def list_tokens(session: Reading, actor: CurrentActor) -> TokensOut:
    """Newest first, without their secrets; revoked ones stay in the list."""
    tokens = [TokenOut.model_validate(token) for token in service.list_tokens(session, actor)]
    return TokensOut(items=tokens, total=len(tokens))


@router.post(
    "/tokens",
    summary="Make an API token",
    status_code=201,
    responses=responses(NotFound),
)
def create_token(body: TokenIn, session: Writing, actor: CurrentActor) -> NewTokenOut:
    """The secret is in this answer and nowhere else: only its SHA-256 is kept."""
    token, secret = service.create_token(
        session,
        actor,
        body.name,
        scopes=body.scopes,
        workspace_id=body.workspace_id,
        expires_at=body.expires_at,
    )
    return _new_token(token, secret)


@router.delete("/tokens/{token_id}", summary="Revoke an API token", responses=responses(NotFound))
def revoke_token(token_id: UUID, session: Writing, actor: CurrentActor) -> TokenOut:
    """The token is refused from the next request on."""
    return TokenOut.model_validate(service.revoke_token(session, actor, token_id))


@router.get("/workspaces", summary="List your workspaces")
def list_workspaces(session: Reading, actor: CurrentActor) -> WorkspacesOut:
    """Those that you are a member of, and that your credential lets you see."""
    workspaces = [_workspace(workspace, actor) for workspace in service.list_workspaces(session, actor)]
    return WorkspacesOut(items=workspaces, total=len(workspaces))


@router.post("/workspaces", summary="Make a workspace", status_code=201)
def create_workspace(body: WorkspaceIn, context: Ctx, actor: CurrentActor) -> WorkspaceOut:
    """You become its owner."""
    workspace = service.create_workspace(context, actor, body.name)
    return WorkspaceOut(id=workspace.id, name=workspace.name, role="owner", created_at=workspace.created_at)


@router.get(
    "/workspaces/{workspace_id}/members",
    summary="List the members of a workspace",
    responses=responses(NotFound),
)
def list_members(workspace_id: UUID, session: Reading, actor: CurrentActor) -> MembersOut:
    """By user name."""
    members = [
        MemberOut(user_id=user.id, username=user.name, display_name=user.display_name, role=membership.role)
        for user, membership in service.list_members(session, actor, workspace_id)
    ]
    return MembersOut(items=members, total=len(members))


def _workspace(workspace: Workspace, actor: Actor) -> WorkspaceOut:
    role = actor.memberships[workspace.id]
    return WorkspaceOut(id=workspace.id, name=workspace.name, role=role, created_at=workspace.created_at)


def _new_token(token: ApiToken, secret: str) -> NewTokenOut:
    return NewTokenOut(**TokenOut.model_validate(token).model_dump(), token=secret)
