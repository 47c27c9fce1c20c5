"""Quotas in the pages: what one may use and has used, and for administrators how much there may be."""

from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from otolith.accounts.quotas import service
from otolith.accounts.quotas.kinds import UNLIMITED, SubjectKind
from otolith.accounts.quotas.service import Holder, Usage
from otolith.core.actor import Actor
from otolith.core.context import Context
from otolith.core.errors import AppError, BadRequest, NotFound
from otolith.core.http import Ctx, CurrentActor, Reading
from otolith.core.sizes import parse_size
from otolith.web import queries
from otolith.web.rendering import Message, Tongue, render, tongue_of
from otolith.web.words import mark

router = APIRouter(include_in_schema=False)

Text = Annotated[str, Form(max_length=100)]

QUOTAS = {
    "storage": mark("Stored uploads"),
    "jobs": mark("Unfinished jobs"),
    "speech": mark("Speech in 30 days"),
    "lookups.acoustid": mark("AcoustID lookups a day"),
    "lookups.audd": mark("AudD lookups a day"),
    "lookups.musicbrainz": mark("MusicBrainz lookups a day"),
}


@router.get("/quotas")
def quotas_page(
    request: Request,
    context: Ctx,
    session: Reading,
    actor: CurrentActor,
    user: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    return _page(request, context, session, actor, user=user)


def _page(
    request: Request,
    context: Context,
    session: Session,
    actor: Actor,
    *,
    user: str = "",
    fault: AppError | None = None,
) -> Response:
    tongue = tongue_of(request)
    try:
        holders = [service.of_user_named(context, actor, user)] if user else service.of_actor(context, actor)
    except NotFound as error:
        holders, fault = service.of_actor(context, actor), fault or error
    values = {
        "holders": [_holder(one, tongue) for one in holders],
        "may_set": actor.is_admin,
        "user": user,
    }
    return render(
        request,
        "quotas.html",
        values,
        actor=actor,
        section="quotas",
        working=sum(queries.unfinished_jobs(session, actor).values()),
        messages=[Message("", bad=True, reason=fault.detail)] if fault else [],
        status=fault.status if fault else 200,
        address="/quotas",
    )


@router.post("/quotas/{subject}/{subject_id}/{kind}")
def set_quota(
    request: Request,
    context: Ctx,
    actor: CurrentActor,
    subject: SubjectKind,
    subject_id: UUID,
    kind: str,
    amount: Text = "",
    reset: Text = "",
    user: Text = "",
) -> Response:
    """Without an amount the settings decide again; `reset` lets past uses count no more."""
    try:
        if reset:
            service.renew(context, actor, subject, subject_id, kind)
        else:
            service.change(context, actor, subject, subject_id, kind, _amount(amount, kind))
    except AppError as fault:
        with context.database.read(actor) as session:
            return _page(request, context, session, actor, user=user, fault=fault)
    return RedirectResponse("/quotas" + (f"?{urlencode({'user': user})}" if user else ""), 303)


def _amount(text: str, kind: str) -> int | None:
    if not text.strip():
        return None
    try:
        amount = int(str(parse_size(text)))
    except ValueError:
        raise BadRequest("Give a number, or a size such as 5gb; nothing at all leaves it to the settings.") from None
    return amount * 60 if kind == "speech" else amount


def _holder(found: Holder, tongue: Tongue) -> dict[str, Any]:
    return {
        "subject": found.subject,
        "id": found.id,
        "name": found.name,
        "quotas": [_quota(one, tongue) for one in found.quotas],
    }


def _quota(one: Usage, tongue: Tongue) -> dict[str, Any]:
    bounded = one.amount != UNLIMITED
    return {
        "kind": one.kind.name,
        "label": tongue.words.say(QUOTAS[one.kind.name]),
        "used": _written(one.used, one, tongue),
        "amount": _written(one.amount, one, tongue) if bounded else None,
        "share": min(1.0, one.used / one.amount) if bounded and one.amount else float(bounded),
        "state": one.state,
        "own": one.own,
        "comes_back": one.kind.window is not None,
    }


def _written(number: int, one: Usage, tongue: Tongue) -> str:
    if one.kind.unit == "bytes":
        return tongue.formats.size(number)
    if one.kind.unit == "seconds":
        return tongue.words.count("%(number)s minute", "%(number)s minutes", -(-number // 60))
    return tongue.formats.number(number)
