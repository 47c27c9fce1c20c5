"""Tidying covers: albums whose picture went with a track, pictures that nothing shows, files that nobody knows."""

import datetime as dt
from itertools import islice
from typing import Any, Final

from otolith.core.actor import SYSTEM
from otolith.core.db import now
from otolith.jobs.service import Run
from otolith.library.catalogue.versions import next_version
from otolith.library.covers import queries
from otolith.library.covers.making import settle_albums

# What was made may belong to a track that is about to be stored; after a day it belongs to nobody.
_YOUNG: Final = dt.timedelta(days=1)
_CHUNK: Final = 500


def tidy(run: Run) -> dict[str, Any]:
    """Settle, forget and remove; a second time there is nothing left to do."""
    settled = _settle(run)
    with run.step(actor=SYSTEM) as session:
        forgotten = queries.forget_unused(session, now() - _YOUNG)
    return {"albums": settled, "covers": forgotten, "files": _remove_orphans(run)}


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
