"""What happens to media that other slices act on."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class MediaAdded:
    """An upload was stored; announced inside the transaction that stores its row."""

    media_id: UUID
    workspace_id: UUID
    user_id: UUID | None


@dataclass(frozen=True, slots=True)
class MediaDeleted:
    """A media row is about to go; announced inside the transaction that deletes it."""

    media_id: UUID
    workspace_id: UUID
    sha256: str | None
