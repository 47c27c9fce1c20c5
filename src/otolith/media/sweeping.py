"""Removing what crashes, cancelled requests and deleted workspaces leave behind; safe beside everything else."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import PurePosixPath
from typing import Any, Final

import structlog

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.db import now
from otolith.core.errors import AppError
from otolith.media import queries, tus
from otolith.media.contents import collect_content
from otolith.media.models import Upload
from otolith.media.tus_files import PartFile, UploadBusy, UploadGone, path_of, stray_files

log = structlog.get_logger(__name__)

# A file without a row may belong to an upload that is about to commit; after a day it belongs to nobody.
_ORPHAN_SECONDS: Final = 24 * 3600.0
_CHUNK: Final = 500

Check = Callable[[], None]


@dataclass(slots=True)
class Swept:
    """What was removed, or filed after all."""

    received_files: int = 0
    expired_uploads: int = 0
    finished_uploads: int = 0
    stray_uploads: int = 0
    unused_contents: int = 0
    orphan_files: int = 0
    unused_waveforms: int = 0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def sweep(context: Context, check: Check) -> Swept:
    """Look everywhere once; `check` is called between steps and may raise to stop."""
    swept = Swept(received_files=context.storage.spool.sweep())
    check()
    _finish_uploads(context, swept, check)
    _remove_expired_uploads(context, swept, check)
    _remove_stray_uploads(context, swept)
    check()
    _remove_unused_contents(context, swept, check)
    _remove_orphan_files(context, swept, check)
    with context.database.write(SYSTEM) as session:
        swept.unused_waveforms = queries.delete_unused_waveforms(session)
    return swept


def _finish_uploads(context: Context, swept: Swept, check: Check) -> None:
    """File what was received whole by a server that was stopped just then."""
    with context.database.read(SYSTEM) as session:
        whole = queries.unfiled_uploads(session, now(), _CHUNK)
    for upload in whole:
        check()
        # The system acts, and the media is the sender's all the same.
        sender = replace(SYSTEM, user_id=upload.user_id)
        try:
            tus.finish(context, sender, upload.id)
        except AppError as error:
            log.info("media.sweep.unfiled", upload_id=str(upload.id), kind=error.kind())
        else:
            swept.finished_uploads += 1


def _remove_expired_uploads(context: Context, swept: Swept, check: Check) -> None:
    with context.database.read(SYSTEM) as session:
        expired = queries.expired_uploads(session, now(), _CHUNK)
    for upload in expired:
        check()
        swept.expired_uploads += _remove_upload(context, upload)


def _remove_upload(context: Context, upload: Upload) -> bool:
    try:
        with PartFile.locked(path_of(context.storage.spool.folder, upload.id)) as part:
            with context.database.write(SYSTEM) as session:
                queries.delete_upload(session, upload.id)
            part.remove()
    except (UploadBusy, UploadGone):
        # Somebody is at it right now; the next sweep will see.
        return False
    return True


def _remove_stray_uploads(context: Context, swept: Swept) -> None:
    """Part files whose rows are gone, as of a deleted workspace."""
    strays = dict(islice(stray_files(context.storage.spool.folder, _ORPHAN_SECONDS), _CHUNK))
    with context.database.read(SYSTEM) as session:
        known = queries.known_uploads(session, list(strays))
    for upload_id in strays.keys() - known:
        strays[upload_id].unlink(missing_ok=True)
        swept.stray_uploads += 1


def _remove_unused_contents(context: Context, swept: Swept, check: Check) -> None:
    with context.database.read(SYSTEM) as session:
        unused = queries.unused_contents(session, 10 * _CHUNK)
    for sha256 in unused:
        check()
        collect_content(context, sha256)
        swept.unused_contents += 1


def _remove_orphan_files(context: Context, swept: Swept, check: Check) -> None:
    """Stored files that no row names, as after a crash between a file and its row."""
    keys = context.storage.keys(_ORPHAN_SECONDS)
    while chunk := {PurePosixPath(key).stem: key for key in islice(keys, _CHUNK)}:
        check()
        with context.database.read(SYSTEM) as session:
            known = queries.known_contents(session, list(chunk))
        for sha256 in chunk.keys() - known:
            swept.orphan_files += _remove_orphan(context, sha256, chunk[sha256])


def _remove_orphan(context: Context, sha256: str, key: str) -> bool:
    """Take the row's lock by making it, so that an upload of this content cannot come in between."""
    with context.database.write(SYSTEM) as session:
        content = queries.lock_content(session, sha256, key, 0, now())
        if content.size or queries.is_stored(session, sha256):
            return False
        context.storage.delete(key)
        session.delete(content)
    return True
