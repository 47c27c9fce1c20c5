"""The handler of the job that writes tags."""

from typing import Any

from otolith.jobs.service import Run, handles
from otolith.library.editing.events import WRITE_TAGS, WriteTagsPayload


@handles(WRITE_TAGS)
def write_tags(run: Run, payload: WriteTagsPayload) -> dict[str, Any]:
    """Write changed tags into their files, or what was there before back into them."""
    # It brings in FFmpeg, which only those who run the job need in their memory.
    from otolith.library.editing.writing import write_batch  # noqa: PLC0415

    return write_batch(run, payload)
