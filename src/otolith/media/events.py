"""What happens to media that other slices act on, and the contracts of the jobs about them."""

from dataclasses import dataclass, field
from uuid import UUID

from pydantic import BaseModel

from otolith.jobs.service import Contract


@dataclass(frozen=True, slots=True)
class MediaAdded:
    """An upload was stored; announced inside the transaction that stores its row.

    Who acts on it may leave in `made` what it made, such as `made["track"]` and `made["job"]`, for the answer to
    the sender.
    """

    media_id: UUID
    workspace_id: UUID
    user_id: UUID | None
    made: dict[str, UUID] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MediaSentAgain:
    """An upload turned out to be a media that the workspace has; `made` is as in `MediaAdded`."""

    media_id: UUID
    workspace_id: UUID
    user_id: UUID | None
    made: dict[str, UUID] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MediaDeleted:
    """A media row is about to go; announced inside the transaction that deletes it."""

    media_id: UUID
    workspace_id: UUID
    sha256: str | None


class SweepPayload(BaseModel):
    """Nothing needs to be said: everything is looked at."""


SWEEP = Contract(
    "media.sweep",
    version=1,
    payload=SweepPayload,
    lane="maintenance",
    hard_seconds=3600,
    idempotent="What was removed is not there to be removed again.",
)
