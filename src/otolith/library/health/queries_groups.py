"""The statements about groups of files: exact copies, same recordings and masters; and about files not taken in."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Select, and_, case, cast, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from otolith.core.actor import Actor, visible_to
from otolith.identify.models import Fingerprint
from otolith.library.health.models import ComparedContent, Comparison, SameRecording
from otolith.library.health.queries import PRESENT, Seen, seen_columns
from otolith.library.models import Finding, Scan, Track
from otolith.media.models import Media

# What goes with all files of a group but the largest.
_WASTE = cast(func.sum(Media.size) - func.max(Media.size), BigInteger)
_NAME = func.coalesce(ComparedContent.recording, ComparedContent.sha256)


class Group(NamedTuple):
    """A group of files of one workspace, by the hash that names it, and the bytes that all but one of them take."""

    workspace_id: UUID
    name: str
    waste: int


def exact_copies(whose: ColumnElement[bool]) -> Select[Any]:
    """Contents that a workspace has in several files."""
    return (
        select(Media.workspace_id, Media.sha256.label("name"), _WASTE.label("waste"))
        .join(Track, Track.media_id == Media.id)
        .where(whose, PRESENT, Media.sha256.in_(_several_times()))
        .group_by(Media.workspace_id, Media.sha256)
        .having(func.count() > 1)
    )


def _several_times() -> Select[Any]:
    """Contents of several files, whose ever, which an index alone tells; narrows what is looked at, and no more."""
    other = aliased(Media)
    return select(other.sha256).where(other.sha256.is_not(None)).group_by(other.sha256).having(func.count() > 1)


def same_recordings(whose: ColumnElement[bool]) -> Select[Any]:
    """Recordings that a workspace has in several contents."""
    return (
        select(Media.workspace_id, ComparedContent.recording.label("name"), _WASTE.label("waste"))
        .join(Track, Track.media_id == Media.id)
        .join(ComparedContent, _is_of_media(ComparedContent))
        .where(whose, PRESENT, ComparedContent.recording.is_not(None), Media.sha256.in_(_grouped()))
        .group_by(Media.workspace_id, ComparedContent.recording)
        .having(func.count(Media.sha256.distinct()) > 1)
    )


def _grouped() -> Select[Any]:
    other = aliased(ComparedContent)
    return select(other.sha256).where(other.recording.is_not(None))


def _is_of_media(compared: Any) -> ColumnElement[bool]:
    return and_(compared.workspace_id == Media.workspace_id, compared.sha256 == Media.sha256)


def count(session: Session, groups: Select[Any]) -> int:
    return session.scalar(select(func.count()).select_from(groups.subquery())) or 0


def page_of_groups(
    session: Session, groups: Select[Any], after: tuple[int, str, UUID] | None, limit: int
) -> Sequence[Group]:
    """A page of groups, those that take the most room first."""
    rows = groups.subquery().c
    statement = select(rows.workspace_id, rows.name, rows.waste)
    if after is not None:
        waste, name, workspace_id = after
        beyond = or_(rows.name > name, and_(rows.name == name, rows.workspace_id > workspace_id))
        statement = statement.where(or_(rows.waste < waste, and_(rows.waste == waste, beyond)))
    found = session.execute(statement.order_by(rows.waste.desc(), rows.name, rows.workspace_id).limit(limit))
    return [Group(*row) for row in found]


def tracks_of_contents(
    session: Session, whose: ColumnElement[bool], contents: Collection[str]
) -> dict[tuple[UUID, str], list[Seen]]:
    """The tracks of these contents that are there, by workspace and content, the oldest first."""
    statement = seen_columns().where(whose, PRESENT, Media.sha256.in_(list(contents))).order_by(Track.id)
    found: dict[tuple[UUID, str], list[Seen]] = {}
    for seen in (Seen(*row) for row in session.execute(statement)):
        found.setdefault((seen.track.workspace_id, str(seen.media.sha256)), []).append(seen)
    return found


def tracks_of_recordings(
    session: Session, whose: ColumnElement[bool], names: Collection[str]
) -> dict[tuple[UUID, str], list[Seen]]:
    """The tracks of these groups that are there, by workspace and name of the group, the oldest first.

    A content that stands alone is a group that goes by its own hash.
    """
    if not names:
        return {}
    content, wanted = aliased(ComparedContent), list(names)
    grouped = select(content.sha256).where(content.recording.in_(wanted))
    statement = (
        seen_columns()
        .add_columns(_NAME)
        .join(ComparedContent, _is_of_media(ComparedContent))
        .where(
            whose, PRESENT, Media.sha256.in_(grouped.union(select(content.sha256).where(content.sha256.in_(wanted))))
        )
        .order_by(Track.id)
    )
    found: dict[tuple[UUID, str], list[Seen]] = {}
    for *seen, name in session.execute(statement):
        found.setdefault((seen[0].workspace_id, name), []).append(Seen(*seen))
    return found


class Masters(NamedTuple):
    """Two groups of a workspace that hold the same recording, mastered differently; `one` is the lesser name."""

    workspace_id: UUID
    one: str
    other: str


def masters(actor: Actor, workspace_id: UUID | None) -> Select[Any]:
    """Pairs of groups that are masters of one recording, both of which are there."""
    first, second = aliased(ComparedContent), aliased(ComparedContent)
    pair = SameRecording
    one = func.coalesce(first.recording, first.sha256)
    other = func.coalesce(second.recording, second.sha256)
    here = [
        exists().where(Media.workspace_id == pair.workspace_id, Media.sha256 == column, PRESENT)
        for column in (pair.first, pair.second)
    ]
    statement = (
        select(
            pair.workspace_id,
            case((one < other, one), else_=other).label("one"),
            case((one < other, other), else_=one).label("other"),
        )
        .join(first, and_(first.workspace_id == pair.workspace_id, first.sha256 == pair.first))
        .join(second, and_(second.workspace_id == pair.workspace_id, second.sha256 == pair.second))
        .where(visible_to(actor, pair.workspace_id), pair.relation == "master", one != other, *here)
        .distinct()
    )
    return statement if workspace_id is None else statement.where(pair.workspace_id == workspace_id)


def page_of_masters(
    session: Session, pairs: Select[Any], after: tuple[str, str, UUID] | None, limit: int
) -> Sequence[Masters]:
    rows = pairs.subquery().c
    statement = select(rows.workspace_id, rows.one, rows.other)
    if after is not None:
        one, other, workspace_id = after
        last = and_(rows.other == other, rows.workspace_id > workspace_id)
        statement = statement.where(or_(rows.one > one, and_(rows.one == one, or_(rows.other > other, last))))
    found = session.execute(statement.order_by(rows.one, rows.other, rows.workspace_id).limit(limit))
    return [Masters(*row) for row in found]


def refused(actor: Actor, workspace_id: UUID | None) -> Select[Any]:
    """What the last scan of each folder could not take in and is no track either: the ids of its findings."""
    newest = (
        select(
            Scan.id,
            func.row_number().over(partition_by=(Scan.workspace_id, Scan.path), order_by=Scan.id.desc()).label("age"),
        )
        .where(visible_to(actor, Scan.workspace_id))
        .subquery()
    )
    taken = exists().where(Media.workspace_id == Finding.workspace_id, Media.path_digest == Finding.path_digest)
    same = (Finding.workspace_id, Finding.path_digest)
    found = (
        select(Finding.id, func.row_number().over(partition_by=same, order_by=Finding.id.desc()).label("age"))
        .join(newest, and_(newest.c.id == Finding.scan_id, newest.c.age == 1))
        .where(visible_to(actor, Finding.workspace_id), Finding.verdict == "failed", ~taken)
    )
    if workspace_id is not None:
        found = found.where(Finding.workspace_id == workspace_id)
    rows = found.subquery().c
    return select(rows.id).where(rows.age == 1)


def page_of_refused(session: Session, ids: Select[Any], before: UUID | None, limit: int) -> Sequence[Finding]:
    statement = select(Finding).where(Finding.id.in_(ids)).order_by(Finding.id.desc()).limit(limit)
    return session.scalars(statement if before is None else statement.where(Finding.id < before)).all()


def comparison(session: Session, actor: Actor, workspace_id: UUID | None, version: int) -> tuple[int, Any]:
    """How many files with a fingerprint of this version wait to be compared, and when others last were."""
    compared = exists().where(_is_of_media(ComparedContent))
    heard = exists().where(Fingerprint.sha256 == Media.sha256, Fingerprint.version == version)
    waiting = select(func.count()).where(visible_to(actor, Media.workspace_id), PRESENT, heard, ~compared)
    newest = select(func.max(Comparison.compared_at)).where(visible_to(actor, Comparison.workspace_id))
    if workspace_id is not None:
        waiting = waiting.where(Media.workspace_id == workspace_id)
        newest = newest.where(Comparison.workspace_id == workspace_id)
    return session.scalar(waiting) or 0, session.scalar(newest)
