"""The map of a workspace: where its tracks lie, and a part of it for whoever looks."""

import datetime as dt
import threading
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import numpy as np
from sqlalchemy.orm import Session

from otolith.accounts.workspaces.service import home_of
from otolith.core.actor import Actor
from otolith.core.context import Context
from otolith.core.errors import BadRequest, NotAllowed
from otolith.jobs.service import submit
from otolith.library.similar import queries
from otolith.library.similar.engine.atlas import Atlas, Box, Chosen, empty_atlas
from otolith.library.similar.events import MAP, MapPayload
from otolith.library.similar.schemas import MapPart, MapPlace, MapStarted
from otolith.library.similar.service import WorkspaceNotFound
from otolith.library.similar.showing import shown

MOST_PLACES: Final = 2_000


class BadBox(BadRequest):
    """The part of the map has no inside: its right side must lie right of its left, and its bottom below its top."""


@dataclass(frozen=True, slots=True)
class _Read:
    atlas: Atlas
    drawn_at: dt.datetime | None


class Atlases:
    """The atlases that this process has read; each is replaced when its map was drawn again."""

    def __init__(self) -> None:
        self._read: dict[UUID, _Read] = {}
        self._lock = threading.Lock()

    def get(self, session: Session, workspace_id: UUID) -> _Read:
        """The atlas of a workspace and when it was last drawn; what is new since the last time is read now."""
        latest = queries.drawn_at(session, workspace_id)
        if latest is None:
            return _Read(empty_atlas(), None)
        read = self._read.get(workspace_id, _Read(empty_atlas(), None))
        if read.drawn_at is None or read.drawn_at < latest:
            # Two requests may read the same rows at once, which costs a moment and does no harm.
            ids, points = queries.places_since(session, workspace_id, read.drawn_at)
            read = _Read(read.atlas.merged(ids, points), latest)
            with self._lock:
                self._read[workspace_id] = read
        return read

    def close(self) -> None:
        with self._lock:
            self._read.clear()


def part(
    session: Session, context: Context, actor: Actor, box: Box, *, workspace_id: UUID | None = None, limit: int = 500
) -> MapPart:
    """What lies in a part of the map, or what stands for it where that is more than `limit`."""
    if not (box.left < box.right and box.top < box.bottom):
        raise BadBox
    workspace_id = _workspace(session, actor, workspace_id)
    read = context.resource(Atlases).get(session, workspace_id)
    chosen = read.atlas.chosen(box, limit)
    return MapPart(
        workspace_id=workspace_id,
        items=_places(session, actor, read.atlas, chosen),
        total=chosen.total,
        mapped=len(read.atlas),
        drawn_at=read.drawn_at,
    )


def _workspace(session: Session, actor: Actor, workspace_id: UUID | None) -> UUID:
    """The workspace that is meant: Home, unless another is named or Home is not the caller's."""
    visible = list(queries.versions(session, actor, workspace_id))
    if not visible:
        raise WorkspaceNotFound
    if workspace_id is None and len(visible) > 1:
        home = home_of(session, actor)
        return home if home in visible else visible[0]
    return visible[0]


def _places(session: Session, actor: Actor, atlas: Atlas, chosen: Chosen) -> list[MapPlace]:
    ids = [UUID(bytes=bytes(one).ljust(16, b"\0")) for one in atlas.ids[chosen.places]]
    rows = queries.tracks(session, actor, ids)
    points = np.round(atlas.points[chosen.places].astype(float), 5)
    return [
        MapPlace(track=shown(rows[track_id]), x=x, y=y, stands_for=count)
        for track_id, (x, y), count in zip(ids, points.tolist(), chosen.stands_for.tolist(), strict=True)
        if track_id in rows
    ]


def start_drawing(
    session: Session, actor: Actor, *, workspace_id: UUID | None = None, anew: bool = False
) -> MapStarted:
    """Ask for the map of a workspace to be drawn: with what is new put in, or anew."""
    workspace_id = _workspace(session, actor, workspace_id)
    if not actor.may_edit(workspace_id):
        raise NotAllowed("You may not have this map drawn; ask the workspace's owner for the editor's role.")
    job_id = submit(session, MAP, MapPayload(anew=anew), workspace=workspace_id, user=actor.user_id, priority="high")
    return MapStarted(job_id=job_id)
