"""The statements about contents that older engines heard."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import Row, exists, func, or_, select, update
from sqlalchemy.orm import Session

from otolith.core.db import now
from otolith.jobs.models import UNFINISHED, Job
from otolith.library.models import Analysis, Track
from otolith.media.models import Media

ATTEMPTS: Final = 3
"""How often a content is asked for whose job ends without a word, as one does that a crash has killed."""


def is_at_work(session: Session, task: str, but: UUID) -> bool:
    """Whether a job of this task other than `but` has begun and not ended yet, its children included."""
    begun = exists().where(Job.task == task, Job.state.in_(UNFINISHED), Job.id != but, Job.children > 0)
    return bool(session.scalar(select(begun)))


def outdated(session: Session, versions: Mapping[str, int], limit: int) -> Sequence[Row[tuple[UUID, str, str | None]]]:
    """One present file of each content that older engines heard: the file, the content, and what came of it so far.

    Only the system sees them all.
    """
    older = [func.coalesce(Analysis.engines[name].as_integer(), 0) < version for name, version in versions.items()]
    in_vain = [*codes_in_vain(versions), code_of(versions, today=True)]
    not_in_vain = or_(Analysis.renewal_failed.is_(None), Analysis.renewal_failed.not_in(in_vain))
    one = (
        select(Media.id)
        .join(Track, Track.media_id == Media.id)
        .where(Media.sha256 == Analysis.sha256, Media.missing.is_(False), Track.state == "analysed")
        .order_by(Media.id)
        .limit(1)
        .correlate(Analysis)
        .scalar_subquery()
    )
    columns = one.label("media_id"), Analysis.sha256, Analysis.renewal_failed
    return session.execute(select(*columns).where(or_(*older), not_in_vain, one.is_not(None)).limit(limit)).all()


def code_of(versions: Mapping[str, int], *, today: bool = False, asked: int = 0) -> str:
    """The versions of all engines as one short text, with the day or the number of attempts where those matter."""
    parts = [f"{name}={version}" for name, version in sorted(versions.items())]
    parts += [f"{now():%Y-%m-%d}"] if today else []
    return " ".join([*parts, f"asked={asked}"] if asked else parts)


def codes_in_vain(versions: Mapping[str, int]) -> list[str]:
    """What is noted of contents that these versions of the engines are not asked about any more."""
    return [code_of(versions), code_of(versions, asked=ATTEMPTS)]


def times_asked(versions: Mapping[str, int], noted: str | None) -> int:
    """How often these versions of the engines were asked about a content, by what is noted of it."""
    codes = [code_of(versions, asked=times) for times in range(1, ATTEMPTS + 1)]
    return codes.index(noted) + 1 if noted in codes else 0


def note_asked(session: Session, versions: Mapping[str, int], contents: Collection[str], times: int) -> None:
    """Remember how often these versions of the engines were asked about contents, whatever becomes of the jobs."""
    code = code_of(versions, asked=times)
    session.execute(update(Analysis).where(Analysis.sha256.in_(list(contents))).values(renewal_failed=code))


def note_in_vain(session: Session, sha256: str, versions: Mapping[str, int], *, may_pass: bool) -> None:
    """Remember that these versions of the engines could not hear a content again: for good, or today."""
    code = code_of(versions, today=may_pass)
    session.execute(update(Analysis).where(Analysis.sha256 == sha256).values(renewal_failed=code))


def workspaces_with(session: Session, sha256: str) -> Sequence[UUID]:
    """Whose libraries hold a content."""
    return session.scalars(
        select(Track.workspace_id).join(Media, Media.id == Track.media_id).where(Media.sha256 == sha256).distinct()
    ).all()


def stamp_content(session: Session, workspace_id: UUID, sha256: str, version: int) -> None:
    """Let followers of a catalogue know that the tracks of a content sound otherwise now."""
    mine = select(Media.id).where(Media.sha256 == sha256, Media.workspace_id == workspace_id)
    session.execute(update(Track).where(Track.media_id.in_(mine)).values(version=version, changed_at=now()))
