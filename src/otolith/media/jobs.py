"""The handlers of the jobs about stored sound."""

from typing import Any

from otolith.jobs.service import Run, handles
from otolith.media.events import SWEEP, SweepPayload
from otolith.media.sweeping import sweep as sweep_all


@handles(SWEEP, every=3600)
def sweep(run: Run, payload: SweepPayload) -> dict[str, Any]:
    """Remove abandoned uploads, and stored files that nobody needs."""
    del payload
    return sweep_all(run.context, run.check).as_dict()
