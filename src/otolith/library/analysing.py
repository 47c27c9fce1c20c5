"""Analysis: each recording is decoded once for all engines, unless its content is known already."""

import hashlib
import os
import shutil
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from otolith.core.actor import SYSTEM
from otolith.core.db import now
from otolith.identify import service as identify
from otolith.jobs.service import PauseLane, RetryLater, Run
from otolith.library import queries
from otolith.library.catalogue.filing import Filed, file_tracks, note_duration
from otolith.library.catalogue.versions import next_version
from otolith.library.comparing import finding
from otolith.library.engine.features import ENGINES, VERSIONS, embedding_of, features_of, pack_beats
from otolith.library.engine.walk import Refused
from otolith.library.events import ANALYSE, AnalysePayload, ToAnalyse
from otolith.library.hearing import limits_of
from otolith.library.indexing import ATTEMPTS, RETRY_SECONDS
from otolith.library.models import Track
from otolith.library.renewal import renewing
from otolith.library.roots import phases
from otolith.library.roots import queries as scans
from otolith.library.roots.waiting import wait_if_away, wait_until_ready
from otolith.media import service as media
from otolith.media.engine.heard import Heard, Sound
from otolith.media.engine.tagging import Tags
from otolith.media.listening import Listener, ListenFailure
from otolith.media.models import Media

log = structlog.get_logger(__name__)

_PAUSE_SECONDS: Final = 60.0
_MAY_PASS: Final = frozenset({"io_error", "vanished", "unreadable", "changed"})
_READ: Final = 1 << 20
_FORGOTTEN_AT_ONCE: Final = 1000


def analyse(run: Run, payload: AnalysePayload) -> dict[str, Any]:
    """Hear the recordings of a chunk one after the other, each stored in a step of its own."""
    checkpoint: dict[str, int] = run.checkpoint or {"done": 0, "heard": 0, "known": 0, "failed": 0}
    for position in range(checkpoint["done"], len(payload.media)):
        run.check()
        wait_until_ready(run, payload.scan_id)
        wait_for_space(run)
        checkpoint = _One(run, payload, position).settle(checkpoint)
    return {name: checkpoint[name] for name in ("heard", "known", "failed")}


def wait_for_space(run: Run) -> None:
    """Pause the lane while the disk has less room than the settings want kept free."""
    settings = run.context.settings
    free = shutil.disk_usage(settings.data).free
    if free < settings.media.min_free:
        raise PauseLane(
            ANALYSE.lane,
            _PAUSE_SECONDS,
            f"The disk of {settings.data} is full: {free // 1_000_000} MB are free and "
            f"{settings.media.min_free // 1_000_000} MB are kept free. Make room; analysis goes on by itself.",
        )


class _Outdated(Exception):
    """Since a recording was heard, its file became another, or what was known of its content was forgotten."""


