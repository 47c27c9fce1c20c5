"""Writing changed tags into files: each file whole before it takes its place, and nothing lost by a stop in between."""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from otolith.core.db import now
from otolith.core.errors import AppError
from otolith.identify import service as identify
from otolith.jobs.service import RetryLater, Run
from otolith.library import queries as library
from otolith.library.catalogue.filing import Filed, file_tracks
from otolith.library.catalogue.links import Lyrics
from otolith.library.catalogue.versions import next_version
from otolith.library.editing import queries
from otolith.library.editing.events import WriteTagsPayload
from otolith.library.editing.fields import Texts
from otolith.library.editing.files import real_folders, require_unchanged, unwritable
from otolith.library.editing.models import TagEdit
from otolith.library.editing.service import require_latest
from otolith.library.models import Track
from otolith.library.roots.queries import scanned_folders
from otolith.media import service as media
from otolith.media.engine.failures import ListenFailure, from_os_error
from otolith.media.listening import Listener
from otolith.media.models import Media
from otolith.media.service import FileFacts
from otolith.media.tags import Tags, read_tags, remove_copies, write_tags

log = structlog.get_logger(__name__)

_BUSY_SECONDS: Final = 5.0
Checkpoint = dict[str, Any]


class CannotWrite(AppError):
    """These tags cannot be written into this file."""


@dataclass(frozen=True, slots=True)
class _Written:
    """A file whose tags were written: what it says now, what it is, and the hash of what it was, if that was known."""

    tags: Tags
    mtime_ns: int
    sha256: str
    before: str | None


def write_batch(run: Run, payload: WriteTagsPayload) -> dict[str, Any]:
    """Write the changes of a batch, file by file; goes on behind its checkpoint after an interruption."""
    with run.context.database.read(run.actor) as session:
        edits = queries.batch(session, run.actor, payload.batch_id)
    counts: Checkpoint = run.checkpoint or {"done": 0, "written": 0, "failed": 0}
    for position in range(counts["done"], len(edits)):
        run.check()
        run.progress(position, len(edits))
        counts = _One(run, edits[position].id, position, undo=payload.undo).settle(counts)
    return {"written": counts["written"], "failed": counts["failed"]}


