"""The shapes in which the health of a library is told."""

import datetime as dt
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from otolith.library.health import kinds
from otolith.library.health.kinds import Kind, Severity
from otolith.library.schemas import NamedTrack


class HealthKind(BaseModel):
    """How often one kind of finding occurs, and what it means."""

    kind: Kind = Field(description="Ask for its findings at /library/health/{kind}.")
    severity: Severity = Field(description="Whether sound is lost, should be looked at, or is worth knowing.")
    title: str = Field(description="Its name for people.")
    meaning: str = Field(description="What it means.")
    advice: str = Field(description="What to do about it.")
    count: int = Field(description="Findings of this kind.")
    fields: dict[kinds.Field, int] = Field(
        default_factory=dict, description="For missing tags: how many tracks lack each."
    )


class HealthSummary(BaseModel):
    """The health of what the caller may see."""

    tracks: int = Field(description="Tracks in all, missing ones included.")
    waiting: int = Field(description="Tracks whose analysis is yet to come, so that findings may still be added.")
    uncompared: int = Field(description="Files that were not compared with the others yet; see /library/check.")
    compared_at: dt.datetime | None = Field(description="When recordings were last compared with each other.")
    kinds: list[HealthKind] = Field(description="Every kind of finding, the gravest first.")


class HealthTrack(NamedTrack):
    """A track that a finding is about."""

    number: int | None = Field(description="Number on its disc.")
    disc: int | None = Field(description="Number of its disc.")
    name: str = Field(description="The file's name.")
    path: str | None = Field(
        description="Where the file lies, or lay; null for an upload. From the name of the library's folder on, unless "
        "you administer the server."
    )
    size: int = Field(description="Bytes.")
    codec: str | None = Field(description="The codec.")
    bit_rate: int | None = Field(description="Bits a second.")
    lossless: bool | None = Field(description="Whether the codec keeps every sample.")
    duration: float | None = Field(description="Seconds.")
    loudness_lufs: float | None = Field(description="Integrated loudness, once analysed.")
    best: bool = Field(default=False, description="Among several: whether this is the one to keep for its sound.")


class HealthAlbum(BaseModel):
    """The album that a finding is about."""

    id: UUID = Field(description="The album.")
    title: str = Field(description="Its title.")
    artist: str = Field(description="Its artist, as displayed.")


class HealthFinding(BaseModel):
    """One thing that is wrong, the tracks it concerns, and what to do."""

    kind: Kind = Field(description="What kind of finding it is.")
    key: str = Field(description="What it is about, the same as long as it lasts.")
    why: str = Field(description="What is wrong, in a sentence.")
    advice: str = Field(description="What to do about it.")
    tracks: list[HealthTrack] = Field(description="The tracks it concerns.")
    album: HealthAlbum | None = Field(default=None, description="The album it concerns.")
    path: str | None = Field(default=None, description="The file it concerns, where that became no track.")
    details: dict[str, Any] = Field(default_factory=dict, description="The same for programs, by kind.")


class CheckRequest(BaseModel):
    """Whose recordings to compare."""

    workspace: UUID | None = Field(default=None, description="Which library; unset: Home.")


class CheckStarted(BaseModel):
    """A comparison of recordings that was asked for."""

    job_id: UUID = Field(description="Its job.")


class PurgeMissing(BaseModel):
    """Which missing tracks to remove for good."""

    workspace: UUID | None = Field(default=None, description="Whose library; unset: Home.")
    dry_run: bool = Field(default=False, description="Only tell what would go.")
    expected: int | None = Field(
        default=None,
        ge=0,
        description="The number of missing tracks that you were told of: if it is another by now, nothing is removed.",
    )


class PurgedMissing(BaseModel):
    """What was removed, or would be."""

    tracks: int = Field(description="Missing tracks that go.")
    plays: int = Field(description="Plays that go with them, of all people.")
    ratings: int = Field(description="Ratings that go with them.")
    people: int = Field(description="How many people's plays and ratings those are.")
    removed: bool = Field(description="Whether it was done.")
    remaining: int = Field(description="Missing tracks that are left, for another call.")
