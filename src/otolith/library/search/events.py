"""The contract of the job that keeps the snapshots of large libraries."""

from typing import Final

from pydantic import BaseModel

from otolith.jobs.service import Contract


class SnapshotPayload(BaseModel):
    """Nothing is asked for: every library that has outgrown its snapshot gets a new one."""


SNAPSHOT: Final = Contract(
    "library.snapshot",
    version=1,
    payload=SnapshotPayload,
    lane="maintenance",
    hard_seconds=3600,
    idempotent="A snapshot that is new enough is left as it is.",
)
