"""The contract of the job that compares recordings with each other."""

from uuid import UUID

from pydantic import BaseModel, Field

from otolith.jobs.service import Contract


class DuplicatesPayload(BaseModel):
    """Whose recordings to compare."""

    workspace: UUID | None = Field(default=None, description="One workspace; unset: every one that has changed.")


DUPLICATES = Contract(
    "library.duplicates",
    version=1,
    payload=DuplicatesPayload,
    lane="maintenance",
    hard_seconds=6 * 3600,
    idempotent="A content that was compared is not compared again, and a pair is stored once.",
)
