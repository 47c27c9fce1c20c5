"""What is taken in without a person asking: single places as they change, and whole folders by the clock."""

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from otolith.core.actor import SYSTEM
from otolith.jobs.service import JobCancelled, Postponed, Run
from otolith.library import queries
from otolith.library.comparing import Compared, gone_among, mark_missing, submit_analyses, walk_of
from otolith.library.covers.service import submit_folders
from otolith.library.engine.ignoring import NO_MEDIA, PATTERNS, Ignored
from otolith.library.engine.walk import PICTURES, Found, Step, Walk, extension
from otolith.library.events import RefreshPayload
from otolith.library.indexing import read_files, store_confirmed
from otolith.library.roots import queries as scans
from otolith.library.roots.scans import scan_by_itself
from otolith.library.roots.service import due_roots
from otolith.library.roots.waiting import away_below, wait_for_folder
from otolith.library.scanning import workspace_of
from otolith.media import service as media

_CHUNK: Final = 100
_PAGE: Final = 1000
# More than this is work for a scan, which people can watch and pause.
_LARGEST: Final = 2000
_SCAN_SECONDS: Final = 5.0


def refresh(run: Run, payload: RefreshPayload) -> dict[str, Any]:
    """Take in what changed at a few places: first what is there, so that what moved is known before it is missed."""
    workspace_id = workspace_of(run)
    wait_for_folder(run, None, workspace_id, payload.root)
    counts = dict.fromkeys(("added", "updated", "moved", "unchanged"), 0)
    walk = walk_of(run.context, payload.root)
    for chunk in _chunks(_files(run, _steps(walk, payload.paths))):
        _take_in(run, workspace_id, payload, chunk, counts)
        if sum(counts.values()) - counts["unchanged"] > _LARGEST:
            return _leave_to_scan(run, workspace_id, payload.root)
    if walk.mounts:
        with run.step() as session:
            scans.keep_mounts(session, workspace_id, walk.mounts)
    missing = _miss(run, workspace_id, payload)
    _look_at_pictures(run, payload)
    if payload.root_id is not None and missing + sum(counts.values()) > counts["unchanged"]:
        with run.step() as session:
            scans.note_touched(session, payload.root_id)
    return {**counts, "missing": missing}


def _files(run: Run, steps: Iterable[Step]) -> Iterator[Found]:
    """The files among these steps, each once: a new folder and a file in it are told of one after the other."""
    known: set[bytes] = set()
    for step in steps:
        run.check()
        if isinstance(step, Found) and step.path not in known:
            known.add(step.path)
            yield step


def _steps(walk: Walk, paths: Sequence[bytes]) -> Iterator[Step]:
    """What lies at these paths now; an ignore file stands for the whole of its folder."""
    places: dict[bytes, set[bytes]] = {}
    for path in paths:
        folder, _, name = path.rpartition(b"/")
        if name in {NO_MEDIA, PATTERNS}:
            folder, _, name = folder.rpartition(b"/")
        if name and (folder + b"/" + name).startswith(walk.root.rstrip(b"/") + b"/"):
            places.setdefault(folder or b"/", set()).add(name)
        else:
            return iter(walk)
    return chain.from_iterable(walk.part(folder, names) for folder, names in sorted(places.items()))


def _chunks(files: Iterator[Found]) -> Iterator[Sequence[Found]]:
    while chunk := list(islice(files, _CHUNK)):
        yield chunk


def _leave_to_scan(run: Run, workspace_id: UUID, root: bytes) -> dict[str, Any]:
    with run.step(actor=SYSTEM) as session:
        mine = scans.root_at(session, workspace_id, media.path_digest(root))
        started = None if mine is None else scan_by_itself(session, mine)
    if mine is not None and started is None:
        # The scan that runs may have passed the place already, so another has to follow it.
        raise Postponed(_SCAN_SECONDS, "So much has changed that the folder is scanned once the present scan is over.")
    return {"scan_id": None if started is None else str(started.scan_id)}


def _take_in(
    run: Run, workspace_id: UUID, payload: RefreshPayload, files: Sequence[Found], counts: dict[str, int]
) -> None:
    run.check()
    compared = Compared(run, workspace_id, files)
    counts["unchanged"] += compared.unchanged
    if compared.back or compared.unheard:
        with run.step() as session:
            compared.take_back(session)
            submit_analyses(session, run, None, [(media_id, "none") for media_id in compared.unheard])
            _require_root(session, payload)
    counts["updated"] += len(compared.back)
    if compared.changed:
        taken = read_files(run, compared.changed)
        stored = store_confirmed(run, payload.root, None, taken, lambda session: _require_root(session, payload))
        for outcome in stored.values():
            counts[outcome] += 1


def _require_root(session: Session, payload: RefreshPayload) -> None:
    """End where the folder has left the library meanwhile; asked last in a step, as whoever takes it out waits last."""
    if payload.root_id is not None and scans.held_root(session, payload.root_id) is None:
        raise JobCancelled


def _look_at_pictures(run: Run, payload: RefreshPayload) -> None:
    """Have covers looked for again where a picture beside the music changed."""
    folders = {path.rpartition(b"/")[0] for path in payload.paths if extension(path.rpartition(b"/")[2]) in PICTURES}
    if payload.root in payload.paths:
        folders = {payload.root}
    if folders:
        with run.step() as session:
            for folder in sorted(folders):
                submit_folders(session, run, None, folder)


def _miss(run: Run, workspace_id: UUID, payload: RefreshPayload) -> int:
    """Mark as missing what was stored at these places and below them and is not there any more."""
    ignored = Ignored()
    count = 0
    for path in payload.paths:
        name = path.rpartition(b"/")[2]
        place = path.rpartition(b"/")[0] if name in {NO_MEDIA, PATTERNS} else path
        if os.path.lexists(place) and not os.path.isdir(place):  # noqa: PTH112 -- The path is bytes.
            continue
        for page in _stored_at(run, workspace_id, place):
            run.check()
            gone = gone_among(page, ignored)
            if gone:
                wait_for_folder(run, None, workspace_id, payload.root)
                gone = gone_among(list(gone.items()), ignored, away_below(run, workspace_id, payload.root))
                with run.step() as session:
                    count += mark_missing(session, workspace_id, gone, None)
                    _require_root(session, payload)
    return count


def _stored_at(run: Run, workspace_id: UUID, place: bytes) -> Iterator[Sequence[tuple[UUID, bytes]]]:
    with run.context.database.read(run.actor) as session:
        exactly = queries.file_at(session, workspace_id, media.path_digest(place))
    if exactly is not None:
        yield [(exactly, place)]
    after: UUID | None = None
    while True:
        with run.context.database.read(run.actor) as session:
            page = queries.files_under(session, workspace_id, place, after, _PAGE)
        if not page:
            return
        after = page[-1][0]
        yield page


def go_round(run: Run) -> dict[str, Any]:
    """Scan the folders whose time has come, each unless a scan of it is not over."""
    with run.step(actor=SYSTEM) as session:
        started = [scan_by_itself(session, root) for root in due_roots(session)]
        is_watched = bool(scans.watched_roots(session))
    wanted = run.context.settings.folder.watch_wanted
    # On each host whose workers run this, also one that was added elsewhere or brought back from a backup.
    if is_watched:
        wanted.touch()
    else:
        wanted.unlink(missing_ok=True)
    return {"scans": [str(one.scan_id) for one in started if one is not None]}
