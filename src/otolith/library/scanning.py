"""The scan itself: walks a folder, compares it with what is stored, and hands on what is new or changed."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from otolith.jobs.service import Run
from otolith.library import queries
from otolith.library.comparing import Compared, finding, gone_among, mark_missing, submit_analyses, walk_of
from otolith.library.covers.service import submit_folders
from otolith.library.engine.ignoring import Ignored
from otolith.library.engine.walk import Found, Refused, Step
from otolith.library.events import INDEX, IndexPayload, ScanPayload, path_as_text, path_from_text, shown
from otolith.library.roots import phases
from otolith.library.roots import queries as scans
from otolith.library.roots.mounts import no_longer_mounted
from otolith.library.roots.waiting import away_below, wait_for_folder, wait_until_ready

_BATCH: Final = 500
_CHUNK: Final = 100
_PAGE: Final = 1000
# What a folder that went away in the middle of a walk looks like from inside.
_TROUBLE: Final = frozenset({"io_error"})


def scan(run: Run, payload: ScanPayload) -> dict[str, Any]:
    """Walk, hand on, and note what is gone; goes on behind its checkpoint after an interruption."""
    workspace_id = workspace_of(run)
    wait_until_ready(run, payload.scan_id)
    wait_for_folder(run, payload.scan_id, workspace_id, payload.path, patient=run.checkpoint is not None)
    begun: dict[str, Any] = run.checkpoint or _begin(run, payload, workspace_id)
    if begun["phase"] == "walk":
        begun = _walk(run, payload, workspace_id, begun)
    _tidy(run, payload, workspace_id, begun)
    return {"scan_id": str(payload.scan_id), "files": begun["seen"]}


def workspace_of(run: Run) -> UUID:
    assert run.workspace_id is not None  # noqa: S101 -- The library submits its jobs with their workspace.
    return run.workspace_id


def _begin(run: Run, payload: ScanPayload, workspace_id: UUID) -> dict[str, Any]:
    """Tell what is known of the folder, which is the best guess at how much there is."""
    with run.context.database.read(run.actor) as session:
        # What waits to be heard is then asked for by the other scan already.
        alone = not scans.has_other_scan(session, workspace_id, payload.scan_id, payload.path)
    begun: dict[str, Any] = {"phase": "walk", "after": None, "seen": 0, "alone": alone}
    with run.step(checkpoint=begun) as session:
        known = queries.count_files_under(session, workspace_id, payload.path)
        scans.advance(session, payload.scan_id, phases.Step("walk", expected=known or None))
    return begun


def _batches(steps: Iterable[Step]) -> Iterator[list[Step]]:
    going = iter(steps)
    while batch := list(islice(going, _BATCH)):
        yield batch


def _walk(run: Run, payload: ScanPayload, workspace_id: UUID, begun: dict[str, Any]) -> dict[str, Any]:
    """Compare the folder with what is stored, batch by batch; the checkpoint behind it."""
    after, seen = path_from_text(begun["after"]), int(begun["seen"])
    walk = walk_of(run.context, payload.path)
    for batch in _batches(walk):
        run.check()
        fresh = batch if not isinstance(after, bytes) else [step for step in batch if step.path > after]
        if not fresh:
            continue
        wait_until_ready(run, payload.scan_id)
        refused = [step for step in fresh if isinstance(step, Refused)]
        if any(step.kind in _TROUBLE for step in refused):
            wait_for_folder(run, payload.scan_id, workspace_id, payload.path)
        compared = Compared(run, workspace_id, [step for step in fresh if isinstance(step, Found)])
        seen += len(fresh) - len(refused)
        if not begun.get("alone", True):
            compared.unheard.clear()
        with run.step(checkpoint={**begun, "after": path_as_text(fresh[-1].path), "seen": seen}) as session:
            _store(session, run, payload, compared, len(fresh) - len(refused))
            queries.add_findings(session, [finding(payload.scan_id, workspace_id, step) for step in refused])
        run.progress(seen, note=shown(fresh[-1].path.rpartition(b"/")[0]))
    return _end_walk(run, payload, workspace_id, seen, walk.mounts)


def _store(session: Session, run: Run, payload: ScanPayload, compared: Compared, walked: int) -> None:
    compared.take_back(session)
    files = compared.changed
    chunks = [
        IndexPayload(scan_id=payload.scan_id, root=payload.path, files=files[start : start + _CHUNK])
        for start in range(0, len(files), _CHUNK)
    ]
    # The scan before its jobs, always in that order, as whoever pauses it takes them.
    scans.advance(
        session,
        payload.scan_id,
        phases.Step("walk", done=walked, more=walked),
        phases.Step("compare", done=walked, more=walked),
        phases.Step("read", more=len(files)),
        phases.Step("analyse", more=len(compared.unheard)),
        unchanged=compared.unchanged,
        updated=len(compared.back),
    )
    run.children(session, INDEX, chunks)
    submit_analyses(session, run, payload.scan_id, [(media_id, "none") for media_id in compared.unheard])


def _end_walk(
    run: Run, payload: ScanPayload, workspace_id: UUID, seen: int, mounts: Mapping[bytes, bool]
) -> dict[str, Any]:
    begun: dict[str, Any] = {"phase": "tidy", "after": None, "seen": seen}
    # A walk sees no difference between an empty folder and one whose disk went away meanwhile.
    wait_for_folder(run, payload.scan_id, workspace_id, payload.path)
    with run.context.database.read(run.actor) as session:
        was_mounted = scans.mounts_in(session, workspace_id, payload.path)
        # Of one that is mounted elsewhere now, nothing is left to be kept.
        left = [one.path for one in was_mounted if not queries.has_files_under(session, workspace_id, one.path)]
    over_mounts = [*no_longer_mounted(was_mounted, mounts), *left]
    with run.step(checkpoint=begun) as session:
        known = queries.count_files_under(session, workspace_id, payload.path)
        over = (phases.Step("walk", over=True), phases.Step("tidy", more=known))
        scans.advance(session, payload.scan_id, *over)
        scans.forget_mounts(session, workspace_id, over_mounts)
        scans.keep_mounts(session, workspace_id, mounts)
        submit_folders(session, run, payload.scan_id, payload.path)
    return begun


def _tidy(run: Run, payload: ScanPayload, workspace_id: UUID, begun: dict[str, Any]) -> None:
    """Mark what is stored and no longer there as missing. Only "no such file" counts; a closed folder does not."""
    after = UUID(begun["after"]) if begun["after"] else None
    ignored = Ignored()
    while True:
        run.check()
        wait_until_ready(run, payload.scan_id)
        with run.context.database.read(run.actor) as session:
            page = queries.files_under(session, workspace_id, payload.path, after, _PAGE)
        if not page:
            break
        gone = gone_among(page, ignored)
        if gone:
            # The disk may have gone away since the walk, and then everything on it is gone at once.
            wait_for_folder(run, payload.scan_id, workspace_id, payload.path)
            gone = gone_among(list(gone.items()), ignored, away_below(run, workspace_id, payload.path))
        after = page[-1][0]
        with run.step(checkpoint={**begun, "after": str(after)}) as session:
            missing = mark_missing(session, workspace_id, gone, payload.scan_id)
            scans.advance(session, payload.scan_id, phases.Step("tidy", done=len(page)), missing=missing)
    away = away_below(run, workspace_id, payload.path)
    with run.step() as session:
        scans.advance(session, payload.scan_id, phases.Step("tidy", over=True))
        _tell_away(session, payload.scan_id, workspace_id, away)
        scans.note_scanned(session, workspace_id, payload.path, away)


def _tell_away(session: Session, scan_id: UUID, workspace_id: UUID, away: Mapping[bytes, str]) -> None:
    """Say in the report what could not be looked at, and why; what is known of it is kept."""
    refused = [Refused(path, "failed", "away", why) for path, why in sorted(away.items())]
    queries.add_findings(session, [finding(scan_id, workspace_id, one) for one in refused])
