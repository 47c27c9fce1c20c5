"""The handler of the job that keeps the snapshots of large libraries."""

from typing import Any

from otolith.jobs.service import Run, handles
from otolith.library.search import snapshots
from otolith.library.search.events import SNAPSHOT, SnapshotPayload


@handles(SNAPSHOT, every=300)
def keep_snapshots(run: Run, payload: SnapshotPayload) -> dict[str, Any]:
    """Read every library that has outgrown its snapshot, so that no search has to."""
    del payload
    return snapshots.renew(run)
