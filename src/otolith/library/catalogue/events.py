"""The contract of the job that files tracks again when names have come to mean others."""

from typing import Final

from pydantic import BaseModel, Field

from otolith.jobs.service import Contract


class RefilePayload(BaseModel):
    """Whatever the job's workspace credits to some names is filed again."""

    names: list[str] = Field(description="The names, folded.")


REFILE: Final = Contract(
    "library.refile",
    version=1,
    payload=RefilePayload,
    lane="interactive",
    hard_seconds=3600,
    idempotent="A track that is filed again by the same tags and names stays what it is.",
)
