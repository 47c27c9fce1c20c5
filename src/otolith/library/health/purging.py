"""Removing missing tracks for good, which only people decide on, told beforehand what goes with them."""

from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from otolith.accounts.audit.service import record
from otolith.core.actor import Actor
from otolith.core.errors import Conflict, NotAllowed
from otolith.library.catalogue.filing import remove_tracks
from otolith.library.catalogue.versions import next_version
from otolith.library.health import queries_purging as queries
from otolith.library.health.schemas import PurgedMissing

log = structlog.get_logger(__name__)

AT_ONCE: Final = 2000
"""How many tracks one call removes, so that nobody else waits long for the catalogue; another call goes on."""


class OthersMissing(Conflict):
    """Other tracks are missing by now than those that you were told of; look again before you remove any."""


def missing(session: Session, actor: Actor, workspace_id: UUID) -> PurgedMissing:
    """What removing the missing tracks of a workspace would take away, without doing it."""
    _may_purge(actor, workspace_id)
    total = queries.count_missing(session, workspace_id)
    losses = queries.losses(session, workspace_id, None)
    return PurgedMissing(tracks=total, **losses, removed=False, remaining=total)


def purge_missing(session: Session, actor: Actor, workspace_id: UUID, expected: int | None) -> PurgedMissing:
    """Remove missing tracks for good, with all that is known of them; the files themselves are gone already."""
    _may_purge(actor, workspace_id)
    # Taken before the tracks are counted, so that no scan finds one again in between.
    next_version(session, workspace_id)
    total = queries.count_missing(session, workspace_id)
    if expected is not None and expected != total:
        detail = f"{total} tracks are missing by now, and not {expected}; look again before you remove any."
        raise OthersMissing(detail)
    found = queries.missing_tracks(session, workspace_id, AT_ONCE)
    track_ids = [track_id for track_id, _ in found]
    losses = queries.losses(session, workspace_id, track_ids)
    if found:
        remove_tracks(session, workspace_id, track_ids)
        queries.delete_media(session, [media_id for _, media_id in found])
        told = {"tracks": len(found), **losses}
        record(session, actor, "tracks.purge", on=("workspace", workspace_id), workspace_id=workspace_id, after=told)
        log.info("library.missing.purged", workspace_id=str(workspace_id), tracks=len(found))
    return PurgedMissing(tracks=len(found), **losses, removed=True, remaining=total - len(found))


def _may_purge(actor: Actor, workspace_id: UUID) -> None:
    if not actor.may_edit(workspace_id):
        raise NotAllowed("You may not remove tracks from this workspace; ask its owner for the editor's role.")
