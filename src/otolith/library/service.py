"""What routes, pages and commands may do with the library."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_
from sqlalchemy.orm import Session

from otolith.core import paging
from otolith.core.actor import Actor, visible_to
from otolith.core.context import Context
from otolith.core.db import now
from otolith.core.errors import BadRequest, NotAllowed, NotFound
from otolith.core.ids import new_id
from otolith.core.paging import BadCursor, Page
from otolith.identify import service as identify
from otolith.jobs.models import TERMINAL, Job
from otolith.jobs.service import submit
from otolith.library import queries
from otolith.library.engine.features import unpack_beats
from otolith.library.events import ANALYSE, SCAN, AnalysePayload, ScanPayload, ToAnalyse, shown
from otolith.library.folding import clean, fold
from otolith.library.models import Analysis, Finding, Scan, Track
from otolith.library.schemas import (
    NotedOddity,
    NotTaken,
    ScanReport,
    ScanStarted,
    ScanState,
    Sort,
    TrackBeats,
    TrackDetail,
    TrackFeatures,
    TrackFile,
    TrackItem,
)
from otolith.media.events import MediaAdded, MediaSentAgain
from otolith.media.models import Media

LISTED: Final = 10_000
"""How many of the files that could not be taken in a report names."""

_SORTINGS: Final[dict[Sort, queries.Sorting]] = {
    "added": (Track.id,),
    "title": (Track.title_key, Track.id),
    "artist": (Track.artist_key, Track.title_key, Track.id),
}


class TrackNotFound(NotFound):
    """There is no such track, or you may not see it."""


class ScanNotFound(NotFound):
    """There is no such scan, or you may not see it."""


def start_scan(
    session: Session, context: Context, actor: Actor, path: str | bytes | os.PathLike[str], workspace_id: UUID
) -> ScanStarted:
    """Ask for a scan of a folder into a workspace. A scan of the same folder that still runs is answered again."""
    root = _folder_named(path)
    _may_scan(context, actor, root, workspace_id)
    running = queries.unfinished_scan(session, workspace_id, root)
    if running is not None and running.job_id is not None:
        return ScanStarted(scan_id=running.id, job_id=running.job_id)
    scan = Scan(workspace_id=workspace_id, user_id=actor.user_id, path=root)
    session.add(scan)
    session.flush()
    payload = ScanPayload(scan_id=scan.id, path=root)
    scan.job_id = submit(session, SCAN, payload, workspace=workspace_id, user=actor.user_id)
    session.flush()
    return ScanStarted(scan_id=scan.id, job_id=scan.job_id)


def _folder_named(path: str | bytes | os.PathLike[str]) -> bytes:
    try:
        root = os.path.normpath(os.fsencode(path))
    except UnicodeEncodeError as error:
        raise BadRequest("This path holds characters that no file system knows.") from error
    if b"\0" in root:
        raise BadRequest("A path holds no NUL character.")
    if not root.startswith(b"/"):
        raise BadRequest(f"{shown(root)} is not an absolute path; name the folder from / on.")
    # POSIX lets exactly two slashes at the beginning mean something else, and Linux does not.
    return b"/" + root.lstrip(b"/")


def _may_scan(context: Context, actor: Actor, root: bytes, workspace_id: UUID) -> None:
    if not actor.may_edit(workspace_id):
        raise NotAllowed("You may not add to this workspace; ask its owner for the editor's role.")
    real = os.path.realpath(root)
    if any(_lies_in(real, own) for own in context.settings.folder.own):
        raise NotAllowed(f"{shown(root)} is where Otolith keeps its own files; what lies there is not scanned.")
    if actor.is_admin or any(_lies_in(real, allowed) for allowed in context.settings.library.roots):
        return
    raise NotAllowed(
        f"You may not scan {shown(root)}: it lies in none of the folders of OTOLITH_LIBRARY_ROOTS. An administrator "
        "may scan it, or add it there."
    )


def _lies_in(real: bytes, folder: Path) -> bool:
    outer = os.path.realpath(os.fsencode(folder))
    return real == outer or real.startswith(outer.rstrip(b"/") + b"/")


def scan_report(session: Session, actor: Actor, scan_id: UUID) -> ScanReport:
    """What a scan has found so far."""
    found = queries.scan(session, actor, scan_id)
    if found is None:
        raise ScanNotFound
    scan, job = found
    findings = queries.findings(session, scan_id, LISTED)
    lost = queries.failed_counts(session, scan_id)
    state = _state_of(job)
    ended = scan.worked_at if state != "running" else now()
    return ScanReport(
        scan_id=scan.id,
        job_id=scan.job_id,
        path=shown(scan.path),
        state=state,
        error=job.error if job is not None and state == "failed" else None,
        paused=queries.pause_of(session, (SCAN.lane, ANALYSE.lane)) if state == "running" else None,
        added=scan.added - lost.get("added", 0),
        updated=scan.updated - lost.get("updated", 0),
        moved=scan.moved - lost.get("moved", 0),
        missing=scan.missing,
        unchanged=scan.unchanged,
        failed=_not_taken(findings, "failed"),
        skipped=_not_taken(findings, "skipped"),
        seconds=round(max(0.0, (ended - scan.started_at).total_seconds()), 3),
    )


def _not_taken(findings: Sequence[Finding], verdict: str) -> list[NotTaken]:
    return [NotTaken(path=shown(one.path), error=one.error) for one in findings if one.verdict == verdict]


def _state_of(job: Job | None) -> ScanState:
    if job is None or job.state == "succeeded":
        return "done"
    if job.state not in TERMINAL:
        return "running"
    return "cancelled" if job.state == "cancelled" else "failed"


def list_tracks(
    session: Session,
    actor: Actor,
    *,
    sort: Sort = "added",
    workspace_id: UUID | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[TrackItem]:
    """A page of what the caller may see: newest first, or by title, or by artist."""
    condition: ColumnElement[bool] = visible_to(actor, Track.workspace_id)
    if workspace_id is not None:
        condition = and_(condition, Track.workspace_id == workspace_id)
    sorting = _SORTINGS[sort]
    rows = queries.tracks_page(session, condition, sorting, _position(cursor, sort), limit + 1, sort == "added")
    page, following = paging.cut(rows, limit, lambda row: (sort, *(str(getattr(row[0], c.key)) for c in sorting)))
    return Page[TrackItem](
        items=[TrackItem(**_item(*row)) for row in page],
        next=following,
        total=queries.count_tracks(session, condition),
    )


def _position(cursor: str | None, sort: Sort) -> tuple[Any, ...] | None:
    if cursor is None:
        return None
    made_for, *values, track_id = paging.decode(cursor, len(_SORTINGS[sort]) + 1)
    try:
        last = UUID(str(track_id))
    except ValueError as error:
        raise BadCursor from error
    if made_for != sort:
        raise BadCursor
    return (*map(str, values), last)


def get_track(session: Session, actor: Actor, track_id: UUID) -> TrackDetail:
    """One track with all that is known of it, but for its beats."""
    track, media, analysis = _found(session, actor, track_id)
    fingerprint = identify.fingerprint(session, media.sha256) if media.sha256 else None
    return TrackDetail(
        **_item(track, media, analysis),
        album_artist=track.album_artist,
        genre=track.genre,
        date=track.date,
        track_number=track.track_number,
        disc_number=track.disc_number,
        changed_at=track.changed_at,
        file=TrackFile(
            media_id=media.id,
            **{name: getattr(media, name) for name in TrackFile.model_fields if name != "media_id"},
        ),
        engines=analysis.engines if analysis else {},
        # Whether somebody else here had this very content before, and when, is no concern of this workspace.
        analysed_at=max(analysis.analysed_at, track.added_at) if analysis else None,
        warnings=[NotedOddity(**note) for note in analysis.notes] if analysis else [],
        fingerprint=fingerprint.text if fingerprint else None,
    )


def get_beats(session: Session, actor: Actor, track_id: UUID) -> TrackBeats:
    """The beats of a track; none where it has no pulse or was not analysed yet."""
    _, _, analysis = _found(session, actor, track_id)
    return TrackBeats(beats=unpack_beats(analysis.beats) if analysis else [])


def track_of_media(session: Session, actor: Actor, media_id: UUID) -> UUID:
    """The track that an upload became."""
    found = queries.track_of_media(session, actor, media_id)
    if found is None:
        raise TrackNotFound
    return found


def _found(session: Session, actor: Actor, track_id: UUID) -> queries.Found:
    found = queries.track(session, actor, track_id)
    if found is None:
        raise TrackNotFound
    return found


def _item(track: Track, media: Media, analysis: Analysis | None) -> dict[str, Any]:
    features = None
    if analysis is not None:
        features = TrackFeatures(**{name: getattr(analysis, name) for name in TrackFeatures.model_fields})
    return {
        "id": track.id,
        "workspace_id": track.workspace_id,
        "media_id": media.id,
        "title": track.title,
        "artist": track.artist,
        "album": track.album,
        "duration": analysis.duration if analysis is not None else media.duration,
        "state": track.state,
        "error": track.error,
        "missing": media.missing,
        "added_at": track.added_at,
        "features": features,
    }


def on_media_added(context: Context, session: Session, event: MediaAdded) -> None:
    """Let an upload become a track, and ask for its analysis before that of whole folders."""
    del context
    media = session.get_one(Media, event.media_id)
    title = clean(media.name.rpartition(".")[0] or media.name) or "?"
    track = Track(
        id=new_id(), workspace_id=event.workspace_id, media_id=event.media_id, title=title, title_key=fold(title)
    )
    session.add(track)
    event.made["track"] = track.id
    event.made["job"] = _analyse_upload(session, event)


def on_media_sent_again(context: Context, session: Session, event: MediaSentAgain) -> None:
    """Name the track that an upload is already; one that failed is tried again, since the cause may be gone."""
    del context
    track = queries.tracks_of(session, [event.media_id]).get(event.media_id)
    if track is None:
        return
    event.made["track"] = track.id
    if track.state == "failed":
        track.state, track.error = "waiting", None
        event.made["job"] = _analyse_upload(session, event)


def _analyse_upload(session: Session, event: MediaAdded | MediaSentAgain) -> UUID:
    payload = AnalysePayload(media=[ToAnalyse(media_id=event.media_id)], read_tags=True)
    return submit(session, ANALYSE, payload, workspace=event.workspace_id, user=event.user_id, priority="high")
