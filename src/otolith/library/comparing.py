"""Files as a walk saw them, set against what is stored of them."""

import os
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from otolith.core.context import Context
from otolith.core.ids import new_id
from otolith.jobs.service import Run
from otolith.library import queries
from otolith.library.catalogue.filing import refile
from otolith.library.catalogue.versions import next_version
from otolith.library.engine.ignoring import Ignored
from otolith.library.engine.walk import Found, Refused, Walk
from otolith.library.events import ANALYSE, AnalysePayload, FileSeen, ToAnalyse
from otolith.library.models import Outcome
from otolith.library.roots.places import is_gone
from otolith.media import service as media


def walk_of(context: Context, root: bytes) -> Walk:
    """The walk over a folder that leaves out what Otolith keeps for itself."""
    # What lies there is somebody's upload, and not for all who may scan here.
    own = [os.path.realpath(os.fsencode(folder)) for folder in context.settings.folder.own]
    return Walk(root, own)


class Compared:
    """One batch of files set against what is stored of them."""

    def __init__(self, run: Run, workspace_id: UUID, found: Sequence[Found]) -> None:
        self._workspace_id = workspace_id
        digests = [media.path_digest(file.path) for file in found]
        with run.context.database.read(run.actor) as session:
            stored = queries.stored_at(session, workspace_id, digests)
        self.changed: list[FileSeen] = []
        self._missing: dict[UUID, Found] = {}
        self.unheard: list[UUID] = []
        self.unchanged = 0
        for file, digest in zip(found, digests, strict=True):
            self._compare(file, stored.get(digest))

    @property
    def back(self) -> list[UUID]:
        """What was missing and is there again."""
        return list(self._missing)

    def _compare(self, file: Found, known: queries.Stored | None) -> None:
        if known is None or known.differs_from(file.size, file.mtime_ns, file.lyrics_ns):
            self._hand_on(file)
        elif known.state in {None, "failed"}:
            # What went wrong may have been mended without touching the file, so each scan tries again.
            self._hand_on(file)
        else:
            if known.missing:
                self._missing[known.media_id] = file
            else:
                self.unchanged += 1
            if known.state == "waiting":
                self.unheard.append(known.media_id)

    def _hand_on(self, file: Found) -> None:
        seen = FileSeen(path=file.path, size=file.size, mtime_ns=file.mtime_ns, lyrics_ns=file.lyrics_ns)
        self.changed.append(seen)

    def take_back(self, session: Session) -> None:
        """Unmark what was missing and is there again as it was; what was forgotten meanwhile is new."""
        if not self._missing:
            return
        next_version(session, self._workspace_id)
        still = set(queries.still_at(session, {media_id: file.path for media_id, file in self._missing.items()}))
        for media_id in self._missing.keys() - still:
            # Somebody has purged it meanwhile, or found it elsewhere.
            self._hand_on(self._missing.pop(media_id))
        media.mark_missing(session, self.back, missing=False)
        queries.note_found(session, self.back)
        tracks = queries.tracks_of(session, self.back).values()
        refile(session, self._workspace_id, [track.id for track in tracks])


def submit_analyses(session: Session, run: Run, scan_id: UUID | None, wanted: Sequence[tuple[UUID, Outcome]]) -> None:
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


def gone_among(
    page: Collection[tuple[UUID, bytes]], ignored: Ignored, away: Collection[bytes] = ()
) -> dict[UUID, bytes]:
    """Those stored files that are certainly not there any more, or that people want left out by now.

    Of what lies in one of the folders in `away` nobody knows whether it is there.
    """
    folders = tuple(away)
    return {
        media_id: path
        for media_id, path in page
        if ignored.covers(path) or (is_gone(path) and not path.startswith(folders))
    }


def mark_missing(session: Session, workspace_id: UUID, gone: Mapping[UUID, bytes], scan_id: UUID | None) -> int:
    """Call files missing that still stand where they were found to be gone; how many."""
    if not gone:
        return 0
    next_version(session, workspace_id)
    # Another job may have found a file elsewhere meanwhile and moved its row there.
    still = queries.still_at(session, gone)
    count = media.mark_missing(session, still)
    queries.note_missing(session, still, scan_id)
    refile(session, workspace_id, [track.id for track in queries.tracks_of(session, still).values()])
    return count
