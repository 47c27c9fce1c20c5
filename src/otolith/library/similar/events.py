"""The contracts of the jobs that compare recordings: the map, and the descriptions for search by meaning."""

from uuid import UUID

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


class VectorisePayload(BaseModel):
    """The tracks of the job's workspace are described to the model that the settings name, for search by meaning."""

    tracks: list[UUID] | None = Field(default=None, description="Only these; unset: all that are new or have changed.")
    anew: bool = Field(default=False, description="Whether all that the model ever gave is forgotten first.")


VECTORISE = Contract(
    "library.vectorise",
    version=1,
    payload=VectorisePayload,
    lane="language",
    hard_seconds=24 * 3600,
    seed_names=("vectorize_track",),
    idempotent="A text that the model was asked about is not sent again.",
)
