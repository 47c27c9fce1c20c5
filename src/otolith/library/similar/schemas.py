"""The shapes in which the library answers what sounds alike."""

import datetime as dt
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from otolith.library.schemas import SummedUpTrack
from otolith.library.similar.engine.reasons import ReasonCode

_SCALE = "1 for the same sound, 0 for two by chance; the cubic mean of who plays (0.63) and how it is played (0.37)."


class SoundTrack(SummedUpTrack):
    """A track, as far as a list of what sounds alike shows it."""


class Common(BaseModel):
    """One thing that a track has in common with the one it was found by."""

    code: ReasonCode = Field(description="What: a name for programs.")
    seed: float | str | None = Field(description="The value of the track it was found by.")
    track: float | str | None = Field(description="The value of the track found.")


class Neighbour(BaseModel):
    """A track that sounds like what was asked for."""

    track: SoundTrack = Field(description="The track.")
    similarity: float = Field(description=f"How alike it and the seed sound: {_SCALE}")
    near: UUID = Field(description="The seed that it is nearest to.")
    reasons: list[Common] = Field(description="What the two have in common, the most telling first; may be empty.")


class Neighbours(BaseModel):
    """What sounds like one or several tracks, the nearest first, as far as artists and albums take turns."""

    items: list[Neighbour] = Field(description="The tracks.")
    seeds: int = Field(description="Tracks that were searched by.")
    unheard: list[UUID] = Field(description="Seeds that were left out, because they were not analysed yet.")
    compared: int = Field(description="Tracks that were compared.")


class RadioTrack(BaseModel):
    """A track that a radio plays."""

    track: SoundTrack = Field(description="The track.")
    similarity: float = Field(description="How alike it and what the radio was started with sound, from 0 to 1.")
    reasons: list[Common] = Field(description="What it has in common with the track before it.")


class Step(BaseModel):
    """A track on the way from one to another."""

    track: SoundTrack = Field(description="The track.")
    similarity: float | None = Field(
        description="How alike it and the track before sound, from 0 to 1; null for the first."
    )
    reasons: list[Common] = Field(description="What it has in common with the track before.")


class Way(BaseModel):
    """A way from one track to another, each step to something that sounds like the last."""

    items: list[Step] = Field(description="The tracks, first and last included.")
    roughest: float = Field(description="The smallest similarity of two that follow each other.")


class MapPlace(BaseModel):
    """A track on the map."""

    track: SoundTrack = Field(description="The track.")
    x: float = Field(description="From -1 to 1.")
    y: float = Field(description="From -1 to 1.")
    stands_for: int = Field(description="Tracks of this part of the map that it stands for, itself included.")


class MapPart(BaseModel):
    """A part of the map of a workspace; where there are too many tracks, one stands for those around it."""

    workspace_id: UUID = Field(description="Whose map it is.")
    items: list[MapPlace] = Field(description="The tracks to draw.")
    total: int = Field(description="Tracks that lie in this part.")
    mapped: int = Field(description="Tracks that have a place on the whole map.")
    drawn_at: dt.datetime | None = Field(description="When the map was last drawn; null where there is none yet.")


class MapStarted(BaseModel):
    """A map that is being drawn."""

    job_id: UUID = Field(description="The job that draws it.")


class TextMatch(BaseModel):
    """A track that fits what was said."""

    track: SoundTrack = Field(description="The track.")
    score: float = Field(description="How well it fits: a cosine by meaning, a share of the words otherwise.")
    words: list[str] = Field(description="The words that it fulfils; empty where a model was asked.")


class TextMatches(BaseModel):
    """What fits what a person said of a sound, the best first."""

    items: list[TextMatch] = Field(description="The tracks.")
    method: Literal["meaning", "words"] = Field(description="Whether a language model was asked, or mere words.")
    model: str | None = Field(description="The model that was asked.")
    note: str | None = Field(description="Why no model was asked, as a sentence for people.")
    compared: int = Field(description="Tracks that were compared.")


class DescribingStarted(BaseModel):
    """Tracks that are being described to the model."""

    job_id: UUID = Field(description="The job that describes them.")
