"""Pages of findings that are about several files at once: exact copies, same recordings, masters."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select
from sqlalchemy.orm import Session

from otolith.core.actor import Actor
from otolith.core.paging import Page, cut
from otolith.library.health import queries_groups as queries
from otolith.library.health import telling
from otolith.library.health.cursors import id_of, number_of, position
from otolith.library.health.kinds import Kind
from otolith.library.health.queries import Seen, whose
from otolith.library.health.schemas import HealthFinding

Tracks = dict[tuple[UUID, str], list[Seen]]


def exact_copies(
    session: Session, actor: Actor, workspace_id: UUID | None, cursor: str | None, limit: int
) -> Page[HealthFinding]:
    """Files that are the same, those that take the most room first."""
    mine = whose(actor, workspace_id)
    page, following = _groups(session, queries.exact_copies(mine), "copies", cursor, limit)
    tracks = queries.tracks_of_contents(session, mine, {group.name for group in page})
    return _told("copies", page, tracks, following)


def same_recordings(
    session: Session, actor: Actor, workspace_id: UUID | None, cursor: str | None, limit: int
) -> Page[HealthFinding]:
    """Files that hold the same recording, those that take the most room first."""
    mine = whose(actor, workspace_id)
    page, following = _groups(session, queries.same_recordings(mine), "duplicates", cursor, limit)
    tracks = queries.tracks_of_recordings(session, mine, {group.name for group in page})
    return _told("duplicates", page, tracks, following)


def masters(
    session: Session, actor: Actor, workspace_id: UUID | None, cursor: str | None, limit: int
) -> Page[HealthFinding]:
    """Files that hold the same recording, mastered differently."""
    after = None
    if cursor is not None:
        one, other, of = position(cursor, "masters", 3)
        after = (str(one), str(other), id_of(of))
    rows = queries.page_of_masters(session, queries.masters(actor, workspace_id), after, limit + 1)
    page, following = cut(rows, limit, lambda row: ("masters", row.one, row.other, str(row.workspace_id)))
    names = {name for row in page for name in (row.one, row.other)}
    tracks = queries.tracks_of_recordings(session, whose(actor, workspace_id), names)
    items = [
        telling.about_masters(
            f"{row.workspace_id}:{row.one}:{row.other}",
            tracks.get((row.workspace_id, row.one), []),
            tracks.get((row.workspace_id, row.other), []),
        )
        for row in page
    ]
    return Page[HealthFinding](items=items, next=following, total=None)


def _groups(
    session: Session, groups: Select[Any], kind: Kind, cursor: str | None, limit: int
) -> tuple[Sequence[queries.Group], str | None]:
    after = None
    if cursor is not None:
        waste, name, of = position(cursor, kind, 3)
        after = (number_of(waste), str(name), id_of(of))
    rows = queries.page_of_groups(session, groups, after, limit + 1)
    return cut(rows, limit, lambda row: (kind, row.waste, row.name, str(row.workspace_id)))


def _told(kind: Kind, page: Sequence[queries.Group], tracks: Tracks, following: str | None) -> Page[HealthFinding]:
    items = [
        telling.about_group(
            kind, f"{group.workspace_id}:{group.name}", tracks.get((group.workspace_id, group.name), []), group.waste
        )
        for group in page
    ]
    return Page[HealthFinding](items=items, next=following, total=None)
