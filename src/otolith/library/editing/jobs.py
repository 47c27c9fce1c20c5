"""The handler of the job that writes tags."""

from typing import Any

from otolith.jobs.service import Run, handles
from otolith.library.editing.events import WRITE_TAGS, WriteTagsPayload
from otolith.library.editing.writing import write_batch


@handles(WRITE_TAGS)
def write_tags(run: Run, payload: WriteTagsPayload) -> dict[str, Any]:
    """Write changed tags into their files, or what was there before back into them."""
    return write_batch(run, payload)
