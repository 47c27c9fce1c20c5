"""What the API says about media."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Literal, Self
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, Field

from otolith.core.errors import Problem, problem_of
from otolith.media.intake import Received
from otolith.media.models import Media
from otolith.media.waveforms import Picture


class MediaOut(BaseModel):
    """One sound file: what it is called, what it is, and since when it is here."""

    id: UUID = Field(description="Identifier of the media.")
    workspace_id: UUID = Field(description="The workspace it belongs to.")
    name: str = Field(description="Its file name, for display.")
    origin: Literal["upload", "library"] = Field(
        description="`upload`: stored by Otolith; `library`: a file that stays where it is."
    )
    missing: bool = Field(description="Whether a library file was gone when it was last looked for.")
    sha256: str | None = Field(description="SHA-256 of the file; null until a library file was read whole.")
    size: int = Field(description="Size in bytes.")
    container: str | None = Field(description="Container format, such as `FLAC`; null until it was looked at.")
    codec: str | None = Field(description="Codec of the sound.")
    mime: str | None = Field(description="Media type.")
    sample_rate: int | None = Field(description="Samples a second.")
    channels: int | None = Field(description="Number of channels.")
    bits: int | None = Field(description="Bits a sample, where the codec is lossless.")
    bit_rate: int | None = Field(description="Bits a second.")
    lossless: bool | None = Field(description="Whether the codec loses nothing.")
    duration: float | None = Field(description="Seconds; as the headers state it until it was analysed.")
    added_at: dt.datetime = Field(description="When it was added.")
    added_by: UUID | None = Field(description="The user who added it; null for the system.")

    @classmethod
    def of(cls, media: Media) -> Self:
        names = set(cls.model_fields) - {"origin"}
        values: dict[str, Any] = {name: getattr(media, name) for name in names}
        return cls(origin="upload" if media.path is None else "library", **values)


class UploadedFile(BaseModel):
    """What became of one file of an upload."""

    name: str = Field(description="The name it was sent under, cleaned for display.")
    outcome: Literal["stored", "known", "refused"] = Field(
        description="`stored`: new; `known`: the workspace already had this very content; `refused`: see `problem`."
    )
    media: MediaOut | None = Field(description="The media; null where the file was refused.")
    track_id: UUID | None = Field(default=None, description="The track that was made of it, where one was.")
    job_id: UUID | None = Field(default=None, description="The job that analyses it, where there is one.")
    problem: Problem | None = Field(default=None, description="Why the file was refused.")

    @classmethod
    def of(cls, request: Request, received: Received) -> Self:
        made: Mapping[str, UUID] = received.made
        error = received.refused
        if received.media is None or error is not None:
            told = None if error is None else problem_of(request, error.status, error.kind(), error.detail)
            problem = None if told is None else Problem.model_validate(told)
            return cls(name=received.name, outcome="refused", media=None, problem=problem)
        return cls(
            name=received.name,
            outcome="stored" if received.created else "known",
            media=MediaOut.of(received.media),
            track_id=made.get("track"),
            job_id=made.get("job"),
        )


class UploadAnswer(BaseModel):
    """What became of the files of one request, in the order they were sent."""

    items: list[UploadedFile] = Field(description="One answer a file.")


class WaveformOut(BaseModel):
    """The picture of a recording, for drawing: full scale is 128."""

    version: int = Field(description="Version of the engine that made it.")
    duration: float = Field(description="Seconds that the picture covers.")
    points: int = Field(description="Number of points; fewer than asked for where the recording has no more.")
    low: list[int] = Field(description="The lowest sample of each point, -128 to 127.")
    high: list[int] = Field(description="The highest sample of each point, -128 to 127.")
    rms: list[int] = Field(description="The mean (RMS) level of each point, 0 to 128.")

    @classmethod
    def of(cls, picture: Picture) -> Self:
        return cls(
            version=picture.version,
            duration=picture.duration,
            points=len(picture.low),
            low=picture.low.tolist(),
            high=picture.high.tolist(),
            rms=picture.rms.tolist(),
        )
