"""The scan itself: walks a folder, compares it with what is stored, and hands on what is new or changed."""

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from otolith.core.errors import Conflict
from otolith.core.ids import new_id
from otolith.jobs.service import Run
from otolith.library import queries
from otolith.library.engine.walk import Found, Refused, Step, Walk
from otolith.library.events import (
    ANALYSE,
    INDEX,
    AnalysePayload,
    FileSeen,
    IndexPayload,
    ScanPayload,
    ToAnalyse,
    path_as_text,
    path_from_text,
    shown,
)
from otolith.library.models import Outcome
from otolith.media import service as media

log = structlog.get_logger(__name__)

_BATCH: Final = 500
_CHUNK: Final = 100
_PAGE: Final = 1000


class FolderGone(Conflict):
    """The folder cannot be scanned as it is."""


def scan(run: Run, payload: ScanPayload) -> dict[str, Any]:
    """Walk, hand on, and note what is gone; goes on behind its checkpoint after an interruption."""
    workspace_id = _workspace_of(run)
    look_at_root(run, workspace_id, payload.path)
    begun: dict[str, Any] = run.checkpoint or {"phase": "walk", "after": None, "seen": 0}
    if begun["phase"] == "walk":
        seen = _walk(run, payload, workspace_id, begun)
        begun = {"phase": "tidy", "after": None, "seen": seen}
    _tidy(run, payload, workspace_id, begun)
    return {"scan_id": str(payload.scan_id), "files": begun["seen"]}


def _workspace_of(run: Run) -> UUID:
    assert run.workspace_id is not None  # noqa: S101 -- The service submits scans with their workspace.
    return run.workspace_id


def look_at_root(run: Run, workspace_id: UUID, root: bytes) -> None:
    """Refuse a folder that is gone, closed, or empty although it held files: an unmounted disk looks like that."""
    name = shown(root)
    try:
        mode = os.stat(root).st_mode  # noqa: PTH116 -- The path is bytes.
        if not stat.S_ISDIR(mode):
            raise FolderGone(f"{name} is not a folder. To hear one file, use `otolith analyse`.")
        with os.scandir(root) as listing:
            is_empty = next(listing, None) is None
    except FileNotFoundError as error:
        raise FolderGone(
            f"There is no folder {name} (any more). Is its disk or network share mounted? Nothing was marked missing; "
            "scan again when it is back."
        ) from error
    except OSError as error:
        raise FolderGone(
            f"The folder {name} could not be read: {error.strerror}. Nothing was marked missing; mend its rights or "
            "its connection and scan again."
        ) from error
    if not is_empty:
        return
    with run.context.database.read(run.actor) as session:
        if queries.has_files_under(session, workspace_id, root):
            raise FolderGone(
                f"{name} is empty, and it held files before. Is its disk or network share mounted? Nothing was marked "
                "missing; scan again when it is back."
            )


def _batches(steps: Iterable[Step]) -> Iterator[list[Step]]:
    going = iter(steps)
    while batch := list(islice(going, _BATCH)):
        yield batch


def _walk(run: Run, payload: ScanPayload, workspace_id: UUID, begun: dict[str, Any]) -> int:
    """Compare the folder with what is stored, batch by batch; the number of sound files seen."""
    after, seen = path_from_text(begun["after"]), int(begun["seen"])
    # What lies there is somebody's upload, and not for all who may scan here.
    own = [os.path.realpath(os.fsencode(folder)) for folder in run.context.settings.folder.own]
    for batch in _batches(Walk(payload.path, own)):
        run.check()
        fresh = batch if not isinstance(after, bytes) else [step for step in batch if step.path > after]
        if not fresh:
            continue
        found = [step for step in fresh if isinstance(step, Found)]
        compared = _Compared(run, workspace_id, found)
        seen += len(found)
        with run.step(checkpoint={"phase": "walk", "after": path_as_text(fresh[-1].path), "seen": seen}) as session:
            compared.store(session, payload)
            refused = [step for step in fresh if isinstance(step, Refused)]
            queries.add_findings(session, [finding(payload.scan_id, workspace_id, step) for step in refused])
        run.progress(seen, note=shown(fresh[-1].path.rpartition(b"/")[0]))
    return seen


