"""Looking again at the folders of a library for pictures that were put there, changed or taken away."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from otolith.jobs.service import Run
from otolith.library.covers import folders, queries
from otolith.library.covers.events import COVERS, CoversPayload, FoldersPayload
from otolith.library.roots import phases
from otolith.library.roots import queries as scans
from otolith.library.roots.waiting import away_below, why_away

_PAGE: Final = 2000
_CHUNK: Final = 100


def look_at_folders(run: Run, payload: FoldersPayload) -> dict[str, Any]:
    """Compare the pictures beside known files with what is stored, and ask for the covers of what changed."""
    assert run.workspace_id is not None  # noqa: S101 -- Whoever submits these jobs names the workspace.
    if why_away(run, run.workspace_id, payload.root) is not None:
        # Its disk is away, and with it every picture; nothing can be told of them.
        return {"folders": 0, "changed": 0}
    places = _places(run, run.workspace_id, payload.root)
    away = tuple(away_below(run, run.workspace_id, payload.root))
    with run.context.database.read(run.actor) as session:
        known = {row.folder: row for row in queries.folders_below(session, run.workspace_id, payload.root)}
    changed: list[UUID] = []
    looked_at = _looked_at(places, payload.root)
    for number, folder in enumerate(sorted(looked_at)):
        run.check()
        run.progress(number, len(looked_at), note=folder.decode("utf-8", "replace"))
        row, listing = known.get(folder), folders.pictures_in(folder)
        if listing is None or (folder + b"/").startswith(away):
            continue
        if listing.digest != (row.listing if row is not None else ""):
            changed += looked_at[folder]
    gone = [row.folder_digest for folder, row in known.items() if folder not in looked_at]
    with run.step(checkpoint={"done": len(looked_at)}) as session:
        queries.forget_folders(session, run.workspace_id, gone)
        tracks = queries.tracks_of_media(session, set(changed))
        starts = range(0, len(tracks), _CHUNK)
        chunks = [CoversPayload(tracks=tracks[start : start + _CHUNK], scan_id=payload.scan_id) for start in starts]
        if payload.scan_id is not None:
            scans.advance(session, payload.scan_id, phases.Step("covers", more=len(tracks)))
        run.children(session, COVERS, chunks)
    return {"folders": len(looked_at), "changed": len(set(changed))}


def _looked_at(places: Mapping[bytes, Sequence[UUID]], root: bytes) -> dict[bytes, list[UUID]]:
    """The folders where pictures may lie, with the media that they concern; of each album one for its artist."""
    found: dict[bytes, list[UUID]] = {}
    for place, media in places.items():
        for folder in {place, folders.outer_of(place)}:
            found.setdefault(folder, []).extend(media)
        for folder in folders.artist_folders(place):
            if (folder + b"/").startswith(root.rstrip(b"/") + b"/"):
                found.setdefault(folder, []).append(media[0])
    return found


def _places(run: Run, workspace_id: UUID, root: bytes) -> dict[bytes, list[UUID]]:
    """The folders below `root` that hold known files, with the media in each."""
    places: dict[bytes, list[UUID]] = {}
    after: UUID | None = None
    while True:
        run.check()
        with run.context.database.read(run.actor) as session:
            page = queries.files_below(session, workspace_id, root, after, _PAGE)
        if not page:
            return places
        after = page[-1][0]
        for media_id, path in page:
            places.setdefault(folders.folder_of(path), []).append(media_id)
