"""Changing tags over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from otolith.core.errors import BadRequest, Conflict, NotAllowed, NotFound, NotSignedIn, responses
from otolith.core.http import Ctx, CurrentActor, Reading, Writing
from otolith.core.paging import DEFAULT_LIMIT, Cursor, Limit, Page
from otolith.library.editing import service
from otolith.library.editing.schemas import EditBatch, EditItem, EditJob, EditMade, EditPreview, EditRequest

router = APIRouter(prefix="/tracks/edits", tags=["library"])

_REFUSED = responses(BadRequest, NotSignedIn, NotAllowed, NotFound, Conflict)


@router.post("/preview", responses=_REFUSED, operation_id="preview_edit")
def preview_edit(request: EditRequest, session: Reading, context: Ctx, actor: CurrentActor) -> EditPreview:
    """What a change of tags would do, before and after, without doing it."""
    return service.preview(session, context, actor, request)


@router.post("", status_code=201, responses=_REFUSED, operation_id="edit_tags")
def edit_tags(request: EditRequest, session: Writing, actor: CurrentActor) -> EditMade:
    """Change the tags of tracks in the library; the files stay as they are until writing is asked for."""
    return service.edit(session, actor, request)


@router.get("", responses=responses(BadRequest, NotSignedIn), operation_id="list_edits")
def list_batches(
    session: Reading,
    actor: CurrentActor,
    track: Annotated[UUID | None, Query(description="Only changes of this track.")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Page[EditBatch]:
    """The changes of tags, newest first, those made together as one."""
    return service.list_batches(session, actor, track_id=track, cursor=cursor, limit=limit)


@router.get("/{batch_id}", responses=responses(BadRequest, NotSignedIn, NotFound), operation_id="get_edit")
def get_batch(
    batch_id: UUID, session: Reading, actor: CurrentActor, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
) -> Page[EditItem]:
    """What was changed together, track by track, and what became of it."""
    return service.list_edits(session, actor, batch_id, cursor=cursor, limit=limit)


@router.post("/{batch_id}/write", status_code=202, responses=_REFUSED, operation_id="write_edit")
def write_edit(batch_id: UUID, session: Writing, actor: CurrentActor) -> EditJob:
    """Write kept changes into the files, as a job."""
    return service.write(session, actor, batch_id)


@router.post("/{batch_id}/undo", status_code=202, responses=_REFUSED, operation_id="undo_edit")
def undo_edit(batch_id: UUID, session: Writing, actor: CurrentActor) -> EditJob:
    """Take changes back: in the library at once, and in the files that they were written to as a job."""
    return service.undo(session, actor, batch_id)
