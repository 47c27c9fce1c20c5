"""Resumable uploads: what a request may do to one, and what becomes of it when the last byte is durable.

An upload's offset is the number of bytes that were flushed to disk and then written down in its row. A request that
ends, however it ends, moves the offset up to its last byte; a killed server loses at most the last `SYNC_BYTES`.
"""

import datetime as dt
from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from uuid import UUID

import structlog

from otolith.accounts.quotas.service import QuotaSpent
from otolith.core.actor import Actor
from otolith.core.context import Context
from otolith.core.db import now
from otolith.core.errors import AppError, BadRequest, Conflict, NotAllowed, NotAvailable, NotFound, TooLarge
from otolith.core.spool import StorageFull
from otolith.media import queries, tus_headers
from otolith.media.intake import Received, choose_workspace, file_upload
from otolith.media.models import Upload
from otolith.media.quota import require_room
from otolith.media.receiving import Arrived, too_large
from otolith.media.room import Room
from otolith.media.threads import in_thread, pump
from otolith.media.tus_files import Digests, PartFile, UploadGone, path_of
from otolith.media.tus_headers import Checksum
from otolith.media.uploads import UploadCutOff

log = structlog.get_logger(__name__)

KEPT: Final = dt.timedelta(days=3)
SYNC_BYTES: Final = 16 << 20
PART: Final = "partial"
PATIENCE: Final = 3.0
# What may be different in a moment, or once somebody has made room.
_TEMPORARY: Final = (NotAvailable, StorageFull, QuotaSpent)


class NoSuchUpload(NotFound):
    """There is no such upload of yours."""


class WrongOffset(Conflict):
    """The bytes do not join those that are here; ask for the offset with HEAD and go on from there."""


class ChecksumMismatch(AppError):
    """The bytes did not arrive as they were sent, and were dropped; send them again."""

    status = 460


@dataclass(slots=True)
class Progress:
    """Where an upload stands after a request."""

    upload: Upload
    received: Received | None = None


@dataclass(slots=True)
class Appending:
    """One request that adds bytes to an upload, under its lock."""

    context: Context
    actor: Actor
    upload: Upload
    part: PartFile
    checksum: Checksum | None
    room: Room = field(init=False)
    hasher: Any = field(init=False)
    noted: int = field(init=False)

    def __post_init__(self) -> None:
        self.room = Room(self.context)
        self.hasher = self.checksum.hasher() if self.checksum else None
        self.noted = self.part.size

    def feed(self, data: bytes) -> None:
        limit = self.upload.size if self.upload.size is not None else self.context.settings.media.upload_limit
        if self.part.size + len(data) > limit:
            raise too_large(limit) if self.upload.size is None else _overlong()
        self.room.take(len(data))
        if self.hasher is not None:
            self.hasher.update(data)
        self.part.append(data)
        # Bytes that are yet to be proven by a checksum are not promised.
        if self.hasher is None and self.part.size - self.noted >= SYNC_BYTES:
            self.note()

    def note(self) -> None:
        """Flush what came and write the new offset down."""
        self.part.sync()
        expires = now() + KEPT
        with self.context.database.write(self.actor) as session:
            if not queries.move_upload(session, self.upload.id, self.noted, self.part.size, self.upload.size, expires):
                raise UploadGone
        self.noted = self.upload.received = self.part.size
        self.upload.expires_at = expires

    def verify(self) -> None:
        if self.checksum is not None and self.hasher.digest() != self.checksum.digest:
            raise ChecksumMismatch


def _overlong() -> TooLarge:
    return TooLarge("This is more than the Upload-Length that was announced.")


def create(
    context: Context, actor: Actor, headers: Mapping[str, str], *, workspace_id: UUID | None, told: int | None
) -> Upload:
    """A new upload as its headers announce it; `told` is the length of a first part that comes with the request."""
    size = tus_headers.length(headers)
    sent, name = tus_headers.metadata(headers)
    part = tus_headers.concat(headers) is not None
    limit = context.settings.media.upload_limit
    if (size or 0) > limit:
        raise too_large(limit)
    workspace = choose_workspace(context, actor, workspace_id)
    Room(context).require(size or told or 0)
    require_room(context, actor, workspace, size or told or 0, in_pieces=True)
    with context.database.write(actor) as session:
        upload = Upload(
            workspace_id=workspace,
            user_id=actor.user_id,
            name=name,
            told={"metadata": sent, **({"concat": PART} if part else {})},
            size=size,
            received=0,
            expires_at=now() + KEPT,
        )
        session.add(upload)
    log.info("media.tus.created", upload_id=str(upload.id), size=size)
    return upload


def find(context: Context, actor: Actor, upload_id: UUID) -> Upload:
    """An upload of the caller's; `UploadGone` where it can no longer be continued."""
    with context.database.read(actor) as session:
        upload = queries.upload(session, actor, upload_id)
    if upload is None:
        raise NoSuchUpload
    if upload.refused is not None:
        raise UploadGone(upload.refused)
    if upload.media_id is None and upload.expires_at < now():
        raise UploadGone
    return upload


def require_editor(actor: Actor, upload: Upload) -> None:
    """Whoever began an upload may have lost the right to add since, or come with a token that only reads."""
    if not actor.may_edit(upload.workspace_id):
        raise NotAllowed("You may see this workspace but not add to it; ask its owner for the editor's role.")


