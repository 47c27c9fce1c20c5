"""What happens to media that other slices act on."""

from dataclasses import dataclass, field
from uuid import UUID


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
