"""Tidying covers: albums whose picture went with a track, pictures that nothing shows, files lost or unknown."""

import datetime as dt
from itertools import islice
from typing import Any, Final

from otolith.core.actor import SYSTEM
from otolith.core.db import now
from otolith.jobs.service import Run, submit
from otolith.library.catalogue.versions import next_version
from otolith.library.covers import queries
from otolith.library.covers.events import COVERS, CoversPayload
from otolith.library.covers.making import settle_albums

# What was made may belong to a track that is about to be stored; after a day it belongs to nobody.
_YOUNG: Final = dt.timedelta(days=1)
_CHUNK: Final = 500


def tidy(run: Run) -> dict[str, Any]:
    """Settle, forget and remove; a second time there is nothing left to do."""
    settled = _settle(run)
    with run.step(actor=SYSTEM) as session:
        forgotten = queries.forget_unused(session, now() - _YOUNG)
    return {"albums": settled, "covers": forgotten, "files": _remove_orphans(run), "lost": _make_anew(run)}


def _settle(run: Run) -> int:
    """Give albums their pictures that came about, or lost a track, without anybody looking for pictures."""
    settled, after = 0, None
    while True:
        run.check()
        with run.context.database.read(SYSTEM) as session:
            page = queries.unsettled_albums(session, after, _CHUNK)
        if not page:
            return settled
        after = page[-1][0]
        for workspace_id in {workspace_id for _, workspace_id in page}:
            albums = [album_id for album_id, owner in page if owner == workspace_id]
            with run.step(actor=SYSTEM) as session:
                settled += settle_albums(session, workspace_id, albums, next_version(session, workspace_id))


def _remove_orphans(run: Run) -> int:
    storage = run.context.storage
    removed = 0
    keys = storage.keys(_YOUNG.total_seconds(), "covers")
    while chunk := list(islice(keys, _CHUNK)):
        run.check()
        with run.context.database.read(SYSTEM) as session:
            known = queries.stored_among(session, chunk)
        for key in chunk:
            if key not in known:
                storage.delete(key)
                removed += 1
    return removed


def _make_anew(run: Run) -> int:
    """Ask again for pictures whose files are gone, as after a restored backup that left them out."""
    present = set(run.context.storage.keys(shelf="covers"))
    lost_in_all, after = 0, ""
    while True:
        run.check()
        with run.context.database.read(SYSTEM) as session:
            page = queries.stored_page(session, after, _CHUNK)
        if not page:
            return lost_in_all
        after = page[-1][0]
        lost = [key for key, stored in page if stored not in present and run.context.storage.stat(stored) is None]
        lost_in_all += len(lost)
        if lost:
            _ask_again(run, lost)


def _ask_again(run: Run, lost: list[str]) -> None:
    with run.step(actor=SYSTEM) as session:
        bearers = {*queries.bearers(session, lost).values(), *queries.artist_bearers(session, lost)}
        queries.forget(session, lost)
        for workspace_id in {workspace_id for workspace_id, _ in bearers}:
            tracks = [track_id for owner, track_id in bearers if owner == workspace_id]
            submit(session, COVERS, CoversPayload(tracks=tracks), workspace=workspace_id)
