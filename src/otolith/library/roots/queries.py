"""The statements about scans and the folders of a library."""

import datetime as dt
import time
from collections.abc import Collection, Sequence
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, case, func, or_, select, update
from sqlalchemy.orm import Session

from otolith.core.actor import Actor, visible_to
from otolith.core.db import now
from otolith.jobs.models import UNFINISHED, Job, LanePause
from otolith.library.models import Finding, Scan
from otolith.library.roots.models import Root
from otolith.library.roots.phases import Step, applied, rested

ScanAndJob = Row[tuple[Scan, Job | None]]


def advance(session: Session, scan_id: UUID, *steps: Step, **counts: int) -> None:
    """Add to the counts of a scan and to its phases, in the row itself, because its chunks are stored side by side."""
    phases = session.scalar(select(Scan.phases).where(Scan.id == scan_id).with_for_update())
    if phases is None:
        return
    changes: dict[str, Any] = {name: getattr(Scan, name) + number for name, number in counts.items() if number}
    if steps:
        changes["phases"] = applied(phases, steps, time.time())
    session.execute(update(Scan).where(Scan.id == scan_id).values(worked_at=now(), **changes))


def set_paused(session: Session, scan_id: UUID, *, paused: bool) -> None:
    changes: dict[str, Any] = {"paused_at": now() if paused else None}
    if not paused:
        phases = session.scalar(select(Scan.phases).where(Scan.id == scan_id).with_for_update())
        changes["phases"] = rested(phases or [], time.time())
    session.execute(update(Scan).where(Scan.id == scan_id).values(**changes))


def looking_scan(session: Session, workspace_id: UUID, path: bytes) -> UUID | None:
    """A scan of a folder that still looks at its files, or that was paused; what is only heard yet does not count."""
    looks = or_(Job.state.in_(("queued", "running", "retrying")), Scan.paused_at.is_not(None))
    return session.scalar(
        select(Scan.id)
        .join(Job, Job.id == Scan.job_id)
        .where(Scan.workspace_id == workspace_id, Scan.path == path, Job.state.in_(UNFINISHED), looks)
        .limit(1)
    )


def has_other_scan(session: Session, workspace_id: UUID, scan_id: UUID, path: bytes) -> bool:
    """Whether another scan that shares files with this folder is not over."""
    mine = select(Scan.path).join(Job, Job.id == Scan.job_id).where(Scan.workspace_id == workspace_id)
    others = session.scalars(mine.where(Scan.id != scan_id, Job.state.in_(UNFINISHED)))
    stem = path.rstrip(b"/") + b"/"
    return any(stem.startswith(one) or one.startswith(stem) for one in (other.rstrip(b"/") + b"/" for other in others))


def what_it_waits_for(session: Session, scan_id: UUID) -> Row[Any] | None:
    """Whether a scan is paused, why its folder is away, and where and whose that is."""
    return session.execute(
        select(Scan.paused_at, Scan.away_why, Scan.workspace_id, Scan.path).where(Scan.id == scan_id)
    ).one_or_none()


def unfinished_scan(session: Session, workspace_id: UUID, path: bytes) -> Scan | None:
    return session.scalar(
        select(Scan)
        .join(Job, Job.id == Scan.job_id)
        .where(Scan.workspace_id == workspace_id, Scan.path == path, Job.state.in_(UNFINISHED))
        .order_by(Scan.id.desc())
        .limit(1)
    )


def scan(session: Session, actor: Actor, scan_id: UUID) -> ScanAndJob | None:
    statement = (
        select(Scan, Job)
        .join(Job, Job.id == Scan.job_id, isouter=True)
        .where(visible_to(actor, Scan.workspace_id), Scan.id == scan_id)
    )
    # Job handlers write beside this session's own copy.
    fresh = statement.execution_options(populate_existing=True)
    return cast("ScanAndJob | None", session.execute(fresh).one_or_none())


def scans_page(
    session: Session, condition: ColumnElement[bool], before: UUID | None, limit: int
) -> Sequence[ScanAndJob]:
    """The newest scans first, those made before `before`."""
    statement = select(Scan, Job).join(Job, Job.id == Scan.job_id, isouter=True).where(condition)
    if before is not None:
        statement = statement.where(Scan.id < before)
    return cast("Sequence[ScanAndJob]", session.execute(statement.order_by(Scan.id.desc()).limit(limit)).all())


