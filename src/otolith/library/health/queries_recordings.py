"""The statements about contents that hold the same recording."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, delete, exists, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from otolith.core.db import now
from otolith.identify.models import Fingerprint
from otolith.library.catalogue.models import Catalogue
from otolith.library.health.models import ComparedContent, Comparison, SameRecording
from otolith.library.models import Analysis
from otolith.media.models import Media

Compared = ComparedContent
Same = SameRecording


@dataclass(frozen=True, slots=True)
class Level:
    """How loud and how even a content is."""

    loudness: float | None
    loudness_range: float | None
    peak: float | None

    @property
    def crest(self) -> float | None:
        """How far the peaks stand above the loudness, in dB."""
        return None if self.peak is None or self.loudness is None else self.peak - self.loudness


def changed_workspaces(session: Session) -> Sequence[UUID]:
    """The workspaces whose catalogue changed since their recordings were compared; only the system sees them all."""
    statement = select(Catalogue.workspace_id).join(
        Comparison, Comparison.workspace_id == Catalogue.workspace_id, isouter=True
    )
    behind = or_(Comparison.workspace_id.is_(None), Comparison.version != Catalogue.version)
    return session.scalars(statement.where(behind).order_by(Catalogue.workspace_id)).all()


def _is_fingerprinted(version: int) -> ColumnElement[bool]:
    return exists().where(Fingerprint.sha256 == Media.sha256, Fingerprint.version == version)


_IS_COMPARED = exists().where(Compared.workspace_id == Media.workspace_id, Compared.sha256 == Media.sha256)


def uncompared(session: Session, workspace_id: UUID, version: int, limit: int) -> list[str]:
    """Contents of a workspace that have a fingerprint and were not compared yet, in the order of their hashes."""
    statement = (
        select(Media.sha256)
        .where(Media.workspace_id == workspace_id, Media.sha256.is_not(None))
        .where(_is_fingerprinted(version), ~_IS_COMPARED)
        .distinct()
        .order_by(Media.sha256)
        .limit(limit)
    )
    return [sha256 for sha256 in session.scalars(statement) if sha256 is not None]


def compared_after(session: Session, workspace_id: UUID, after: str, limit: int) -> Sequence[str]:
    """A page of the contents that were compared."""
    statement = select(Compared.sha256).where(Compared.workspace_id == workspace_id, Compared.sha256 > after)
    return session.scalars(statement.order_by(Compared.sha256).limit(limit)).all()


def forget_departed(session: Session, workspace_id: UUID) -> None:
    """Forget contents that the workspace has no more; what they were paired with is compared anew.

    Two contents may be known to be the same only by way of the one that is gone.
    """
    here = exists().where(Media.workspace_id == workspace_id, Media.sha256 == Compared.sha256)
    gone = select(Compared.sha256).where(Compared.workspace_id == workspace_id, ~here)
    pairs = select(Same).where(Same.workspace_id == workspace_id).subquery()
    partners = (
        select(pairs.c.second)
        .where(pairs.c.first.in_(gone))
        .union(select(pairs.c.first).where(pairs.c.second.in_(gone)))
    )
    left = set(session.scalars(gone))
    if not left:
        return
    again = left | set(session.scalars(partners))
    for contents in _chunks(sorted(left)):
        lost = or_(Same.first.in_(contents), Same.second.in_(contents))
        session.execute(delete(Same).where(Same.workspace_id == workspace_id, lost))
    for contents in _chunks(sorted(again)):
        session.execute(delete(Compared).where(Compared.workspace_id == workspace_id, Compared.sha256.in_(contents)))


def _chunks(contents: Sequence[str]) -> list[Sequence[str]]:
    return [contents[start : start + 5000] for start in range(0, len(contents), 5000)]


def copies(session: Session, workspace_id: UUID) -> Sequence[tuple[str, str]]:
    """The pairs of contents that are the same sound."""
    statement = select(Same.first, Same.second).where(Same.workspace_id == workspace_id, Same.relation == "copy")
    return [(first, second) for first, second in session.execute(statement).tuples()]


def levels(session: Session, contents: Collection[str]) -> dict[str, Level]:
    statement = select(
        Analysis.sha256, Analysis.loudness_lufs, Analysis.loudness_range_lu, Analysis.true_peak_dbtp
    ).where(Analysis.sha256.in_(list(contents)))
    return {row[0]: Level(*row[1:]) for row in session.execute(statement).tuples()}


def store_compared(
    session: Session, workspace_id: UUID, contents: Sequence[str], pairs: Sequence[Mapping[str, Any]]
) -> None:
    """Keep what comparing some contents found; whoever compared them at the same time found the same."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    if pairs:
        session.execute(dialect.insert(Same).on_conflict_do_nothing(), list(pairs))
    rows = [{"workspace_id": workspace_id, "sha256": sha256, "recording": None} for sha256 in contents]
    if rows:
        session.execute(dialect.insert(Compared).on_conflict_do_nothing(), rows)


def recordings(session: Session, workspace_id: UUID) -> dict[str, str]:
    """The groups that are stored, by content."""
    statement = select(Compared.sha256, Compared.recording).where(
        Compared.workspace_id == workspace_id, Compared.recording.is_not(None)
    )
    return {sha256: name for sha256, name in session.execute(statement).tuples() if name is not None}


def regroup(session: Session, workspace_id: UUID, changes: Mapping[str, str | None]) -> None:
    """Name the groups of contents; of those that are yet to be compared again nothing is kept."""
    mine = update(Compared).where(Compared.workspace_id == workspace_id, Compared.sha256 == bindparam("content"))
    rows = [{"content": sha256, "named": name} for sha256, name in changes.items()]
    if rows:
        session.connection().execute(mine.values(recording=bindparam("named")), rows)


def finish(session: Session, workspace_id: UUID, version: int) -> None:
    """Note which version of the catalogue was compared."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    statement = dialect.insert(Comparison).values(workspace_id=workspace_id, version=version, compared_at=now())
    changed = {"version": statement.excluded.version, "compared_at": statement.excluded.compared_at}
    session.execute(statement.on_conflict_do_update(index_elements=[Comparison.workspace_id], set_=changed))
