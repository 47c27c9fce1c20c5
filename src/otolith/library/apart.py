"""Pages over several workspaces: the first rows of each in the order of an index, as none is in that of several."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, CompoundSelect, Select, select, union_all
from sqlalchemy.orm import InstrumentedAttribute

from otolith.core.actor import Actor

# SQLite takes 500 parts of one statement, and nobody's page should be made of as many.
_MOST: Final = 100


def workspaces_of(actor: Actor) -> Sequence[UUID]:
    """The workspaces whose rows are to be taken apart; none where all are read at once."""
    return () if actor.is_system or len(actor.workspaces) > _MOST else list(actor.workspaces)


def first_ids(
    row_id: InstrumentedAttribute[UUID],
    workspace_id: InstrumentedAttribute[UUID],
    workspaces: Sequence[UUID],
    conditions: Sequence[ColumnElement[bool]],
    order: Sequence[ColumnElement[Any]],
    limit: int,
) -> Select[tuple[UUID]] | CompoundSelect[tuple[UUID]]:
    """The ids of the first rows of each workspace, among which the first of all are."""
    firsts = [
        select(row_id).where(workspace_id == one, *conditions).order_by(*order).limit(limit).subquery()
        for one in workspaces
    ]
    ids = [select(first.c[row_id.key]) for first in firsts]
    return union_all(*ids) if len(ids) > 1 else ids[0]
