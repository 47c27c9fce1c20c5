"""The sweep: what it removes, what it files after all, and what it leaves alone."""

import datetime as dt
import os
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import delete, select, update

from otolith.accounts.models import Workspace
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.db import now
from otolith.core.errors import NotAvailable
from otolith.media import tus
from otolith.media.models import Media, StoredContent, Upload, Waveform
from otolith.media.service import store_waveform
from otolith.media.sweeping import Swept, sweep
from tests.callers import Callers
from tests.media.sounds import recording

TUS = {"Tus-Resumable": "1.0.0"}
DAYS_AGO = time.time() - 3 * 86400


def stored(context: Context) -> list[Path]:
    return [path for path in context.settings.folder.media.rglob("*") if path.is_file()]


def spooled(context: Context) -> list[Path]:
    return list(context.settings.folder.uploads.iterdir())


def swept(context: Context) -> Swept:
    return sweep(context, lambda: None)


def send(callers: Callers, data: bytes, length: int | None = None) -> str:
    client = callers["editor"]
    size = len(data) if length is None else length
    url = client.post("/api/media/uploads", headers={**TUS, "Upload-Length": str(size)}).headers["location"]
    sending = {**TUS, "Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
    client.patch(url, content=data, headers=sending)
    return str(url)


def test_nothing_to_sweep(callers: Callers, context: Context) -> None:
    callers["editor"].post("/api/media", content=recording(), headers={"Content-Type": "audio/flac"})
    send(callers, b"the beginning", 100)
    assert swept(context) == Swept()
    assert (len(stored(context)), len(spooled(context))) == (1, 1)


def test_orphans_go_after_a_day(context: Context) -> None:
    """As after a crash between a file and its row."""
    with context.storage.incoming() as incoming:
        incoming.write(b"orphan")
        context.storage.place(incoming.finish(), "flac")
    assert swept(context).orphan_files == 0
    (orphan,) = stored(context)
    os.utime(orphan, (DAYS_AGO, DAYS_AGO))
    assert swept(context).orphan_files == 1
    assert stored(context) == []
    with context.database.read(SYSTEM) as session:
        assert session.scalars(select(StoredContent)).all() == []


def test_old_files_that_somebody_has_stay(callers: Callers, context: Context) -> None:
    callers["editor"].post("/api/media", content=recording(), headers={"Content-Type": "audio/flac"})
    (file,) = stored(context)
    os.utime(file, (DAYS_AGO, DAYS_AGO))
    assert swept(context) == Swept()
    assert stored(context) == [file]


def test_contents_of_a_deleted_workspace_go(callers: Callers, context: Context) -> None:
    callers["stranger"].post("/api/media", content=recording(), headers={"Content-Type": "audio/flac"})
    with context.database.write(SYSTEM) as session:
        digest = session.scalars(select(StoredContent.sha256)).one()
        store_waveform(session, digest, 1, {"rate": 1, "duration": 0.0, "levels": []})
        session.execute(delete(Workspace).where(Workspace.id == callers.elsewhere))
    done = swept(context)
    assert (done.unused_contents, done.unused_waveforms) == (1, 1)
    assert stored(context) == []
    with context.database.read(SYSTEM) as session:
        assert session.scalars(select(Waveform)).all() == []


def test_expired_and_stray_uploads_go(callers: Callers, context: Context) -> None:
    send(callers, b"the beginning", 100)
    stray = context.settings.folder.uploads / f"{uuid4()}.tus"
    stray.write_bytes(b"of a workspace that is gone")
    os.utime(stray, (DAYS_AGO, DAYS_AGO))
    with context.database.write(SYSTEM) as session:
        session.execute(update(Upload).values(expires_at=now() - dt.timedelta(seconds=1)))
    done = swept(context)
    assert (done.expired_uploads, done.stray_uploads) == (1, 1)
    assert spooled(context) == []


def test_whole_uploads_are_filed_in_their_senders_name(
    callers: Callers, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: Any, **__: Any) -> None:
        raise NotAvailable

    monkeypatch.setattr(tus, "file_upload", stopped)
    send(callers, recording())
    assert swept(context).finished_uploads == 0
    monkeypatch.undo()
    assert swept(context).finished_uploads == 1
    with context.database.read(SYSTEM) as session:
        media = session.scalars(select(Media)).one()
        assert (media.added_by, media.workspace_id) == (callers.actors["editor"].user_id, callers.home)
    assert spooled(context) == []
