"""From a file in the spool to a media row: probed, put in its place, and filed once however often it comes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from otolith.accounts.service import home_workspace
from otolith.core.actor import SYSTEM, Actor
from otolith.core.context import Context
from otolith.core.db import now
from otolith.core.errors import AppError, BadRequest, NotAllowed, NotFound
from otolith.core.spool import Spooled
from otolith.media import queries
from otolith.media.describing import describe
from otolith.media.events import MediaAdded, MediaSentAgain
from otolith.media.models import Media
from otolith.media.probing import Probes, probe
from otolith.media.receiving import Arrived

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Received:
    """What became of one file of an upload: a media, new or known before, or the error that refused it.

    `made` names what other slices made of it in the same transaction, such as its `track` and the `job` that will
    analyse it.
    """

    name: str
    media: Media | None = None
    created: bool = False
    refused: AppError | None = None
    made: dict[str, UUID] = field(default_factory=dict)


def choose_workspace(context: Context, actor: Actor, wanted: UUID | None) -> UUID:
    """The workspace that an upload goes to: the one asked for, the only one there is, or Home."""
    if wanted is not None:
        if not actor.may_see(wanted):
            raise NotFound("There is no such workspace that you may see.")
        if not actor.may_edit(wanted):
            raise NotAllowed("You may see this workspace but not add to it; ask its owner for the editor's role.")
        return wanted
    editable = [workspace for workspace in actor.workspaces if actor.may_edit(workspace)]
    if len(editable) == 1:
        return editable[0]
    if not editable:
        raise NotAllowed("You may not add to any workspace; ask an owner for the editor's role.")
    with context.database.read(SYSTEM) as session:
        home = home_workspace(session).id
    if home not in editable:
        raise BadRequest("You may add to several workspaces; name one of them with `workspace`.")
    return home


def take_in(context: Context, actor: Actor, workspace_id: UUID, arrived: Arrived) -> Received:
    """File what arrived; a file that is not taken is answered, not raised, so that its neighbours go on."""
    try:
        return file_upload(context, actor, workspace_id, arrived)
    except AppError as error:
        log.info("media.upload.refused", kind=error.kind(), size=arrived.spooled.size)
        return Received(arrived.name, refused=error)


def file_upload(
    context: Context,
    actor: Actor,
    workspace_id: UUID,
    arrived: Arrived,
    also: Callable[[Session, Media], None] | None = None,
) -> Received:
    """Probe a received file and file it in the workspace; `also` joins the transaction that does so.

    The file is in its place before the row that names it is committed, so a crash in between leaves a file without
    a row, which the sweep removes, and never a row without a file.
    """
    spooled = arrived.spooled
    sound = probe(context.resource(Probes), spooled.path, context.settings.media.max_hours * 3600)
    # A slow storage takes the file now; under the lock below it only sees that it is there.
    key = context.storage.place(spooled, sound.extension)
    name = arrived.name or f"unnamed.{sound.extension}"
    with context.database.write(actor) as session:
        content = queries.lock_content(session, spooled.sha256, key, spooled.size, now())
        # Between the two, the last workspace that had this content may have given it up.
        context.storage.place(spooled, content.stored.rpartition(".")[2])
        media = queries.uploaded_media(session, workspace_id, spooled.sha256)
        created = media is None
        if media is None:
            media = _new_media(workspace_id, actor, name, spooled, content.stored)
            describe(media, sound)
            session.add(media)
            session.flush()
        event = (MediaAdded if created else MediaSentAgain)(media.id, workspace_id, actor.user_id)
        context.announce(session, event)
        if also is not None:
            also(session, media)
    log.info("media.upload.done", media_id=str(media.id), created=created, size=spooled.size, codec=sound.codec)
    return Received(name, media, created, made=event.made)


def _new_media(workspace_id: UUID, actor: Actor, name: str, spooled: Spooled, stored: str) -> Media:
    return Media(
        workspace_id=workspace_id,
        added_by=actor.user_id,
        name=name,
        sha256=spooled.sha256,
        size=spooled.size,
        stored=stored,
    )
