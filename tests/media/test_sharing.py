"""Contents shared by workspaces: never a row without a file, never a file without a row, whoever comes together."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import func, select

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.media.intake import file_upload
from otolith.media.models import Media, StoredContent, Upload
from otolith.media.receiving import Arrived
from otolith.media.service import MediaNotFound, Received, delete_media
from tests.callers import Callers
from tests.media.sounds import recording


def stored(context: Context) -> list[Path]:
    return [path for path in context.settings.folder.media.rglob("*") if path.is_file()]


def together(count: int, work: Callable[[int], None]) -> None:
    """Run `work` in so many threads that begin at one moment; what any of them raises is raised."""
    barrier = threading.Barrier(count)

    def run(number: int) -> None:
        barrier.wait()
        work(number)

    with ThreadPoolExecutor(count) as pool:
        for done in [pool.submit(run, number) for number in range(count)]:
            done.result()


def upload(context: Context, callers: Callers, kind: str) -> Received:
    workspace = callers.elsewhere if kind == "stranger" else callers.home
    with context.storage.incoming() as incoming:
        incoming.write(recording())
        return file_upload(context, callers.actors[kind], workspace, Arrived("a.flac", incoming.finish()))


def test_one_content_sent_at_once_becomes_one_media(callers: Callers, context: Context) -> None:
    found: list[Received] = []
    together(6, lambda _number: found.append(upload(context, callers, "editor")))
    assert Counter(received.created for received in found) == {True: 1, False: 5}
    assert len({received.media.id for received in found if received.media is not None}) == 1
    assert len(stored(context)) == 1


def test_uploads_and_deletions_at_once_leave_no_loose_end(callers: Callers, context: Context) -> None:
    kinds = ("editor", "stranger", "owner", "stranger")

    def come_and_go(number: int) -> None:
        actor = callers.actors[kinds[number]]
        for _ in range(6):
            media = upload(context, callers, kinds[number]).media
            assert media is not None
            # Somebody else of the workspace may have been faster.
            with suppress(MediaNotFound), context.database.write(actor) as session:
                delete_media(context, session, actor, media.id)

    together(len(kinds), come_and_go)
    with context.database.read(SYSTEM) as session:
        rows = session.scalar(select(func.count()).select_from(Media))
        contents = session.scalar(select(func.count()).select_from(StoredContent))
    assert (rows, contents, stored(context)) == (0, 0, [])
    last = upload(context, callers, "editor").media
    assert last is not None
    assert len(stored(context)) == 1


@pytest.mark.parametrize("model", [Media, Upload])
def test_forgotten_filter_leaks_nothing_on_postgresql(
    callers: Callers, context: Context, model: type[Media | Upload]
) -> None:
    if context.database.is_sqlite:
        pytest.skip("SQLite has no row-level security.")
    upload(context, callers, "editor")
    tus = {"Tus-Resumable": "1.0.0", "Upload-Length": "5"}
    assert callers["editor"].post("/api/media/uploads", headers=tus).status_code == 201
    for kind, seen in (("stranger", 0), ("viewer", 1)):
        with context.database.read(callers.actors[kind]) as session:
            assert len(session.scalars(select(model)).all()) == seen