def count_scans(session: Session, condition: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(Scan).where(condition)) or 0


def pauses_of(session: Session, lanes: Collection[str]) -> str | None:
    """Why nothing of these lanes is begun at the moment, if that is so."""
    return session.scalar(select(LanePause.reason).where(LanePause.lane.in_(list(lanes))).limit(1))


def findings(session: Session, scan_id: UUID, limit: int) -> Sequence[Finding]:
    return session.scalars(
        select(Finding).where(Finding.scan_id == scan_id).order_by(Finding.verdict, Finding.path).limit(limit)
    ).all()


def finding_counts(session: Session, scan_ids: Collection[UUID]) -> dict[UUID, dict[tuple[str, str], int]]:
    """For each scan, how many files have each verdict, by what the scan had counted them as before."""
    rows = session.execute(
        select(Finding.scan_id, Finding.verdict, Finding.counted_as, func.count())
        .where(Finding.scan_id.in_(list(scan_ids)))
        .group_by(Finding.scan_id, Finding.verdict, Finding.counted_as)
    )
    found: dict[UUID, dict[tuple[str, str], int]] = {}
    for scan_id, verdict, counted_as, number in rows.tuples():
        found.setdefault(scan_id, {})[(verdict, counted_as)] = number
    return found


def last_begun(session: Session, workspace_id: UUID, path: bytes) -> dt.datetime | None:
    """When the last scan of a folder was asked for."""
    mine = select(Scan.started_at).where(Scan.workspace_id == workspace_id, Scan.path == path)
    return session.scalar(mine.order_by(Scan.id.desc()).limit(1))


def root(session: Session, actor: Actor, root_id: UUID) -> Root | None:
    return session.scalar(select(Root).where(visible_to(actor, Root.workspace_id), Root.id == root_id))


def root_at(session: Session, workspace_id: UUID, path_digest: bytes) -> Root | None:
    return session.scalar(select(Root).where(Root.workspace_id == workspace_id, Root.path_digest == path_digest))


def roots_page(
    session: Session, condition: ColumnElement[bool], after: UUID | None = None, limit: int | None = None
) -> Sequence[Root]:
    """Folders in the order in which they were added."""
    statement = select(Root).where(condition).order_by(Root.id)
    if after is not None:
        statement = statement.where(Root.id > after)
    return session.scalars(statement if limit is None else statement.limit(limit)).all()


def count_roots(session: Session, condition: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(Root).where(condition)) or 0


def covering(session: Session, workspace_id: UUID, path: bytes) -> list[Root]:
    """The folders of the library that a path is, or lies in."""
    mine = session.scalars(select(Root).where(Root.workspace_id == workspace_id))
    return [root for root in mine if path == root.path or path.startswith(root.path.rstrip(b"/") + b"/")]


def inside(session: Session, workspace_id: UUID, path: bytes) -> list[bytes]:
    """The folders of the library that lie in another one."""
    stem = path.rstrip(b"/") + b"/"
    mine = session.scalars(select(Root.path).where(Root.workspace_id == workspace_id))
    return [inner for inner in mine if inner.startswith(stem) and inner != stem]


def note_away(session: Session, scan_id: UUID | None, root_ids: Collection[UUID], why: str | None) -> None:
    """Say since when folders cannot be reached and why; None: they can."""
    if scan_id is not None:
        session.execute(update(Scan).where(Scan.id == scan_id).values(away_why=why))
    if root_ids:
        since = case((Root.away_since.is_(None), now()), else_=Root.away_since) if why else None
        session.execute(update(Root).where(Root.id.in_(list(root_ids))).values(away_since=since, away_why=why))


def note_scanned(session: Session, workspace_id: UUID, path: bytes) -> None:
    """Remember when a folder was last walked to its end, with whatever of the library lies in it."""
    stem = path.rstrip(b"/")
    inside = or_(Root.path == path, and_(Root.path >= stem + b"/", Root.path < stem + b"0"))
    mine = update(Root).where(Root.workspace_id == workspace_id, inside)
    session.execute(mine.values(scanned_at=now(), away_since=None, away_why=None))


def watched_roots(session: Session) -> list[Root]:
    """The folders to watch, of all workspaces; only the system sees them all."""
    return list(roots_page(session, Root.watched.is_(True)))
