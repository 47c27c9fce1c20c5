"""The contracts of the jobs that compare recordings: the map."""

from pydantic import BaseModel, Field

from otolith.jobs.service import Contract


class MapPayload(BaseModel):
    """The map of the job's workspace is drawn; without a workspace, those of all whose catalogue has changed."""

    anew: bool = Field(default=False, description="Whether the old map is forgotten, rather than new tracks put in.")


MAP = Contract(
    "library.map",
    version=1,
    payload=MapPayload,
    lane="maintenance",
    hard_seconds=4 * 3600,
    idempotent="What has its place keeps it, and each place is stored once.",
)