class _One:
    """The analysis of one recording of a chunk."""

    def __init__(self, run: Run, payload: AnalysePayload, position: int) -> None:
        self.run, self.payload, self.position = run, payload, position
        self.wanted: ToAnalyse = payload.media[position]
        self.seen: tuple[Any, ...] | None = None

    def settle(self, checkpoint: dict[str, int]) -> dict[str, int]:
        """Hear the recording and store what came of it; the new checkpoint."""
        while True:
            try:
                return self._settle(checkpoint)
            except _Outdated:
                # What was heard is not what lies there by now, and nobody else may hear that.
                self.run.check()

    def _settle(self, checkpoint: dict[str, int]) -> dict[str, int]:
        with self.run.context.database.read(self.run.actor) as session:
            found = queries.track_and_media(session, self.wanted.media_id)
        if found is None or (found[0].state == "analysed" and not self.payload.again):
            return self._store(checkpoint, "known")
        row = found[1]
        self.seen = _facts(row)
        self._tell(0.0, row.name)
        try:
            with media.local_file(self.run.context, row) as path:
                tags = self._tags(path)
                sha256 = self._known_content(row, path)
                heard = None if sha256 else self._hear(path, row.name)
            _require_same(row, heard)
        except ListenFailure as failure:
            self._may_pass(failure)
            return self._store(checkpoint, "failed", failure=failure)
        return self._store(checkpoint, "known" if sha256 else "heard", tags=tags, sha256=sha256, heard=heard)

    def _tell(self, share: float, name: str) -> None:
        self.run.progress(round((self.position + share) * 1000), len(self.payload.media) * 1000, note=name)

    def _tags(self, path: Path) -> Tags | None:
        """The tags, where no index job has read them: those of an upload."""
        return self.run.resource("listener", Listener).tags(path) if self.payload.read_tags else None

    def _known_content(self, row: Media, path: Path) -> str | None:
        """The content's hash, if it was analysed before, in whatever workspace and under whatever name.

        The quick key says which contents are worth the reading; only the hash of all bytes is believed.
        """
        if row.stored is not None and row.sha256 is not None:
            with self.run.context.database.read(self.run.actor) as session:
                engines = queries.engines_of(session, row.sha256)
            return row.sha256 if engines == VERSIONS else None
        if not row.quick_key:
            return None
        with self.run.context.database.read(self.run.actor) as session:
            alike = queries.contents_like(session, row.quick_key)
        current = {sha256 for sha256, engines in alike.items() if engines == VERSIONS}
        if not current:
            return None
        sha256 = self._hash(path)
        return sha256 if sha256 in current else None

    def _hash(self, path: Path) -> str | None:
        """The SHA-256 of a file, or None where it cannot be read, which listening then explains."""
        digest = hashlib.sha256()
        try:
            # Without blocking: since it was indexed the file may have become a pipe.
            with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:  # noqa: PTH123
                while block := file.read(_READ):
                    digest.update(block)
                    self.run.check()
        except OSError:
            return None
        return digest.hexdigest()

    def _hear(self, path: Path, name: str) -> Heard:
        listener = self.run.resource("listener", Listener)

        def on_progress(share: float, _seconds: float) -> None:
            self._tell(share, name)
            self.run.check()

        limits = limits_of(self.run.context.settings)
        try:
            return listener.listen(path, ENGINES, limits, on_progress)
        except ListenFailure as failure:
            # A helper that crashed may have been the machine's fault; a second, fresh one tells.
            if failure.kind != "crash":
                raise
        return listener.listen(path, ENGINES, limits, on_progress)

    def _may_pass(self, failure: ListenFailure) -> None:
        """Come back later for what may pass by itself; return where the failure is final."""
        if failure.kind in {"io_error", "vanished", "unreadable"}:
            wait_if_away(self.run, self.payload.scan_id)
        if failure.kind == "disk_full":
            reason = f"{failure.detail} Make room; analysis goes on by itself."
            raise PauseLane(ANALYSE.lane, _PAUSE_SECONDS, reason)
        if failure.kind in {"io_error", "changed"} and self.run.attempt < ATTEMPTS:
            raise RetryLater(RETRY_SECONDS, failure.detail)

    def _store(
        self,
        checkpoint: dict[str, int],
        outcome: str,
        *,
        tags: Tags | None = None,
        sha256: str | None = None,
        heard: Heard | None = None,
        failure: ListenFailure | None = None,
    ) -> dict[str, int]:
        after = {**checkpoint, "done": self.position + 1, outcome: checkpoint[outcome] + 1}
        anew = heard is not None and (self.payload.again or self._was_heard(heard.sha256))
        with self.run.step(checkpoint=after, actor=SYSTEM if anew else None) as session:
            if (found := queries.track_and_media(session, self.wanted.media_id)) is not None:
                taken = self._take(session, found[0].workspace_id, heard if anew else None)
                # As it is now that nobody else changes it.
                found = queries.track_and_media(session, self.wanted.media_id)
            if found is not None:
                track, row = found
                if self.seen is not None and self.seen != _facts(row):
                    raise _Outdated
                if self.payload.again:
                    self._renew(session, row, heard, failure, taken)
                    return after
                track.version = taken[track.workspace_id]
                if tags is not None:
                    file_tracks(session, track.workspace_id, [Filed(track, tags, row.name, row.path)])
                if failure is not None:
                    self._note_failure(session, track, row, failure)
                elif heard is not None:
                    store_heard(session, row, heard)
                    self._note_success(session, track, row)
                    if anew:
                        session.flush()
                        renewing.tell_holders(session, heard.sha256, taken)
                elif sha256 is not None:
                    _note_known(session, row, sha256)
                    self._note_success(session, track, row)
            if self.payload.scan_id is not None:
                scans.advance(session, self.payload.scan_id, phases.Step("analyse", done=1))
        return after

    def _was_heard(self, sha256: str) -> bool:
        """Whether a content has findings already, which may be shown in several places."""
        with self.run.context.database.read(self.run.actor) as session:
            return queries.engines_of(session, sha256) is not None

    def _take(self, session: Session, workspace_id: UUID, anew: Heard | None) -> dict[UUID, int]:
        """Take the catalogues that change, by their next versions: those of all who have what was heard anew."""
        if anew is not None:
            return renewing.take_catalogues(session, anew.sha256, workspace_id)
        if self.payload.again:
            return {}
        return {workspace_id: next_version(session, workspace_id)}

    def _renew(
        self,
        session: Session,
        row: Media,
        heard: Heard | None,
        failure: ListenFailure | None,
        taken: dict[UUID, int],
    ) -> None:
        """Put the new results in the place of the old ones, which stay where there are no new ones."""
        if heard is not None:
            store_heard(session, row, heard)
            session.flush()
            renewing.note_renewed(session, heard.sha256, heard.versions, taken)
        elif failure is not None and row.sha256 is not None:
            renewing.note_in_vain(session, row.sha256, may_pass=failure.kind in _MAY_PASS)

    def _note_success(self, session: Session, track: Track, row: Media) -> None:
        track.state, track.error, track.changed_at = "analysed", None, now()
        if row.duration is not None:
            note_duration(session, track, row.duration)
        if self.payload.scan_id is not None and row.path_digest is not None:
            queries.drop_finding(session, self.payload.scan_id, row.path_digest)

    def _note_failure(self, session: Session, track: Track, row: Media, failure: ListenFailure) -> None:
        track.state, track.error, track.changed_at = "failed", failure.detail, now()
        if self.payload.scan_id is not None and row.path is not None:
            refused = Refused(row.path, "failed", failure.kind, failure.detail)
            found = finding(self.payload.scan_id, track.workspace_id, refused, self.wanted.counted_as)
            queries.add_findings(session, [found])


