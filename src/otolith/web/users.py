"""Users and invitations in the pages of administrators."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from otolith.accounts.links import service as links
from otolith.accounts.models import AccountLink, User
from otolith.accounts.people import service as people
from otolith.core.actor import Actor, ServerRole
from otolith.core.context import Context
from otolith.core.db import now
from otolith.core.errors import AppError
from otolith.core.http import Ctx, CurrentActor
from otolith.web import queries
from otolith.web.rendering import Message, Tongue, render, tongue_of
from otolith.web.words import mark

router = APIRouter(include_in_schema=False)

PER_PAGE: Final = 50
Line = Annotated[str, Form(max_length=400)]
Role = Annotated[ServerRole, Form()]
ROLES: Final[dict[str, str]] = {
    "user": mark("User"),
    "readonly": mark("May only read"),
    "admin": mark("Administrator"),
}
DONE: Final = {
    "invited": mark("The invitation is on its way."),
    "sent": mark("The link is on its way."),
    "changed": mark("The user is changed."),
    "deleted": mark("The user is deleted."),
    "withdrawn": mark("The invitation is withdrawn."),
}
Done = Annotated[str, Query(max_length=20)]


@router.get("/users")
def list_users(
    request: Request,
    context: Ctx,
    actor: CurrentActor,
    search: Annotated[str, Query(max_length=100)] = "",
    cursor: str | None = None,
    done: Done = "",
) -> Response:
    return _list(request, context, actor, search=search, cursor=cursor or None, done=done)


def _list(
    request: Request,
    context: Context,
    actor: Actor,
    *,
    search: str = "",
    cursor: str | None = None,
    done: str = "",
    link: str = "",
    fault: AppError | None = None,
) -> Response:
    tongue = tongue_of(request)
    page = people.list_users(context, actor, text=search or None, cursor=cursor, limit=PER_PAGE)
    values = {
        "users": [_row(user, tongue) for user in page.items],
        "total": page.total,
        "search": search,
        "older": page.next,
        "newer": cursor,
        "invitations": [_invited(one, tongue) for one in links.invitations(context, actor)],
        "roles": [(name, tongue.words.say(label)) for name, label in ROLES.items()],
        "mails": links.sends_mail(context.settings),
        "link": link,
    }
    return _render(request, context, actor, "users.html", values, done=done, fault=fault)


def _render(
    request: Request,
    context: Context,
    actor: Actor,
    template: str,
    values: dict[str, Any],
    *,
    done: str = "",
    fault: AppError | None = None,
) -> Response:
    messages = [Message(tongue_of(request).words.say(DONE[done]))] if done in DONE else []
    messages += [Message("", bad=True, reason=fault.detail)] if fault else []
    with context.database.read(actor) as session:
        working = sum(queries.unfinished_jobs(session, actor).values())
    page = render(
        request,
        template,
        values,
        actor=actor,
        section="users",
        working=working,
        messages=messages,
        status=fault.status if fault else 200,
        address="/users",
    )
    page.headers["Cache-Control"] = "no-store"
    return page


def _row(user: User, tongue: Tongue) -> dict[str, Any]:
    say, formats = tongue.words.say, tongue.formats
    facts = [say(ROLES[user.role])]
    if user.email:
        facts.append(user.email)
    seen = formats.ago(user.signed_in_at, now()) if user.signed_in_at else None
    facts.append(say("signed in %(when)s", when=seen) if seen else say("never signed in"))
    return {"id": user.id, "name": user.name, "shown": user.display_name, "facts": facts, "active": user.active}


def _invited(link: AccountLink, tongue: Tongue) -> dict[str, Any]:
    say, formats = tongue.words.say, tongue.formats
    facts = [say(ROLES[link.role or "user"]), say("works until %(when)s", when=formats.moment(link.expires_at))]
    return {"id": link.id, "address": link.address or say("Handed on by a link"), "facts": facts}


@router.post("/users/invite")
def invite(
    request: Request, context: Ctx, actor: CurrentActor, email: Line = "", role: Role = "user", language: Line = "en"
) -> Response:
    try:
        chosen = language if language in ("en", "fr") else "en"
        made = links.invite(context, actor, email=email or None, role=role, language=chosen)
    except AppError as fault:
        people.must_administrate(actor)
        return _list(request, context, actor, fault=fault)
    if made.address is None:
        return RedirectResponse("/users?done=invited", 303)
    return _list(request, context, actor, link=made.address)


@router.post("/users/invitations/{link_id}/withdraw")
def withdraw(link_id: UUID, context: Ctx, actor: CurrentActor) -> Response:
    links.withdraw(context, actor, link_id)
    return RedirectResponse("/users?done=withdrawn", 303)


@router.get("/users/{user_id}")
def show_user(request: Request, context: Ctx, actor: CurrentActor, user_id: UUID, done: Done = "") -> Response:
    return _one(request, context, actor, user_id, done=done)


def _one(
    request: Request,
    context: Context,
    actor: Actor,
    user_id: UUID,
    *,
    done: str = "",
    link: str = "",
    fault: AppError | None = None,
) -> Response:
    user, tongue = people.get_user(context, actor, user_id), tongue_of(request)
    values = {
        "user": user,
        "facts": _row(user, tongue)["facts"],
        "roles": [(name, tongue.words.say(label)) for name, label in ROLES.items()],
        "link": link,
    }
    return _render(request, context, actor, "user.html", values, done=done, fault=fault)


@router.post("/users/{user_id}")
def change_user(
    request: Request,
    context: Ctx,
    actor: CurrentActor,
    user_id: UUID,
    username: Line = "",
    email: Line = "",
    display_name: Line = "",
    role: Role = "user",
    active: Line = "",
) -> Response:
    shown = "".join(letter for letter in " ".join(display_name.split())[:200] if letter.isprintable())
    changes = {
        "username": username,
        "email": email or None,
        "display_name": shown,
        "role": role,
        "active": bool(active),
    }
    try:
        people.change_user(context, actor, user_id, changes)
    except AppError as fault:
        return _one(request, context, actor, user_id, fault=fault)
    return RedirectResponse(f"/users/{user_id}?done=changed", 303)


@router.post("/users/{user_id}/link")
def password_link(request: Request, context: Ctx, actor: CurrentActor, user_id: UUID) -> Response:
    made = links.reset_link(context, actor, user_id, language=tongue_of(request).language)
    if made.address is None:
        return RedirectResponse(f"/users/{user_id}?done=sent", 303)
    return _one(request, context, actor, user_id, link=made.address)


@router.post("/users/{user_id}/delete")
def delete_user(request: Request, context: Ctx, actor: CurrentActor, user_id: UUID, sure: Line = "") -> Response:
    people.must_administrate(actor)
    if not sure:
        return RedirectResponse(f"/users/{user_id}", 303)
    try:
        people.delete_user(context, actor, user_id)
    except AppError as fault:
        return _one(request, context, actor, user_id, fault=fault)
    return RedirectResponse("/users?done=deleted", 303)
