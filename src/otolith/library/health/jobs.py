"""The handler of the job that compares recordings with each other."""

from typing import Any

from otolith.jobs.service import Run, handles
from otolith.library.health import comparing
from otolith.library.health.events import DUPLICATES, DuplicatesPayload


@handles(DUPLICATES, every=600)
def duplicates(run: Run, payload: DuplicatesPayload) -> dict[str, Any]:
    """Compare new recordings with all others of their workspace, and note which are the same."""
    return comparing.compare(run, payload.workspace)
