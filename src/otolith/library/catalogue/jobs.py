"""The handler of the job that files tracks again when names have come to mean others."""

from typing import Any

from otolith.jobs.service import Run, handles
from otolith.library.catalogue import aliasing
from otolith.library.catalogue.events import REFILE, RefilePayload


@handles(REFILE)
def refile_named(run: Run, payload: RefilePayload) -> dict[str, Any]:
    """File the tracks of some names again, a portion at a time."""
    return aliasing.refile_named(run, payload)
