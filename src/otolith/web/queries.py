"""The statements that only pages need: the overviews of many waveforms at once, and how much work is under way."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from otolith.core.actor import Actor, visible_to
from otolith.jobs.models import Job
from otolith.media.models import Media, Waveform

# The waveform engine's coarsest level has at most so many points; finer ones are not fetched to draw a page.
OVERVIEW_POINTS = 1000


def overviews(session: Session, actor: Actor, media_ids: Collection[UUID]) -> dict[UUID, tuple[bytes, bytes]]:
    """Peaks and mean levels of these media's overviews, as `otolith.media.models.Waveform` keeps them."""
    rows = session.execute(
        select(Media.id, Waveform.peaks, Waveform.rms)
        .join(Waveform, Waveform.sha256 == Media.sha256)
        .where(
            visible_to(actor, Media.workspace_id),
            Media.id.in_(list(media_ids)),
            Waveform.points <= OVERVIEW_POINTS,
        )
        # The newest version comes last and wins.
        .order_by(Waveform.version, Waveform.samples_per_point)
    )
    return {media_id: (peaks, rms) for media_id, peaks, rms in rows.tuples()}


def unfinished_jobs(session: Session, actor: Actor) -> dict[str, int]:
    """How many jobs of the caller's workspaces are in each unfinished state, not counting parts of larger jobs."""
    rows = session.execute(
        select(Job.state, func.count())
        .where(visible_to(actor, Job.workspace_id), Job.finished_at.is_(None), Job.parent_id.is_(None))
        .group_by(Job.state)
    )
    return dict(rows.tuples().all())