def _facts(row: Media) -> tuple[Any, ...]:
    """What tells whether a file is still the one that was heard."""
    return row.path, row.size, row.mtime_ns, row.quick_key


def _require_same(row: Media, heard: Heard | None) -> None:
    """Refuse what a stored file has become: under another hash, its content would be swept away as nobody's."""
    if heard is not None and row.stored is not None and heard.sha256 != row.sha256:
        detail = "The stored file is no longer what was uploaded; its disk may be failing. Restore it from a backup."
        raise ListenFailure("damaged", detail)


def _note_known(session: Session, row: Media, sha256: str) -> None:
    """Join a file to the analysis that its content already has."""
    known = queries.held_analysis(session, sha256)
    if known is None:
        raise _Outdated
    media.note_known(row, Sound.from_dict(known.sound), sha256, known.duration)


def store_heard(session: Session, row: Media, heard: Heard) -> None:
    """Keep everything that one pass over a file brought forth."""
    features = features_of(heard)
    media.note_heard(row, heard)
    queries.store_analysis(
        session,
        {
            "sha256": heard.sha256,
            "quick_key": row.quick_key,
            "engines": features.engines,
            "duration": features.duration,
            "tempo": features.tempo,
            "tempo_confidence": features.tempo_confidence,
            "beats": pack_beats(features.beats),
            "key": features.key,
            "mode": features.mode,
            "camelot": features.camelot,
            "key_confidence": features.key_confidence,
            "loudness_lufs": features.loudness_lufs,
            "loudness_range_lu": features.loudness_range_lu,
            "true_peak_dbtp": features.true_peak_dbtp,
            "energy": features.energy,
            "voice": features.voice,
            "onset_rate": features.onset_rate,
            "brightness": features.brightness,
            "dynamics_db": features.dynamics_db,
            "silence_start": features.silence_start,
            "silence_end": features.silence_end,
            "segments": features.segments,
            "timbre": features.timbre,
            "embedding": embedding_of(heard),
            "sound": heard.as_dict()["sound"],
            "notes": features.warnings + [{"kind": "engine", "detail": why} for why in features.failed.values()],
            "renewal_failed": None,
            "analysed_at": now(),
        },
    )
    if "chromaprint" in heard.results:
        identify.store_fingerprint(session, heard.sha256, heard.versions["chromaprint"], heard.results["chromaprint"])
    if "waveform" in heard.results:
        media.store_waveform(session, heard.sha256, heard.versions["waveform"], heard.results["waveform"])


def tidy(run: Run) -> dict[str, Any]:
    """Remove analyses and fingerprints of contents that no media has any more, and look how large the tables are."""
    counts = {"analyses": 0, "fingerprints": 0}
    while True:
        with run.step(actor=SYSTEM) as session:
            gone = queries.delete_unused_analyses(session, _FORGOTTEN_AT_ONCE)
            counts["fingerprints"] += identify.forget(session, gone)
        counts["analyses"] += len(gone)
        if not gone:
            break
        run.check()
    with run.step(actor=SYSTEM) as session:
        queries.take_statistics(session)
    return counts
