"""Indexing: reads the tags of new and changed files, makes their tracks, and asks for their analysis."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from otolith.core.db import now
from otolith.jobs.service import RetryLater, Run
from otolith.library import queries
from otolith.library.catalogue.filing import Filed, file_tracks
from otolith.library.engine.walk import Refused
from otolith.library.events import FileSeen, IndexPayload, shown
from otolith.library.folding import clean
from otolith.library.models import Outcome, Track
from otolith.library.scanning import finding, is_gone, submit_analyses
from otolith.media import service as media
from otolith.media.engine.tagging import Tags
from otolith.media.listening import Listener
from otolith.media.models import Media
from otolith.media.service import FileFacts

# How often a file is tried again that failed for what may pass: a network folder out of reach, a file being written.
ATTEMPTS: Final = 3
RETRY_SECONDS: Final = 15.0


@dataclass(frozen=True, slots=True)
class _Read:
    """A file with its tags."""

    seen: FileSeen
    tags: Tags

    @property
    def facts(self) -> FileFacts:
        return FileFacts(self.seen.path, self.seen.size, self.seen.mtime_ns, self.tags.quick_key)


def index(run: Run, payload: IndexPayload) -> dict[str, Any]:
    """Read the tags of a chunk of files and store all of it in one step.

    The result is what the guides call the event ``index_complete``, for the files of one chunk.
    """
    listener = run.resource("listener", Listener)
    run.progress(0, len(payload.files), note=shown(payload.files[0].path.rpartition(b"/")[0]) if payload.files else "")
    answers = listener.tags_many([file.path for file in payload.files], on_progress=lambda *_: run.check())
    read: list[_Read] = []
    refused: list[Refused] = []
    for seen, answer in zip(payload.files, answers, strict=True):
        if isinstance(answer, Tags):
            read.append(_Read(seen, answer))
            continue
        if answer.transient and run.attempt < ATTEMPTS:
            raise RetryLater(RETRY_SECONDS, f"{shown(seen.path)}: {answer.detail}")
        refused.append(Refused(seen.path, "failed", answer.kind, answer.detail))
    with run.step(checkpoint={"done": len(payload.files)}) as session:
        stored = _store(session, run, payload, read)
        workspace_id = _workspace_of(run)
        queries.add_findings(session, [finding(payload.scan_id, workspace_id, one) for one in refused])
    run.progress(len(payload.files), len(payload.files))
    counts = {kind: list(stored.values()).count(kind) for kind in ("added", "updated", "moved")}
    return {
        "event": "index_complete",
        "scan_id": str(payload.scan_id),
        "status": "ok",
        "metadata": [_metadata(one.tags) for one in read],
        **counts,
        "failed": len(refused),
    }


def _metadata(tags: Tags) -> dict[str, str]:
    return {"artist": clean(tags.artist), "album": clean(tags.album), "track": clean(tags.title)}


def _workspace_of(run: Run) -> UUID:
    assert run.workspace_id is not None  # noqa: S101 -- A scan submits its chunks with their workspace.
    return run.workspace_id


def _store(session: Session, run: Run, payload: IndexPayload, read: Sequence[_Read]) -> dict[UUID, Outcome]:
    """Store what was read; what each file counts as, by its media."""
    if (run.checkpoint or {}).get("done"):
        return {}
    workspace_id = _workspace_of(run)
    known = queries.stored_at(session, workspace_id, [media.path_digest(one.seen.path) for one in read])
    elsewhere = _Elsewhere(session, workspace_id, payload, [one for one in read if _digest(one) not in known])
    outcomes: dict[UUID, Outcome] = {}
    settled: list[tuple[Media, _Read]] = []
    to_register: list[_Read] = []
    for one in read:
        row = None if _digest(one) in known else elsewhere.take(one)
        if row is None:
            to_register.append(one)
        else:
            media.move_file(session, row, one.facts)
            outcomes[row.id] = "moved"
            settled.append((row, one))
    rows = media.register_files(session, workspace_id, [one.facts for one in to_register], run.user_id)
    for row, one in zip(rows, to_register, strict=True):
        outcomes[row.id] = "updated" if _digest(one) in known else "added"
        settled.append((row, one))
    back = _keep_tracks(session, workspace_id, payload.scan_id, settled)
    counts = {kind: list(outcomes.values()).count(kind) for kind in ("added", "updated", "moved")}
    queries.count(session, payload.scan_id, **counts, missing=-back)
    submit_analyses(session, run, payload.scan_id, list(outcomes.items()))
    return outcomes


def _digest(one: _Read) -> bytes:
    return media.path_digest(one.seen.path)


class _Elsewhere:
    """Stored files that are gone from where they were, and may be what a new file was before it was moved."""

    def __init__(self, session: Session, workspace_id: UUID, payload: IndexPayload, new: Sequence[_Read]) -> None:
        keys = {one.tags.quick_key for one in new if one.tags.quick_key}
        self._root = payload.root.rstrip(b"/") + b"/"
        self._rows = list(queries.with_quick_keys(session, workspace_id, keys)) if keys else []

    def take(self, one: _Read) -> Media | None:
        """The row that moved to this file's place, if any; each moves once."""
        for row in self._rows:
            if row.quick_key == one.tags.quick_key and self._has_left(row):
                self._rows.remove(row)
                return row
        return None

    def _has_left(self, row: Media) -> bool:
        # Outside this root only a scan of that place may say that a file is gone: its disk may just be away.
        return row.path is not None and (row.missing or (row.path.startswith(self._root) and is_gone(row.path)))


def _keep_tracks(session: Session, workspace_id: UUID, scan_id: UUID, rows: Sequence[tuple[Media, _Read]]) -> int:
    """Make or bring up to date the tracks of these files; how many this scan had called missing too early."""
    tracks = queries.tracks_of(session, [row.id for row, _ in rows])
    back = 0
    filed = []
    for row, one in rows:
        track = tracks.get(row.id)
        if track is None:
            track = Track(workspace_id=workspace_id, media_id=row.id)
        elif track.missing_scan_id == scan_id:
            back += 1
        track.missing_scan_id = None
        track.state, track.error, track.changed_at = "waiting", None, now()
        filed.append(Filed(track, one.tags, row.name, row.path))
    file_tracks(session, workspace_id, filed)
    return back
