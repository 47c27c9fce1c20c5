"""The contract of the job that writes tags into files."""

from uuid import UUID

from pydantic import BaseModel, Field

from otolith.jobs.service import Contract


class WriteTagsPayload(BaseModel):
    """Changes to write into files, or, with `undo`, to take out of them again."""

    batch_id: UUID = Field(description="The changes that were made together.")
    undo: bool = Field(default=False, description="Whether what was there before is written back.")


WRITE_TAGS = Contract(
    "library.write_tags",
    version=1,
    payload=WriteTagsPayload,
    lane="index",
    hard_seconds=3600,
    idempotent="Each file is replaced in one step, noted before it, so that a file that was written is not again.",
)
