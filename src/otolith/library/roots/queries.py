"""The statements about scans and the folders of a library."""

import datetime as dt
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, case, delete, func, or_, select, update
from sqlalchemy.orm import Session

from otolith.core.actor import Actor, visible_to
from otolith.core.db import now
from otolith.jobs.models import UNFINISHED, Job, LanePause
from otolith.jobs.service import JobCancelled
from otolith.library.models import Finding, Scan
from otolith.library.roots.models import Mount, Root
from otolith.library.roots.phases import Step, applied, rested
from otolith.media.service import path_digest

ScanAndJob = Row[tuple[Scan, Job | None]]


def advance(session: Session, scan_id: UUID, *steps: Step, **counts: int) -> None:
    """Add to the counts of a scan and to its phases, in the row itself, because its chunks are stored side by side."""
    found = session.execute(select(Scan.phases, Scan.job_id).where(Scan.id == scan_id).with_for_update()).one_or_none()
    if found is None:
        return
    phases, job_id = found
    # Asked once the scan's row is held, as whoever ends a scan holds it first: what comes later is not stored.
    if session.scalar(select(or_(Job.cancel_requested, Job.state == "cancelled")).where(Job.id == job_id)):
        raise JobCancelled
    changes: dict[str, Any] = {name: getattr(Scan, name) + number for name, number in counts.items() if number}
    if steps:
        changes["phases"] = applied(phases, steps, time.time())
    session.execute(update(Scan).where(Scan.id == scan_id).values(worked_at=now(), **changes))


def held_scans(session: Session, workspace_id: UUID, path: bytes) -> list[UUID]:
    """The jobs of the scans of a folder that are not over, each scan held so that none stores anything meanwhile."""
    mine = session.execute(
        select(Scan.id, Scan.job_id)
        .join(Job, Job.id == Scan.job_id)
        .where(Scan.workspace_id == workspace_id, Scan.path == path, Job.state.in_(UNFINISHED))
        .order_by(Scan.id)
        .with_for_update(of=Scan)
    )
    return [job_id for _, job_id in mine.tuples() if job_id is not None]


def was_scanned_since(session: Session, workspace_id: UUID, path: bytes, moment: dt.datetime) -> bool:
    """Whether a scan of a folder went through that did the last of its work after this moment."""
    mine = (Scan.workspace_id == workspace_id, Scan.path == path, Scan.worked_at > moment)
    done = select(Scan.id).join(Job, Job.id == Scan.job_id).where(*mine, Job.state.in_(("waiting", "succeeded")))
    return session.scalar(done.limit(1)) is not None


def held_root(session: Session, root_id: UUID) -> UUID | None:
    """A folder of a library that is still one, and stays so until the transaction ends."""
    return session.scalar(select(Root.id).where(Root.id == root_id).with_for_update(read=True, key_share=True))


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


def scanned_folders(session: Session, workspace_id: UUID) -> list[bytes]:
    """The folders from which files came into a workspace: those of its library, and those that were scanned."""
    own = select(Root.path).where(Root.workspace_id == workspace_id)
    return list(session.scalars(own.union(select(Scan.path).where(Scan.workspace_id == workspace_id))))


def inside(session: Session, workspace_id: UUID, path: bytes) -> list[bytes]:
    """The folders of the library that lie in another one."""
    stem = path.rstrip(b"/") + b"/"
    mine = session.scalars(select(Root.path).where(Root.workspace_id == workspace_id))
    return [inner for inner in mine if inner.startswith(stem) and inner != stem]


def mounts_in(session: Session, workspace_id: UUID, folder: bytes) -> list[Mount]:
    """What was mounted in a folder, or as that folder, when it was last scanned; in the order of the paths."""
    stem = folder.rstrip(b"/")
    inside = or_(Mount.path == folder, and_(Mount.path >= stem + b"/", Mount.path < stem + b"0"))
    mine = select(Mount).where(Mount.workspace_id == workspace_id, inside).order_by(Mount.path)
    return list(session.scalars(mine))


def keep_mounts(session: Session, workspace_id: UUID, found: Mapping[bytes, bool]) -> None:
    for path, is_link in found.items():
        session.merge(Mount(workspace_id=workspace_id, path_digest=path_digest(path), path=path, is_link=is_link))


def forget_mounts(session: Session, workspace_id: UUID, paths: Collection[bytes]) -> None:
    digests = [path_digest(path) for path in paths]
    session.execute(delete(Mount).where(Mount.workspace_id == workspace_id, Mount.path_digest.in_(digests)))


def note_touched(session: Session, root_id: UUID) -> None:
    """Remember when a change in a folder was last taken in without a scan."""
    session.execute(update(Root).where(Root.id == root_id).values(touched_at=now()))


def note_away(session: Session, scan_id: UUID | None, root_ids: Collection[UUID], why: str | None) -> None:
    """Say since when folders cannot be reached and why; None: they can."""
    if scan_id is not None:
        session.execute(update(Scan).where(Scan.id == scan_id).values(away_why=why))
    if root_ids:
        since = case((Root.away_since.is_(None), now()), else_=Root.away_since) if why else None
        session.execute(update(Root).where(Root.id.in_(list(root_ids))).values(away_since=since, away_why=why))


def note_scanned(session: Session, workspace_id: UUID, path: bytes, away: Mapping[bytes, str]) -> None:
    """Remember when a folder was last walked to its end, with whatever of the library lies in it and was there.

    `away` says of the folders in it that could not be reached why that is so.
    """
    stem = path.rstrip(b"/")
    inside = or_(Root.path == path, and_(Root.path >= stem + b"/", Root.path < stem + b"0"))
    found = session.execute(select(Root.id, Root.path).where(Root.workspace_id == workspace_id, inside)).tuples()
    reached = []
    for root_id, place in sorted(found):
        outer = [one for one in away if (place.rstrip(b"/") + b"/").startswith(one)]
        if outer:
            note_away(session, None, [root_id], away[max(outer, key=len)])
        else:
            reached.append(root_id)
    mine = update(Root).where(Root.id.in_(reached))
    session.execute(mine.values(scanned_at=now(), away_since=None, away_why=None))


def watched_roots(session: Session) -> list[Root]:
    """The folders to watch, of all workspaces; only the system sees them all."""
    return list(roots_page(session, Root.watched.is_(True)))
