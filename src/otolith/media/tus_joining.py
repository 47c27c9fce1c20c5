"""Resumable uploads in parts (the tus extension `concatenation`): sent side by side, and joined at the end."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from uuid import UUID

import structlog

from otolith.accounts.quotas.service import QuotaSpent
from otolith.core.actor import Actor
from otolith.core.context import Context
from otolith.core.db import now
from otolith.core.errors import BadRequest, Conflict
from otolith.media import queries, tus, tus_headers
from otolith.media.models import Upload
from otolith.media.receiving import too_large
from otolith.media.room import Room
from otolith.media.tus_files import Digests, PartFile, UploadGone, path_of

log = structlog.get_logger(__name__)


class PartsMissing(Conflict):
    """Not all parts of this upload are complete; send the rest of them first."""


def join(
    context: Context, actor: Actor, headers: Mapping[str, str], part_ids: Sequence[UUID], workspace_id: UUID | None
) -> tus.Progress:
    """A new upload made of the bytes of others, filed like any that is whole; their bytes are then let go."""
    parts = [tus.find(context, actor, part_id) for part_id in part_ids]
    workspace = _require_joinable(actor, parts, workspace_id)
    size = sum(part.received for part in parts)
    limit = context.settings.media.upload_limit
    if size > limit:
        raise too_large(limit)
    known = {part.media_id for part in parts}
    if None in known and len(known) > 1:
        raise UploadGone("The bytes of a part went into another upload; send it anew.")
    sent, name = tus_headers.metadata(headers)
    upload = Upload(
        workspace_id=workspace,
        user_id=actor.user_id,
        name=name,
        told={"metadata": sent, "parts": [str(part.id) for part in parts]},
        size=size,
        received=0,
        expires_at=now() + tus.KEPT,
    )
    if None not in known:
        return _again(context, actor, upload, known)
    Room(context).require(size)
    with context.database.write(actor) as session:
        session.add(upload)
    progress = _file(context, actor, upload, parts)
    log.info("media.tus.joined", upload_id=str(upload.id), parts=len(parts), size=size)
    return progress


def _require_joinable(actor: Actor, parts: Sequence[Upload], wanted: UUID | None) -> UUID:
    workspaces = {part.workspace_id for part in parts}
    if len(workspaces) > 1 or (wanted is not None and wanted not in workspaces):
        raise BadRequest("The parts of an upload belong to one workspace, and so does the upload.")
    for part in parts:
        tus.require_editor(actor, part)
        if not tus.is_part(part):
            raise BadRequest("An upload is joined from partial uploads alone (Upload-Concat: partial).")
        if not tus.is_whole(part):
            raise PartsMissing
    return workspaces.pop()


def _again(context: Context, actor: Actor, upload: Upload, known: set[UUID | None]) -> tus.Progress:
    """The same parts once more, as by a client that never heard the first answer: the media is there already."""
    if len(known) > 1:
        raise UploadGone("The bytes of these parts went into several uploads; send them anew.")
    upload.media_id, upload.received = known.pop(), upload.size or 0
    with context.database.write(actor) as session:
        session.add(upload)
    return tus.Progress(upload)


def _file(context: Context, actor: Actor, upload: Upload, parts: Sequence[Upload]) -> tus.Progress:
    folder = context.storage.spool.folder
    with ExitStack() as stack:
        # In one order, so that two who join the same parts cannot wait for each other.
        ids = sorted({part.id for part in parts})
        held = {part: stack.enter_context(PartFile.locked(path_of(folder, part), tus.PATIENCE)) for part in ids}
        whole = stack.enter_context(PartFile.locked(path_of(folder, upload.id)))
        whole.start_at(0, context.resource(Digests).take(upload.id, 0))
        appending = tus.Appending(context, actor, upload, whole, None)
        for part in parts:
            held[part.id].start_at(part.received, None)
            for data in held[part.id].content():
                appending.feed(data)
        appending.note()
        try:
            progress = tus.file_whole(context, actor, upload, whole)
        except QuotaSpent:
            # The parts stay, so whoever joins them again loses nothing, and does not leave a second copy either.
            with context.database.write(actor) as session:
                queries.delete_upload(session, upload.id)
            whole.remove()
            raise
        for file in held.values():
            file.remove()
        return progress
