"""API tokens in the pages: made, shown once, rotated and revoked."""

import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ValidationError
from sqlalchemy.orm import Session

from otolith.accounts.features import in_order
from otolith.accounts.models import ApiToken
from otolith.accounts.tokens import service as tokens
from otolith.accounts.tokens.schemas import TokenIn
from otolith.accounts.workspaces import service as workspaces
from otolith.core.actor import Actor
from otolith.core.db import now
from otolith.core.errors import AppError, NotAcceptable
from otolith.core.http import Ctx, CurrentActor, Reading, Writing
from otolith.web import queries
from otolith.web.rendering import Message, Tongue, render, tongue_of
from otolith.web.words import FEATURES, SCOPES

router = APIRouter(include_in_schema=False)

# How long a new token works, in days; nothing means for good.
LASTS: Final = ("", "7", "30", "90", "365")
_REACHES: Final = {"read": ("read",), "write": ("read", "write"), "admin": ("read", "write", "admin")}


class Filled(BaseModel):
    """The form of a new token, as it was sent."""

    name: str = ""
    reach: str = "write"
    days: str = ""
    workspace: str = ""
    networks: str = ""
    # Sent with every form, so that no box ticked is told from no boxes shown.
    chosen: str = ""
    features: list[str] = []


@router.get("/tokens")
def list_tokens(request: Request, session: Reading, actor: CurrentActor) -> Response:
    return _page(request, session, actor)


def _page(
    request: Request,
    session: Session,
    actor: Actor,
    *,
    filled: Filled | None = None,
    secret: str = "",
    named: str = "",
    fault: AppError | None = None,
) -> Response:
    tongue, moment = tongue_of(request), now()
    mine = workspaces.list_workspaces(session, actor)
    names = {workspace.id: workspace.name for workspace in mine}
    say = tongue.words.say
    form = filled or Filled()
    values = {
        "tokens": [_row(token, names, tongue, moment) for token in tokens.list_tokens(session, actor)],
        "secret": secret,
        "named": named,
        "form": form,
        "reaches": [(name, say(SCOPES[name])) for name in _REACHES if name != "admin" or actor.is_admin],
        "lasts": [(days, _span(days, tongue)) for days in LASTS],
        "workspaces": list(names.items()),
        "features": [
            (name, say(FEATURES[name]), not form.chosen or name in form.features) for name in in_order(actor.features)
        ],
        "may_make": actor.token_id is None or actor.is_admin,
    }
    messages = [Message("", bad=True, reason=fault.detail)] if fault else []
    page = render(
        request,
        "tokens.html",
        values,
        actor=actor,
        section="tokens",
        working=sum(queries.unfinished_jobs(session, actor).values()),
        messages=messages,
        status=fault.status if fault else 200,
        address="/tokens",
    )
    page.headers["Cache-Control"] = "no-store"
    return page


def _span(days: str, tongue: Tongue) -> str:
    return tongue.formats.span(int(days) * 86_400) if days else tongue.words.say("until it is revoked")


def _row(token: ApiToken, names: dict[UUID, str], tongue: Tongue, moment: dt.datetime) -> dict[str, Any]:
    say, formats = tongue.words.say, tongue.formats
    over = token.revoked_at is not None or (token.expires_at is not None and token.expires_at <= moment)
    facts = [say(SCOPES[max(token.scopes, key=list(SCOPES).index, default="read")])]
    if token.workspace_id is not None:
        facts.append(say("only in %(workspace)s", workspace=names.get(token.workspace_id, "–")))
    if token.features is not None:
        facts.append(", ".join(say(FEATURES[name]) for name in token.features if name in FEATURES) or say("no feature"))
    if token.networks:
        facts.append(say("only from %(networks)s", networks=", ".join(token.networks)))
    used = formats.ago(token.used_at, moment) if token.used_at else None
    facts.append(say("last used %(when)s", when=used) if used else say("never used"))
    if token.revoked_at is not None:
        facts.append(say("revoked %(when)s", when=formats.ago(token.revoked_at, moment)))
    elif token.expires_at is not None:
        ends = formats.moment(token.expires_at)
        facts.append(say("expired %(when)s", when=ends) if over else say("works until %(when)s", when=ends))
    return {
        "id": token.id,
        "name": token.name,
        "prefix": token.prefix,
        "facts": facts,
        "over": over,
        "of_settings": token.seeded,
    }


@router.post("/tokens")
def create(request: Request, context: Ctx, actor: CurrentActor, filled: Annotated[Filled, Form()]) -> Response:
    """Make a token and show its secret, this once, or show the form again with what was wrong."""
    try:
        wish = _wish(filled, actor)
        with context.database.write(actor) as session:
            token, secret = tokens.create_token(session, actor, wish)
    except AppError as fault:
        with context.database.read(actor) as session:
            return _page(request, session, actor, filled=filled, fault=fault)
    with context.database.read(actor) as session:
        return _page(request, session, actor, secret=secret, named=token.name)


def _wish(filled: Filled, actor: Actor) -> TokenIn:
    whole = not filled.chosen or set(filled.features) >= set(actor.features)
    expires_at = now() + dt.timedelta(days=int(filled.days)) if filled.days in LASTS[1:] else None
    networks: Sequence[str] = [network for network in filled.networks.replace(",", " ").split() if network]
    try:
        return TokenIn.model_validate(
            {
                "name": filled.name,
                "scopes": _REACHES.get(filled.reach, ("read",)),
                "features": None if whole else filled.features,
                "networks": networks,
                "workspace_id": filled.workspace or None,
                "expires_at": expires_at,
            }
        )
    except ValidationError as error:
        raise NotAcceptable("; ".join(fault["msg"] for fault in error.errors())) from None


@router.post("/tokens/{token_id}/rotate")
def rotate(request: Request, context: Ctx, actor: CurrentActor, token_id: UUID) -> Response:
    with context.database.write(actor) as session:
        token, secret = tokens.rotate_token(session, actor, token_id)
    with context.database.read(actor) as session:
        return _page(request, session, actor, secret=secret, named=token.name)


@router.post("/tokens/{token_id}/revoke")
def revoke(session: Writing, actor: CurrentActor, token_id: UUID) -> Response:
    tokens.revoke_token(session, actor, token_id)
    return RedirectResponse("/tokens", 303)
