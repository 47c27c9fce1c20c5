"""The contracts of the library's jobs: scan, index and analyse."""

from typing import Annotated
from urllib.parse import quote_from_bytes, unquote_to_bytes
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, Field, PlainSerializer

from otolith.jobs.service import Contract
from otolith.library.models import Outcome


def path_as_text(path: bytes) -> str:
    """A path as text that any database and any JSON can hold, and that gives back the same bytes."""
    return quote_from_bytes(path, safe="/ !'()*+,;=:@&$-._~[]{}#")


def path_from_text(value: object) -> object:
    return unquote_to_bytes(value) if isinstance(value, str) else value


PathBytes = Annotated[
    bytes, BeforeValidator(path_from_text), PlainSerializer(path_as_text, return_type=str, when_used="json")
]


def shown(path: bytes) -> str:
    """A path for people: what is no valid text in it is replaced."""
    return path.decode("utf-8", "replace")


class ScanPayload(BaseModel):
    """A folder to walk and compare with what is stored."""

    scan_id: UUID = Field(description="The scan whose report this fills.")
    path: PathBytes = Field(description="The folder, percent-encoded where a byte is no plain character.")


class FileSeen(BaseModel):
    """A file as the walk saw it."""

    path: PathBytes = Field(description="The file, percent-encoded where a byte is no plain character.")
    size: int = Field(ge=0, description="Its size in bytes.")
    mtime_ns: int = Field(description="When it was last changed, in nanoseconds since 1970.")
    lyrics_ns: int | None = Field(default=None, description="The same of the .lrc file beside it; null: there is none.")


class IndexPayload(BaseModel):
    """Files that are new or changed: their tags are read and their tracks made."""

    scan_id: UUID = Field(description="The scan that found them.")
    root: PathBytes = Field(description="The folder that the scan walks.")
    files: list[FileSeen] = Field(description="The files of this chunk.")


class ToAnalyse(BaseModel):
    """One recording to listen to."""

    media_id: UUID = Field(description="The stored file.")
    counted_as: Outcome = Field(default="none", description="What the scan's report counts it as.")


class AnalysePayload(BaseModel):
    """Recordings to listen to, each decoded once for all engines."""

    media: list[ToAnalyse] = Field(description="The recordings of this chunk.")
    scan_id: UUID | None = Field(default=None, description="The scan that asked, if one did.")
    read_tags: bool = Field(default=False, description="Whether the tags are yet to be read, as those of an upload.")
    again: bool = Field(default=False, description="Whether what older engines heard is heard again.")


class RefreshPayload(BaseModel):
    """Places in a folder of the library where something changed."""

    root: PathBytes = Field(
        description="The folder of the library, percent-encoded where a byte is no plain character."
    )
    root_id: UUID | None = Field(default=None, description="Its id; once it left the library, nothing is stored.")
    paths: list[PathBytes] = Field(description="Files and folders in it that came, went, or changed; or it itself.")


class RoundsPayload(BaseModel):
    """Nothing is asked for: every folder whose time has come is scanned."""


class RenewPayload(BaseModel):
    """Nothing is asked for: whatever older engines heard is heard again, a bounded part of it at a time."""


class TidyPayload(BaseModel):
    """Nothing is asked for: everything is tidied."""


SCAN = Contract(
    "library.scan",
    version=1,
    payload=ScanPayload,
    lane="index",
    idempotent="It goes on behind its checkpoint, and a file that is stored as it is counts as unchanged.",
)
INDEX = Contract(
    "library.index",
    version=1,
    payload=IndexPayload,
    lane="index",
    hard_seconds=3600,
    seed_names=("index_file",),
    idempotent="A chunk is stored in one step, and a file is known by its workspace and path.",
)
ANALYSE = Contract(
    "library.analyse",
    version=1,
    payload=AnalysePayload,
    lane="audio",
    seed_names=("analyze_audio",),
    idempotent="Each recording is stored in a step of its own, and a known content is not analysed again.",
)
REFRESH = Contract(
    "library.refresh",
    version=1,
    payload=RefreshPayload,
    # Somebody has just saved a file and looks for it, and few files are as quickly read as one.
    lane="interactive",
    hard_seconds=3600,
    idempotent="A file that is stored as it is counts as unchanged.",
)
ROUNDS = Contract(
    "library.rounds",
    version=1,
    payload=RoundsPayload,
    lane="maintenance",
    idempotent="A folder that is being scanned, or was lately, is passed over.",
)
RENEW = Contract(
    "library.renew",
    version=1,
    payload=RenewPayload,
    lane="maintenance",
    hard_seconds=3600,
    idempotent="It does nothing while an earlier one is at work, and asks only for what older engines heard.",
)
TIDY = Contract(
    "library.tidy",
    version=1,
    payload=TidyPayload,
    lane="maintenance",
    hard_seconds=3600,
    idempotent="What was removed is not there to be removed again.",
)