class _Compared:
    """One batch of files set against what is stored of them."""

    def __init__(self, run: Run, workspace_id: UUID, found: Sequence[Found]) -> None:
        self.run = run
        digests = [media.path_digest(file.path) for file in found]
        with run.context.database.read(run.actor) as session:
            stored = queries.stored_at(session, workspace_id, digests)
        self.changed: list[Found] = []
        self.back: list[UUID] = []
        self.unheard: list[UUID] = []
        self.unchanged = 0
        for file, digest in zip(found, digests, strict=True):
            self._compare(file, stored.get(digest))

    def _compare(self, file: Found, known: queries.Stored | None) -> None:
        if known is None or (known.size, known.mtime_ns) != (file.size, file.mtime_ns):
            self.changed.append(file)
        elif known.state in {None, "failed"}:
            # What went wrong may have been mended without touching the file, so each scan tries again.
            self.changed.append(file)
        else:
            if known.missing:
                self.back.append(known.media_id)
            else:
                self.unchanged += 1
            if known.state == "waiting":
                self.unheard.append(known.media_id)

    def store(self, session: Session, payload: ScanPayload) -> None:
        queries.count(session, payload.scan_id, unchanged=self.unchanged, updated=len(self.back))
        if self.back:
            media.mark_missing(session, self.back, missing=False)
            queries.note_found(session, self.back)
        files = [FileSeen(path=file.path, size=file.size, mtime_ns=file.mtime_ns) for file in self.changed]
        chunks = [
            IndexPayload(scan_id=payload.scan_id, root=payload.path, files=files[start : start + _CHUNK])
            for start in range(0, len(files), _CHUNK)
        ]
        self.run.children(session, INDEX, chunks)
        submit_analyses(session, self.run, payload.scan_id, [(media_id, "none") for media_id in self.unheard])


def submit_analyses(session: Session, run: Run, scan_id: UUID, wanted: Sequence[tuple[UUID, Outcome]]) -> None:
    """Ask for the analysis of recordings in chunks of a few: small enough to share out, large enough to be work."""
    size = max(1, min(8, len(wanted) // 8))
    recordings = [ToAnalyse(media_id=media_id, counted_as=outcome) for media_id, outcome in wanted]
    chunks = [
        AnalysePayload(media=recordings[start : start + size], scan_id=scan_id)
        for start in range(0, len(recordings), size)
    ]
    run.children(session, ANALYSE, chunks)


def finding(scan_id: UUID, workspace_id: UUID, refused: Refused, counted_as: Outcome = "none") -> dict[str, Any]:
    """The row that says what a scan could not take in."""
    return {
        "id": new_id(),
        "scan_id": scan_id,
        "workspace_id": workspace_id,
        "path": refused.path,
        "path_digest": media.path_digest(refused.path),
        "verdict": refused.verdict,
        "counted_as": counted_as,
        "kind": refused.kind,
        "error": refused.error,
    }


def _tidy(run: Run, payload: ScanPayload, workspace_id: UUID, begun: dict[str, Any]) -> None:
    """Mark what is stored and no longer there as missing. Only "no such file" counts; a closed folder does not."""
    after = UUID(begun["after"]) if begun["after"] else None
    while True:
        run.check()
        with run.context.database.read(run.actor) as session:
            page = queries.files_under(session, workspace_id, payload.path, after, _PAGE)
        if not page:
            return
        gone = {media_id: path for media_id, path in page if is_gone(path)}
        if gone:
            # The disk may have gone away since the walk, and then everything on it is gone at once.
            look_at_root(run, workspace_id, payload.path)
        after = page[-1][0]
        with run.step(checkpoint={**begun, "after": str(after)}) as session:
            # An index job may have found a file elsewhere meanwhile and moved its row there.
            still = queries.still_at(session, gone)
            queries.count(session, payload.scan_id, missing=media.mark_missing(session, still))
            queries.note_missing(session, still, payload.scan_id)


def is_gone(path: bytes) -> bool:
    try:
        os.stat(path)  # noqa: PTH116 -- The path is bytes.
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False
