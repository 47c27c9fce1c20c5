"""The handlers of the jobs that compare recordings."""

from typing import Any

from otolith.jobs.service import Run, handles
from otolith.library.similar import drawing, vectorising
from otolith.library.similar.events import MAP, VECTORISE, MapPayload, VectorisePayload


@handles(MAP, every=900)
def draw_map(run: Run, payload: MapPayload) -> dict[str, Any]:
    """Give every track its place on the map of its workspace."""
    return drawing.draw_map(run, payload)


@handles(VECTORISE, every=600)
def vectorise(run: Run, payload: VectorisePayload) -> dict[str, Any]:
    """Describe tracks to the language model, so that they are found by meaning."""
    return vectorising.vectorise(run, payload)
