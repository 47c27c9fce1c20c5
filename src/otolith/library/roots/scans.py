"""What routes, pages and commands may do with scans."""

import datetime as dt
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_
from sqlalchemy.orm import Session

from otolith.core import paging
from otolith.core.actor import SYSTEM, Actor, visible_to
from otolith.core.context import Context
from otolith.core.db import now
from otolith.core.errors import Conflict, NotAllowed, NotFound
from otolith.core.paging import BadCursor, Page
from otolith.jobs import service as jobs
from otolith.jobs.models import TERMINAL, Job
from otolith.library.events import ANALYSE, REFRESH, SCAN, RefreshPayload, ScanPayload, shown
from otolith.library.models import Finding, Scan
from otolith.library.roots import queries
from otolith.library.roots.models import Root
from otolith.library.roots.phases import seconds_left, stages
from otolith.library.roots.places import folder_named, may_scan
from otolith.library.roots.schemas import NotTaken, PhaseOut, ScanItem, ScanReport, ScanStarted, ScanState
from otolith.library.roots.whereabouts import Whereabouts, whereabouts

# What a scan has seen so lately, no other scan need see again.
_JUST_NOW: Final = dt.timedelta(minutes=5)
LISTED: Final = 10_000
"""How many of the files that could not be taken in a report names."""
BY_A_PERSON: Final = "It was paused; resume it, and it goes on where it was."


class ScanNotFound(NotFound):
    """There is no such scan, or you may not see it."""


class ScanOver(Conflict):
    """This scan is over, so there is nothing to pause, resume or cancel."""


def start_scan(
    session: Session, context: Context, actor: Actor, path: str | bytes | os.PathLike[str], workspace_id: UUID
) -> ScanStarted:
    """Ask for a scan of a folder into a workspace.

    A scan of the same folder that is not over is answered again, and goes on if it was paused.
    """
    root = folder_named(path)
    may_scan(context, actor, root, workspace_id)
    running = queries.unfinished_scan(session, workspace_id, root)
    if running is not None and running.job_id is not None:
        if running.paused_at is not None:
            _let_go_on(session, actor, running.id, running.job_id)
        return ScanStarted(scan_id=running.id, job_id=running.job_id)
    return _new_scan(session, actor, root, workspace_id)


def scan_by_itself(session: Session, root: Root) -> ScanStarted | None:
    """Scan a folder of a library without a person asking; None while another scan looks at it, or is paused.

    None as well where it has left the library meanwhile.
    """
    if queries.held_root(session, root.id) is None:
        return None
    if queries.looking_scan(session, root.workspace_id, root.path) is not None:
        return None
    return _new_scan(session, SYSTEM, root.path, root.workspace_id)


def compare_by_itself(session: Session, root: Root) -> bool:
    """Compare a folder of a library as a whole without a person asking; False while a scan looks at it, or is paused.

    Where a scan has just done so, as of a folder that was just added, only what has changed since is taken in.
    """
    if not queries.was_scanned_since(session, root.workspace_id, root.path, now() - _JUST_NOW):
        return scan_by_itself(session, root) is not None
    if queries.looking_scan(session, root.workspace_id, root.path) is not None:
        return False
    payload = RefreshPayload(root=root.path, root_id=root.id, paths=[root.path])
    jobs.submit(session, REFRESH, payload, workspace=root.workspace_id, user=root.added_by, lane=SCAN.lane)
    return True


def end_scans(session: Session, actor: Actor, workspace_id: UUID, path: bytes) -> None:
    """End the scans of a folder that are not over; what they have stored stays, and nothing more is."""
    for job_id in queries.held_scans(session, workspace_id, path):
        jobs.cancel(session, actor, job_id)


def _new_scan(session: Session, actor: Actor, root: bytes, workspace_id: UUID) -> ScanStarted:
    scan = Scan(workspace_id=workspace_id, user_id=actor.user_id, path=root)
    session.add(scan)
    session.flush()
    payload = ScanPayload(scan_id=scan.id, path=root)
    scan.job_id = jobs.submit(session, SCAN, payload, workspace=workspace_id, user=actor.user_id)
    session.flush()
    return ScanStarted(scan_id=scan.id, job_id=scan.job_id)


def pause_scan(session: Session, actor: Actor, scan_id: UUID) -> ScanItem:
    """Let a scan rest: what is being read or heard just now is finished, and nothing more begins."""
    scan, job = _controlled(session, actor, scan_id)
    if scan.paused_at is None:
        queries.set_paused(session, scan_id, paused=True)
        jobs.hold(session, actor, job.id)
    return get_scan(session, actor, scan_id)


def resume_scan(session: Session, actor: Actor, scan_id: UUID) -> ScanItem:
    """Let a paused scan go on where it was."""
    scan, job = _controlled(session, actor, scan_id)
    if scan.paused_at is not None:
        _let_go_on(session, actor, scan_id, job.id)
    return get_scan(session, actor, scan_id)


def _let_go_on(session: Session, actor: Actor, scan_id: UUID, job_id: UUID) -> None:
    queries.set_paused(session, scan_id, paused=False)
    jobs.release(session, actor, job_id)


def cancel_scan(session: Session, actor: Actor, scan_id: UUID) -> ScanItem:
    """End a scan; what it has stored stays."""
    _, job = _controlled(session, actor, scan_id)
    jobs.cancel(session, actor, job.id)
    return get_scan(session, actor, scan_id)