def is_whole(upload: Upload) -> bool:
    return upload.size is not None and upload.received == upload.size


def is_part(upload: Upload) -> bool:
    """Whether the upload is a part of another one, and so becomes nothing by itself."""
    return upload.told.get("concat") == PART


def parts_of(upload: Upload) -> list[UUID]:
    """The uploads whose bytes this one was made of."""
    return [UUID(part) for part in upload.told.get("parts", ())]


async def append(
    context: Context,
    actor: Actor,
    upload_id: UUID,
    chunks: AsyncIterable[bytes],
    *,
    offset: int,
    size: int | None = None,
    told: int | None = None,
    checksum: Checksum | None = None,
) -> Progress:
    """Add bytes behind `offset`, and file the upload when it is whole.

    `size` sets the length of an upload that had none; `told` is the length of this request's body where it is known.
    """
    path = path_of(context.storage.spool.folder, upload_id)
    await in_thread(partial(find, context, actor, upload_id))
    holding = PartFile.locked(path)
    part = await in_thread(holding.__enter__)
    try:
        appending = await in_thread(partial(_start, context, actor, upload_id, part, offset, size, told, checksum))
        await _append(appending, chunks)
        if not is_whole(appending.upload) or is_part(appending.upload):
            return Progress(appending.upload)
        return await in_thread(partial(file_whole, context, actor, appending.upload, part))
    finally:
        holding.__exit__(None, None, None)


async def _append(appending: Appending, chunks: AsyncIterable[bytes]) -> None:
    digests = appending.context.resource(Digests)
    try:
        await pump(chunks, appending.feed)
        await in_thread(appending.verify)
    except (UploadCutOff, StorageFull):
        # What came before the connection broke, or the disk was full, need not be sent again.
        if appending.checksum is None:
            await in_thread(appending.note)
        raise
    await in_thread(appending.note)
    digests.keep(appending.upload.id, appending.part.size, appending.part.digest)


def _start(
    context: Context,
    actor: Actor,
    upload_id: UUID,
    part: PartFile,
    offset: int,
    size: int | None,
    told: int | None,
    checksum: Checksum | None,
) -> Appending:
    upload = find(context, actor, upload_id)
    require_editor(actor, upload)
    if parts_of(upload):
        raise NotAllowed("The bytes of this upload come from its parts alone.")
    if upload.media_id is not None:
        part.remove()
        raise WrongOffset("This upload is complete.", headers={"Upload-Offset": str(upload.received)})
    if upload.received != offset:
        raise WrongOffset(headers={"Upload-Offset": str(upload.received)})
    if size is not None:
        _set_size(context, upload, size)
    if upload.size is not None and offset + (told or 0) > upload.size:
        raise _overlong()
    Room(context).require(told or 0)
    require_room(context, actor, upload.workspace_id, told or 0, in_pieces=True)
    part.start_at(offset, context.resource(Digests).take(upload_id, offset))
    return Appending(context, actor, upload, part, checksum)


def _set_size(context: Context, upload: Upload, size: int) -> None:
    limit = context.settings.media.upload_limit
    if upload.size not in (None, size) or size < upload.received:
        raise BadRequest("The length of this upload is settled already.")
    if size > limit:
        raise too_large(limit)
    upload.size = size


def finish(context: Context, actor: Actor, upload_id: UUID) -> Progress:
    """File an upload whose bytes are all here, as after a server that was stopped just then."""
    with PartFile.locked(path_of(context.storage.spool.folder, upload_id)) as part:
        upload = find(context, actor, upload_id)
        require_editor(actor, upload)
        if upload.media_id is not None:
            part.remove()
        if upload.media_id is not None or is_part(upload):
            return Progress(upload)
        part.start_at(upload.received, context.resource(Digests).take(upload_id, upload.received))
        return file_whole(context, actor, upload, part)


def file_whole(context: Context, actor: Actor, upload: Upload, part: PartFile) -> Progress:
    arrived = Arrived(upload.name, part.spooled())
    settled = [upload.id, *parts_of(upload)]
    try:
        received = file_upload(
            context,
            actor,
            upload.workspace_id,
            arrived,
            also=lambda session, media: queries.settle_uploads(session, settled, media.id, None),
        )
    except _TEMPORARY:
        # Every byte is here, so the sender need not send one again: HEAD, or the sweep, files it later.
        raise
    except AppError as error:
        with context.database.write(actor) as session:
            queries.settle_uploads(session, settled, None, error.detail)
        part.remove()
        raise
    part.remove()
    upload.media_id = received.media.id if received.media is not None else None
    return Progress(upload, received)


def terminate(context: Context, actor: Actor, upload_id: UUID) -> None:
    """Give an upload up; what it became when it was complete stays."""
    with context.database.read(actor) as session:
        upload = queries.upload(session, actor, upload_id)
    if upload is None:
        raise NoSuchUpload
    require_editor(actor, upload)
    with PartFile.locked(path_of(context.storage.spool.folder, upload_id), PATIENCE) as part:
        with context.database.write(actor) as session:
            queries.delete_upload(session, upload_id)
        part.remove()
    log.info("media.tus.terminated", upload_id=str(upload_id))
