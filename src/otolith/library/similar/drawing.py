"""Drawing maps: the job that gives every track its place."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from otolith.core.actor import SYSTEM
from otolith.core.db import now
from otolith.jobs.service import Run, submit
from otolith.library.similar import queries
from otolith.library.similar.engine.layout import draw
from otolith.library.similar.engine.shelf import Shelf
from otolith.library.similar.events import MAP, MapPayload
from otolith.library.similar.index import read_shelf

_CHUNK: Final = 2_000
# On a map from -1 to 1, what nobody would see.
_UNMOVED: Final = 0.001
_THOUSANDTHS: Final = 1000


def draw_map(run: Run, payload: MapPayload) -> dict[str, Any]:
    """Draw the map of the job's workspace, or ask for those of all workspaces that have changed."""
    if run.workspace_id is None:
        return _ask_for_all(run)
    with run.context.database.read(run.actor) as session:
        if not payload.anew and not queries.unplaced(session, run.workspace_id):
            return {"placed": 0, "tracks": 0}
        shelf = read_shelf(session, run.workspace_id)
        shelf = shelf.of_version(shelf.newest())
        known = queries.places_of(session, run.workspace_id)
    run.check()
    old = _old_places(shelf, {} if payload.anew else known)

    def tell(share: float) -> None:
        run.check()
        run.progress(round(share * _THOUSANDTHS), _THOUSANDTHS, note="Drawing the map")

    drawn = draw(shelf, old, tell)
    moved = np.flatnonzero(~(np.abs(drawn - old) < _UNMOVED).all(axis=1))
    for start in range(0, len(moved), _CHUNK):
        _store(run, run.workspace_id, shelf, moved[start : start + _CHUNK], drawn)
    return {"placed": len(moved), "tracks": len(shelf)}


def _ask_for_all(run: Run) -> dict[str, Any]:
    """One job for each catalogue that has changed since it was last asked for."""
    with run.step(actor=SYSTEM) as session:
        versions = queries.versions(session, SYSTEM, None)
        for workspace_id, version in versions.items():
            if version:
                # Once a version of the catalogue; and once a day, since the job of before may have died. Where every
                # track has its place, there is nothing for it to do.
                key = f"catalogue {version} {now():%Y-%m-%d}"
                submit(session, MAP, MapPayload(), workspace=workspace_id, priority="low", idempotency_key=key)
    return {"workspaces": len(versions)}


def _old_places(shelf: Shelf, known: dict[UUID, tuple[float, float]]) -> NDArray[np.float32]:
    places = np.full((len(shelf), 2), np.nan, np.float32)
    for row in range(len(shelf)):
        if (place := known.get(shelf.id_at(row))) is not None:
            places[row] = place
    return places


def _store(
    run: Run, workspace_id: UUID, shelf: Shelf, rows: NDArray[np.intp] | Sequence[int], drawn: NDArray[np.float32]
) -> None:
    at = {shelf.id_at(row): (float(drawn[row, 0]), float(drawn[row, 1])) for row in rows}
    with run.step() as session:
        queries.store_places(session, workspace_id, at, now())