class _One:
    """The change of one track on its way into the file."""

    def __init__(self, run: Run, edit_id: UUID, position: int, *, undo: bool) -> None:
        self.run, self.edit_id, self.position, self.undo = run, edit_id, position, undo

    def settle(self, counts: Checkpoint) -> Checkpoint:
        """Write one file and store that; the new checkpoint."""
        self.before: Checkpoint = {name: counts[name] for name in ("done", "written", "failed")}
        with self.run.context.database.read(self.run.actor) as session:
            found = self._found(session)
            lyrics = queries.lyrics_of(session, [found[1].id]).get(found[1].id) if found else None
            folders = scanned_folders(session, found[1].workspace_id) if found else []
        self.allowed = real_folders(self.run.context.settings, folders)
        if found is None:
            return self._store(None)
        try:
            return self._store(self._write(*found, lyrics, counts.get("replacing")))
        except (ListenFailure, AppError) as refusal:
            if isinstance(refusal, AppError) and refusal.status >= 500:
                raise
            log.info("library.write_tags.refused", edit=str(self.edit_id))
            return self._store(None, refusal.detail)

    def _found(self, session: Session) -> tuple[TagEdit, Track, Media] | None:
        """The change with its track and file, if it still waits for this job."""
        edit = queries.edit(session, self.edit_id)
        if edit is None or edit.state != ("written" if self.undo else "writing"):
            return None
        found = queries.tracks(session, self.run.actor, [edit.track_id]).get(edit.track_id)
        return None if found is None else (edit, *found)

    def _wanted(self, edit: TagEdit) -> Texts:
        return edit.before if self.undo else edit.after

    def _write(
        self, edit: TagEdit, track: Track, row: Media, lyrics: Lyrics | None, replacing: dict[str, Any] | None
    ) -> _Written:
        path = row.path or b""
        if replacing is not None and replacing["edit"] == str(edit.id) and _is(path, replacing):
            # The process that wrote it was stopped before it could store that.
            return _Written(read_tags(path), replacing["mtime_ns"], replacing["sha256"], replacing["before"])
        if refusal := unwritable(self.run.context.settings, self.allowed, row):
            raise CannotWrite(refusal)
        require_latest(track, lyrics.text if lyrics is not None else None, edit)
        with _held(path):
            require_unchanged(row)
            remove_copies(path, str(edit.id))
            return self._replace(edit, row, path)

    def _replace(self, edit: TagEdit, row: Media, path: bytes) -> _Written:
        listener = self.run.resource("listener", Listener)
        sound = _sound_of(listener, path)
        noted: dict[str, Any] = {}

        def check_and_note(copy: bytes) -> None:
            if sound is not None and listener.sound_digest(copy) != sound:
                raise CannotWrite("Writing these tags would have changed the sound; the file was left as it was.")
            status = os.stat(copy)  # noqa: PTH116 -- The path is bytes.
            noted.update(edit=str(edit.id), size=status.st_size, mtime_ns=status.st_mtime_ns)
            noted.update(sha256=_hash(copy), before=row.sha256)
            require_unchanged(row)
            # A folder may have become a link since; the copy lies where the file lay then.
            if os.path.dirname(os.path.realpath(path)) != os.path.dirname(copy):  # noqa: PTH120 -- Bytes.
                raise ListenFailure("changed", "The file was moved while its tags were written; scan and try again.")
            with self.run.step(checkpoint={**self.before, "replacing": noted}):
                pass

        tags = write_tags(path, self._wanted(edit), label=str(edit.id), before_replacing=check_and_note)
        return _Written(tags, noted["mtime_ns"], noted["sha256"], row.sha256)

    def _store(self, written: _Written | None, error: str | None = None) -> Checkpoint:
        """Note what became of the change, and with it the new checkpoint."""
        outcome = {"written": int(written is not None), "failed": int(error is not None)}
        after = {name: self.before[name] + more for name, more in {"done": 1, **outcome}.items()}
        with self.run.step(checkpoint=after) as session:
            if written is not None:
                self._store_written(session, written)
            elif error is not None and self.undo:
                queries.note_error(session, self.edit_id, error)
            elif error is not None:
                queries.set_state(session, [self.edit_id], "failed", error)
        return after

    def _store_written(self, session: Session, written: _Written) -> None:
        assert self.run.workspace_id is not None  # noqa: S101 -- The service submits the job with its workspace.
        next_version(session, self.run.workspace_id)
        found = self._found(session)
        if found is None:
            return
        edit, track, row = found
        assert row.path is not None  # noqa: S101 -- Only files in the library are written.
        facts = FileFacts(row.path, written.tags.size, written.mtime_ns, written.tags.quick_key)
        # Meanwhile it may have been heard for the first time, or a scan may have forgotten what was known.
        before = written.before or row.sha256
        media.note_rewritten(session, row, facts, before, written.sha256)
        if before is not None and before != written.sha256:
            _keep_findings(session, before, written)
        track.edits = {name: texts for name, texts in (track.edits or {}).items() if name not in edit.after} or None
        track.changed_at = now()
        session.flush()
        words = queries.lyrics_of(session, [track.id]).get(track.id)
        beside = words.text if words is not None and words.source == "file" else None
        file_tracks(session, track.workspace_id, [Filed(track, written.tags, row.name, row.path, beside)])
        queries.set_state(session, [edit.id], "undone" if self.undo else "written")


def _keep_findings(session: Session, before: str, written: _Written) -> None:
    """Keep what was heard in the file for the file with its new tags, because its sound is the same."""
    identify.keep_for(session, before, written.sha256)
    found = queries.analysis_columns(session, before)
    if found is not None:
        found |= {"sha256": written.sha256, "quick_key": written.tags.quick_key}
        found["sound"] = {**found["sound"], "size": written.tags.size}
        library.store_analysis(session, found)


def _is(path: bytes, noted: dict[str, Any]) -> bool:
    """Whether a file is the one that was noted before it took its place."""
    try:
        status = os.stat(path)  # noqa: PTH116 -- The path is bytes.
    except OSError:
        return False
    return (status.st_size, status.st_mtime_ns) == (noted["size"], noted["mtime_ns"])


def _sound_of(listener: Listener, path: bytes) -> str | None:
    """What must not change, or None where the file's sound cannot be told from the rest."""
    try:
        return listener.sound_digest(path)
    except ListenFailure as failure:
        if failure.kind in {"vanished", "unreadable", "io_error", "cancelled"}:
            raise
        return None


def _hash(path: bytes) -> str:
    with open(path, "rb") as file:  # noqa: PTH123 -- The path is bytes.
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _held(path: bytes) -> Iterator[None]:
    """The file, held against other jobs that would write to it, where its file system knows locks."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise from_os_error(error) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RetryLater(_BUSY_SECONDS, "Another job writes to this file.") from error
        except OSError:
            log.info("library.write_tags.no_locks")
        yield
    finally:
        os.close(descriptor)
