"""The contracts of the jobs about covers."""

from uuid import UUID

from pydantic import BaseModel, Field

from otolith.jobs.service import Contract
from otolith.library.events import PathBytes


class CoversPayload(BaseModel):
    """Tracks whose pictures are looked for, embedded and in their folders, and made into thumbnails."""

    tracks: list[UUID] = Field(default_factory=list, description="The tracks of this chunk.")
    albums: list[UUID] = Field(default_factory=list, description="Albums that tracks have left, to be settled as well.")
    scan_id: UUID | None = Field(default=None, description="The scan that asked, if one did.")


class FoldersPayload(BaseModel):
    """A folder below which the pictures beside known files are compared with what is stored."""

    root: PathBytes = Field(description="The folder, percent-encoded where a byte is no plain character.")
    scan_id: UUID | None = Field(default=None, description="The scan that asked, if one did.")


class TidyCoversPayload(BaseModel):
    """Nothing is asked for: everything is tidied."""


COVERS = Contract(
    "library.covers",
    version=1,
    payload=CoversPayload,
    lane="index",
    hard_seconds=3600,
    idempotent="A picture that is kept is not made again, and a track is given the same one each time.",
)
FOLDERS = Contract(
    "library.folder_covers",
    version=1,
    payload=FoldersPayload,
    lane="index",
    hard_seconds=3600,
    idempotent="A folder whose pictures are as they were is passed over.",
)
TIDY_COVERS = Contract(
    "library.tidy_covers",
    version=1,
    payload=TidyCoversPayload,
    lane="maintenance",
    hard_seconds=3600,
    idempotent="What was removed is not there to be removed again.",
)
