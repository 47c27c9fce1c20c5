"""Workspaces in the pages: whose they are, who belongs to them, and what becomes of them."""

import datetime as dt
from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.orm import Session

from otolith.accounts.models import ApiToken, Membership, User
from otolith.accounts.workspaces import service
from otolith.accounts.workspaces.service import WorkspaceNotFound
from otolith.core.actor import Actor, WorkspaceRole
from otolith.core.context import Context
from otolith.core.db import now
from otolith.core.errors import AppError, BadRequest, NotAcceptable
from otolith.core.http import Ctx, CurrentActor, Reading
from otolith.core.texts import Line
from otolith.web import queries
from otolith.web.rendering import Message, Tongue, render, tongue_of
from otolith.web.words import WORKSPACE_ROLES

router = APIRouter(include_in_schema=False)

Text = Annotated[str, Form(max_length=400)]
Role = Annotated[WorkspaceRole, Form()]
_LINE: TypeAdapter[str] = TypeAdapter(Line)


@router.get("/workspaces")
def list_workspaces(request: Request, context: Ctx, session: Reading, actor: CurrentActor) -> Response:
    return _list(request, context, session, actor)


def _list(
    request: Request, context: Context, session: Session, actor: Actor, fault: AppError | None = None
) -> Response:
    tongue = tongue_of(request)
    mine = [
        {"id": one.id, "name": one.name, "role": tongue.words.say(WORKSPACE_ROLES[actor.memberships[one.id]])}
        for one in service.list_workspaces(session, actor)
    ]
    others = []
    if actor.is_admin:
        count = tongue.words.count
        others = [
            {"id": one.id, "name": one.name, "members": count("%(number)s member", "%(number)s members", members)}
            for one, members in service.list_all(context, actor)
            if not actor.may_see(one.id)
        ]
    values = {"workspaces": mine, "others": others, "may_make": actor.role != "readonly"}
    return _render(request, session, actor, "workspaces.html", values, "/workspaces", fault)


def _render(
    request: Request,
    session: Session,
    actor: Actor,
    template: str,
    values: dict[str, Any],
    address: str,
    fault: AppError | None,
) -> Response:
    return render(
        request,
        template,
        values,
        actor=actor,
        section="workspaces",
        working=sum(queries.unfinished_jobs(session, actor).values()),
        messages=[Message("", bad=True, reason=fault.detail)] if fault else [],
        status=fault.status if fault else 200,
        address=address,
    )


@router.post("/workspaces")
def create(request: Request, context: Ctx, actor: CurrentActor, name: Text = "") -> Response:
    try:
        made = service.create_workspace(context, actor, _line(name))
    except AppError as fault:
        with context.database.read(actor) as session:
            return _list(request, context, session, actor, fault)
    return RedirectResponse(f"/workspaces/{made.id}", 303)


def _line(name: str) -> str:
    try:
        return _LINE.validate_python(name)
    except ValidationError:
        raise NotAcceptable("A name has 1 to 200 characters on one line.") from None


@router.get("/workspaces/{workspace_id}")
def one_workspace(
    request: Request, context: Ctx, session: Reading, actor: CurrentActor, workspace_id: UUID
) -> Response:
    return _one(request, context, session, actor, workspace_id)


def _one(
    request: Request,
    context: Context,
    session: Session,
    actor: Actor,
    workspace_id: UUID,
    fault: AppError | None = None,
) -> Response:
    tongue, moment = tongue_of(request), now()
    found = next((one for one in service.list_workspaces(session, actor) if one.id == workspace_id), None)
    if found is None:
        raise WorkspaceNotFound
    owns = actor.may_manage(workspace_id)
    gives = owns and (actor.token_id is None or actor.is_admin)
    held = service.list_workspace_tokens(context, actor, workspace_id) if owns else []
    say = tongue.words.say
    values = {
        "workspace": found,
        "members": [
            _member(user, membership, actor, tongue)
            for user, membership in service.list_members(session, actor, workspace_id)
        ],
        "roles": [(role, say(label)) for role, label in WORKSPACE_ROLES.items()],
        "tokens": [_token(token, user, tongue, moment) for token, user in held if token.revoked_at is None],
        "may_manage": gives,
        "may_delete": gives and not found.is_home,
        "me": actor.user_id,
    }
    return _render(request, session, actor, "workspace.html", values, f"/workspaces/{workspace_id}", fault)


