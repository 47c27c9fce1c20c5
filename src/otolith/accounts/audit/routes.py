"""The audit over HTTP: reading what was done, checking the chain, and taking it away as a file."""

import datetime as dt
import json
from collections.abc import Iterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from otolith.accounts.audit import service
from otolith.accounts.audit.schemas import ActionsOut, AuditOut, VerdictOut
from otolith.accounts.audit.service import Asked
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.errors import NotAllowed, NotSignedIn, responses
from otolith.core.http import Ctx, CurrentActor
from otolith.core.paging import DEFAULT_LIMIT, BadCursor, Cursor, Limit, Page

router = APIRouter(tags=["accounts"])


def asked(
    action: Annotated[
        str | None, Query(max_length=60, description="Only this, or all that begins so: `token` or `token.create`.")
    ] = None,
    user: Annotated[str | None, Query(max_length=100, description="Only by the user of this name.")] = None,
    workspace: Annotated[UUID | None, Query(description="Only in this workspace.")] = None,
    object_type: Annotated[str | None, Query(max_length=40, description="Only on this kind of object.")] = None,
    object_id: Annotated[str | None, Query(max_length=100, description="Only on the object of this id.")] = None,
    address: Annotated[str | None, Query(max_length=64, description="Only from this address.")] = None,
    since: Annotated[dt.datetime | None, Query(description="Only from this moment on.")] = None,
    until: Annotated[dt.datetime | None, Query(description="Only before this moment.")] = None,
) -> Asked:
    """What the query asks for."""
    return Asked(
        action=action,
        user=user,
        workspace_id=workspace,
        object_type=object_type,
        object_id=object_id,
        address=address,
        since=_aware(since),
        until=_aware(until),
    )


def _aware(moment: dt.datetime | None) -> dt.datetime | None:
    return moment.replace(tzinfo=dt.UTC) if moment is not None and moment.tzinfo is None else moment


AskedFor = Annotated[Asked, Depends(asked)]


@router.get("/audit", summary="What was done", responses=responses(BadCursor, NotSignedIn, NotAllowed))
def list_audit(
    context: Ctx, actor: CurrentActor, narrowed: AskedFor, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
) -> Page[AuditOut]:
    """Newest first: for administrators all of it, for owners what was done in their workspaces."""
    rows, following = service.entries(context, actor, narrowed, cursor=cursor, limit=limit)
    return Page[AuditOut](items=[AuditOut.of(row) for row in rows], next=following, total=None)


@router.get("/audit/actions", summary="What can be found in the audit", responses=responses(NotSignedIn, NotAllowed))
def list_audit_actions(context: Ctx, actor: CurrentActor) -> ActionsOut:
    """The names of all that was done, among what you may read."""
    return ActionsOut(items=service.actions(context, actor))


@router.get("/audit/verify", summary="Check the audit", responses=responses(NotSignedIn, NotAllowed))
def verify_audit(context: Ctx, actor: CurrentActor) -> VerdictOut:
    """Compute the chain anew from its beginning; for administrators."""
    service.must_administrate(actor)
    with context.database.read(SYSTEM) as session:
        return VerdictOut.of(service.verify(session))


@router.get(
    "/audit/export",
    summary="Take the audit away",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"application/x-ndjson": {"schema": {"type": "string"}}}, "description": "An entry a line."},
        **responses(NotSignedIn, NotAllowed),
    },
)
def export_audit(context: Ctx, actor: CurrentActor) -> StreamingResponse:
    """All of it, the oldest first, as one JSON document a line; for administrators."""
    service.must_administrate(actor)
    headers = {"Content-Disposition": 'attachment; filename="audit.ndjson"'}
    return StreamingResponse(lines(context), media_type="application/x-ndjson", headers=headers)


def lines(context: Context) -> Iterator[str]:
    """The whole record as text, an entry a line."""
    with context.database.read(SYSTEM) as session:
        for entry in service.everything(session):
            document = {**entry, "hash": entry["hash"].hex(), "at": entry["at"].isoformat()}
            yield json.dumps(document, default=str, ensure_ascii=False) + "\n"
