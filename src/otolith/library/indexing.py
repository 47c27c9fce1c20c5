"""Indexing: reads the tags of new and changed files, makes their tracks, and asks for their analysis."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from otolith.core.db import now
from otolith.jobs.service import RetryLater, Run
from otolith.library import queries
from otolith.library.catalogue.filing import Filed, file_tracks
from otolith.library.catalogue.versions import next_version
from otolith.library.comparing import finding, submit_analyses
from otolith.library.covers.service import submit_covers
from otolith.library.engine.walk import Refused, bounded
from otolith.library.events import FileSeen, IndexPayload, shown
from otolith.library.folding import clean
from otolith.library.models import Outcome, Track
from otolith.library.moving import Elsewhere, Place, Unconfirmed, confirmed
from otolith.library.reading import Read, is_as_read, read_words
from otolith.library.roots import phases
from otolith.library.roots import queries as scans
from otolith.library.roots.waiting import away_below, wait_if_away, wait_until_ready
from otolith.library.scanning import workspace_of
from otolith.media import service as media
from otolith.media.engine.tagging import Tags
from otolith.media.listening import Listener
from otolith.media.models import Media

# How often a file is tried again that failed for what may pass: a network folder out of reach, a file being written.
ATTEMPTS: Final = 3
RETRY_SECONDS: Final = 15.0
# What a file fails for when its disk went away.
_ABSENT: Final = frozenset({"vanished", "io_error", "unreadable"})


@dataclass(frozen=True, slots=True)
class Taken:
    """What a chunk of files was read as, before it is stored."""

    read: list[Read]
    refused: list[Refused]


def index(run: Run, payload: IndexPayload) -> dict[str, Any]:
    """Read the tags of a chunk of files and store all of it in one step.

    The result is what the guides call the event ``index_complete``, for the files of one chunk.
    """
    wait_until_ready(run, payload.scan_id)
    before: dict[str, int] = run.checkpoint or {"read": 0, "done": 0}
    total = len(payload.files)
    run.progress(0, total, note=shown(payload.files[0].path.rpartition(b"/")[0]) if payload.files else "")
    taken = read_files(run, payload.files)
    if any(one.kind in _ABSENT for one in taken.refused):
        wait_if_away(run, payload.scan_id)
    if not before["read"]:
        with run.step(checkpoint={"read": total, "done": 0}) as session:
            steps = phases.Step("read", done=total), phases.Step("store", more=len(taken.read))
            scans.advance(session, payload.scan_id, *steps)
    stored = store_confirmed(run, payload.root, payload.scan_id, taken) if not before["done"] else {}
    run.progress(total, total)
    counts = {kind: list(stored.values()).count(kind) for kind in ("added", "updated", "moved")}
    return {
        "event": "index_complete",
        "scan_id": str(payload.scan_id),
        "status": "ok",
        "metadata": [_metadata(one.tags) for one in taken.read],
        **counts,
        "failed": len(taken.refused),
    }


def _metadata(tags: Tags) -> dict[str, str]:
    return {"artist": clean(tags.artist), "album": clean(tags.album), "track": clean(tags.title)}


def read_files(run: Run, files: Sequence[FileSeen]) -> Taken:
    """Read the tags of files as they are now; one that changed while it was read is read once more."""
    seen = [_now_there(file) for file in files]
    taken = _read_once(run, seen)
    moving = [one for one in taken.read if not is_as_read(one)]
    if moving:
        again = _read_once(run, [_now_there(one.seen) for one in moving])
        still = [one for one in taken.read if one not in moving]
        return Taken(still + again.read, taken.refused + again.refused)
    return taken


def _now_there(file: FileSeen) -> FileSeen:
    """The file as it is now; since the walk it may have changed."""
    try:
        status = os.stat(file.path)  # noqa: PTH116 -- The path is bytes.
    except OSError:
        return file
    return file.model_copy(update={"size": status.st_size, "mtime_ns": bounded(status.st_mtime_ns)})


def _read_once(run: Run, files: Sequence[FileSeen]) -> Taken:
    listener = run.resource("listener", Listener)
    answers = listener.tags_many([file.path for file in files], on_progress=lambda *_: run.check())
    taken = Taken([], [])
    for seen, answer in zip(files, answers, strict=True):
        if isinstance(answer, Tags):
            taken.read.append(read_words(Read(seen, answer)))
            continue
        if answer.transient and run.attempt < ATTEMPTS:
            raise RetryLater(RETRY_SECONDS, f"{shown(seen.path)}: {answer.detail}")
        taken.refused.append(Refused(seen.path, "failed", answer.kind, answer.detail))
    return taken


def store_confirmed(
    run: Run, root: bytes, scan_id: UUID | None, taken: Taken, last: Callable[[Session], None] | None = None
) -> dict[UUID, Outcome]:
    """Store what was read in one step; what each file counts as, by its media.

    Whether a new file is a known one that moved is confirmed by its content before the step, which holds locks. What
    is known of the others may change until then, so this is done again where it did. `last` is called at the end of the
    step, and may refuse it.
    """
    workspace_id = workspace_of(run)
    read = taken.read
    place = Place(root, away_below(run, workspace_id, root))
    while True:
        read = confirmed(run, workspace_id, place, read)
        try:
            with run.step(checkpoint={"read": 1, "done": 1}) as session:
                stored = _Storing(session, run, workspace_id, place, scan_id).store(read)
                if scan_id is not None:
                    rows = [finding(scan_id, workspace_id, one) for one in taken.refused]
                    queries.add_findings(session, rows)
                if last is not None:
                    last(session)
            return stored
        except Unconfirmed:
            run.check()


class _Storing:
    """The step that stores a chunk of files."""

    def __init__(self, session: Session, run: Run, workspace_id: UUID, place: Place, scan_id: UUID | None) -> None:
        self._session, self._run, self._scan_id = session, run, scan_id
        self._workspace_id, self._place = workspace_id, place
        self._back = 0

    def store(self, read: Sequence[Read]) -> dict[UUID, Outcome]:
        """Keep rows and tracks of these files; what each counts as."""
        next_version(self._session, self._workspace_id)
        digests = [one.digest for one in read]
        known = queries.stored_at(self._session, self._workspace_id, digests)
        fresh = [one for one in read if not self._is_overtaken(one, known.get(one.digest))]
        elsewhere = Elsewhere(
            self._session, self._workspace_id, self._place, [one for one in fresh if one.digest not in known]
        )
        outcomes: dict[UUID, Outcome] = {}
        settled: list[tuple[Media, Read]] = []
        to_register: list[Read] = []
        for one in fresh:
            row = None if one.digest in known else elsewhere.take(one)
            if row is None:
                to_register.append(one)
            else:
                media.move_file(self._session, row, one.facts)
                outcomes[row.id] = "moved"
                settled.append((row, one))
        facts = [one.facts for one in to_register]
        rows = media.register_files(self._session, self._workspace_id, facts, self._run.user_id)
        for row, one in zip(rows, to_register, strict=True):
            outcomes[row.id] = "updated" if one.digest in known else "added"
            settled.append((row, one))
        self._finish(self._keep_tracks(settled), outcomes, len(read))
        return outcomes

    @staticmethod
    def _is_overtaken(one: Read, known: queries.Stored | None) -> bool:
        """Whether somebody has stored this file meanwhile as it is now, and we have read an older state of it."""
        if known is None or is_as_read(one):
            return False
        there = _now_there(one.seen)
        return not known.differs_from(there.size, there.mtime_ns, known.lyrics_ns)

    def _keep_tracks(self, rows: Sequence[tuple[Media, Read]]) -> list[Track]:
        """Make or bring up to date the tracks of these files."""
        tracks = queries.tracks_of(self._session, [row.id for row, _ in rows])
        filed = []
        for row, one in rows:
            track = tracks.get(row.id)
            if track is None:
                track = Track(workspace_id=self._workspace_id, media_id=row.id)
            elif self._scan_id is not None and track.missing_scan_id == self._scan_id:
                # This scan had called it missing too early.
                self._back += 1
            track.missing_scan_id = None
            # A content that is known by its hash was heard already, whatever became of the file's name.
            if row.sha256 is None or track.state != "analysed":
                track.state, track.error = "waiting", None
            track.lyrics_ns, track.changed_at = one.lyrics_ns, now()
            filed.append(Filed(track, one.tags, row.name, row.path, one.lyrics))
        file_tracks(self._session, self._workspace_id, filed)
        return [one.track for one in filed]

    def _finish(self, tracks: Sequence[Track], outcomes: dict[UUID, Outcome], read: int) -> None:
        """Ask for what follows, and count."""
        waiting = [(track.media_id, outcomes[track.media_id]) for track in tracks if track.state == "waiting"]
        if self._scan_id is not None:
            self._count(self._scan_id, outcomes, (read, len(tracks), len(waiting)))
        submit_covers(self._session, self._run, self._scan_id, [track.id for track in tracks])
        submit_analyses(self._session, self._run, self._scan_id, waiting)

    def _count(self, scan_id: UUID, outcomes: Mapping[UUID, Outcome], numbers: tuple[int, int, int]) -> None:
        """Tell the scan what was stored, before its jobs are touched, as whoever pauses it does."""
        read, stored, waiting = numbers
        counts = {kind: list(outcomes.values()).count(kind) for kind in ("added", "updated", "moved")}
        steps = (
            phases.Step("store", done=read),
            phases.Step("covers", more=stored),
            phases.Step("analyse", more=waiting),
        )
        scans.advance(self._session, scan_id, *steps, **counts, missing=-self._back)