def _member(user: User, membership: Membership, actor: Actor, tongue: Tongue) -> dict[str, Any]:
    return {
        "id": user.id,
        "name": user.display_name or user.name,
        "user_name": user.name if user.display_name else "",
        "role": membership.role,
        "role_label": tongue.words.say(WORKSPACE_ROLES[membership.role]),
        "is_me": user.id == actor.user_id,
        "active": user.active,
    }


def _token(token: ApiToken, user: User, tongue: Tongue, moment: dt.datetime) -> dict[str, Any]:
    say = tongue.words.say
    used = tongue.formats.ago(token.used_at, moment) if token.used_at else None
    return {
        "id": token.id,
        "name": token.name,
        "prefix": token.prefix,
        "user": user.name,
        "used": say("last used %(when)s", when=used) if used else say("never used"),
    }


def _change(
    request: Request,
    context: Context,
    actor: Actor,
    workspace_id: UUID,
    deed: Callable[[], object],
    then: str = "",
) -> Response:
    """Do it and show what it led to, or show the page again with what was wrong."""
    try:
        deed()
    except AppError as fault:
        with context.database.read(actor) as session:
            return _one(request, context, session, actor, workspace_id, fault)
    return RedirectResponse(then or f"/workspaces/{workspace_id}", 303)


@router.post("/workspaces/{workspace_id}/rename")
def rename(request: Request, context: Ctx, actor: CurrentActor, workspace_id: UUID, name: Text = "") -> Response:
    return _change(
        request, context, actor, workspace_id,
        lambda: service.rename_workspace(context, actor, workspace_id, _line(name)),
    )  # fmt: skip


@router.post("/workspaces/{workspace_id}/delete")
def delete(request: Request, context: Ctx, actor: CurrentActor, workspace_id: UUID, name: Text = "") -> Response:
    """Delete it once somebody typed its name, which nobody does by mistake."""

    def deed() -> None:
        with context.database.read(actor) as session:
            known = {one.id: one.name for one in service.list_workspaces(session, actor)}
        if known.get(workspace_id) != name.strip():
            raise BadRequest("The name is not the workspace's; nothing was deleted.")
        service.delete_workspace(context, actor, workspace_id)

    return _change(request, context, actor, workspace_id, deed, "/workspaces")


@router.post("/workspaces/{workspace_id}/members")
def add_member(
    request: Request, context: Ctx, actor: CurrentActor, workspace_id: UUID, username: Text = "", role: Role = "viewer"
) -> Response:
    return _change(
        request, context, actor, workspace_id,
        lambda: service.add_member(context, actor, workspace_id, username, role),
    )  # fmt: skip


@router.post("/workspaces/{workspace_id}/join")
def join(context: Ctx, actor: CurrentActor, workspace_id: UUID) -> Response:
    """An administrator becomes an owner of a workspace, to look after it; its members see that."""
    service.add_member(context, actor, workspace_id, actor.user_name, "owner")
    return RedirectResponse(f"/workspaces/{workspace_id}", 303)


@router.post("/workspaces/{workspace_id}/members/{user_id}/role")
def change_role(
    request: Request, context: Ctx, actor: CurrentActor, workspace_id: UUID, user_id: UUID, role: Role
) -> Response:
    return _change(
        request, context, actor, workspace_id,
        lambda: service.change_role(context, actor, workspace_id, user_id, role),
    )  # fmt: skip


@router.post("/workspaces/{workspace_id}/members/{user_id}/remove")
def remove_member(request: Request, context: Ctx, actor: CurrentActor, workspace_id: UUID, user_id: UUID) -> Response:
    leaves = "/workspaces" if user_id == actor.user_id else ""
    return _change(
        request, context, actor, workspace_id,
        lambda: service.remove_member(context, actor, workspace_id, user_id),
        leaves,
    )  # fmt: skip


@router.post("/workspaces/{workspace_id}/tokens/{token_id}/revoke")
def revoke(request: Request, context: Ctx, actor: CurrentActor, workspace_id: UUID, token_id: UUID) -> Response:
    return _change(
        request, context, actor, workspace_id,
        lambda: service.revoke_workspace_token(context, actor, workspace_id, token_id),
    )  # fmt: skip