def _controlled(session: Session, actor: Actor, scan_id: UUID) -> tuple[Scan, Job]:
    scan, job = _found(session, actor, scan_id)
    if not actor.may_edit(scan.workspace_id):
        raise NotAllowed("Only owners and editors of its workspace may pause, resume or cancel a scan.")
    if job is None or job.state in TERMINAL:
        raise ScanOver
    return scan, job


def _found(session: Session, actor: Actor, scan_id: UUID) -> tuple[Scan, Job | None]:
    found = queries.scan(session, actor, scan_id)
    if found is None:
        raise ScanNotFound
    return found[0], found[1]


def get_scan(session: Session, actor: Actor, scan_id: UUID) -> ScanItem:
    """How far a scan is, without the files that it could not take in."""
    scan, job = _found(session, actor, scan_id)
    return ScanItem(**_items(session, actor, [(scan, job)])[0])


def scan_report(session: Session, actor: Actor, scan_id: UUID, listed: int = LISTED) -> ScanReport:
    """What a scan has found so far."""
    scan, job = _found(session, actor, scan_id)
    findings = queries.findings(session, scan_id, listed) if listed else []
    item = _items(session, actor, [(scan, job)])[0]
    where = whereabouts(session, actor).also(shown(scan.path))
    failed, skipped = (_not_taken(findings, verdict, where) for verdict in ("failed", "skipped"))
    return ScanReport(**item, failed=failed, skipped=skipped)


def list_scans(
    session: Session, actor: Actor, *, workspace_id: UUID | None = None, cursor: str | None = None, limit: int = 50
) -> Page[ScanItem]:
    """A page of the scans that the caller may see, newest first."""
    condition: ColumnElement[bool] = visible_to(actor, Scan.workspace_id)
    if workspace_id is not None:
        condition = and_(condition, Scan.workspace_id == workspace_id)
    rows = queries.scans_page(session, condition, position(cursor), limit + 1)
    page, following = paging.cut(rows, limit, lambda row: (str(row[0].id),))
    return Page[ScanItem](
        items=[ScanItem(**item) for item in _items(session, actor, [(scan, job) for scan, job in page])],
        next=following,
        total=queries.count_scans(session, condition),
    )


def position(cursor: str | None) -> UUID | None:
    """The row behind which a page begins, in a list that goes by ids."""
    if cursor is None:
        return None
    try:
        return UUID(str(paging.decode(cursor, 1)[0]))
    except ValueError as error:
        raise BadCursor from error


def _items(session: Session, actor: Actor, rows: Sequence[tuple[Scan, Job | None]]) -> list[dict[str, Any]]:
    """What is shown of scans, in as many statements however many they are."""
    counts = queries.finding_counts(session, [scan.id for scan, _ in rows])
    lane_paused = queries.pauses_of(session, (SCAN.lane, ANALYSE.lane))
    where = whereabouts(session, actor)
    return [_item(scan, job, counts.get(scan.id, {}), lane_paused, where) for scan, job in rows]


def _item(
    scan: Scan, job: Job | None, counts: Mapping[tuple[str, str], int], lane_paused: str | None, where: Whereabouts
) -> dict[str, Any]:
    where = where.also(shown(scan.path))
    state = _state_of(scan, job)
    unfinished = state in {"running", "paused"}
    shown_stages = stages(scan.phases, ended=state == "done")
    ended = now() if unfinished else scan.worked_at
    return {
        "scan_id": scan.id,
        "job_id": scan.job_id,
        "workspace_id": scan.workspace_id,
        "path": where.path(shown(scan.path)),
        "state": state,
        "error": where.text_or_none(job.error) if job is not None and state == "failed" else None,
        "paused": where.text_or_none(_why_it_waits(scan, lane_paused)) if unfinished else None,
        "phases": [PhaseOut(**asdict(stage)) for stage in shown_stages],
        "seconds_left": seconds_left(shown_stages) if unfinished else None,
        **{name: getattr(scan, name) - counts.get(("failed", name), 0) for name in ("added", "updated", "moved")},
        "missing": scan.missing,
        "unchanged": scan.unchanged,
        "failures": sum(number for (verdict, _), number in counts.items() if verdict == "failed"),
        "passed_over": sum(number for (verdict, _), number in counts.items() if verdict == "skipped"),
        "seconds": round(max(0.0, (ended - scan.started_at).total_seconds()), 3),
        "started_at": scan.started_at,
    }


def _why_it_waits(scan: Scan, lane_paused: str | None) -> str | None:
    return BY_A_PERSON if scan.paused_at is not None else scan.away_why or lane_paused


def _not_taken(findings: Sequence[Finding], verdict: str, where: Whereabouts) -> list[NotTaken]:
    return [
        NotTaken(path=where.path(shown(one.path)), error=where.text(one.error))
        for one in findings
        if one.verdict == verdict
    ]


def _state_of(scan: Scan, job: Job | None) -> ScanState:
    if job is None or job.state == "succeeded":
        return "done"
    if job.state not in TERMINAL:
        return "paused" if scan.paused_at is not None or scan.away_why is not None else "running"
    return "cancelled" if job.state == "cancelled" else "failed"
