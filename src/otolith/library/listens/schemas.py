"""The shapes in which plays and ratings come and go."""

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

ListenSort = Literal["played", "plays", "rating"]


class Play(BaseModel):
    """A track that was played."""

    model_config = ConfigDict(extra="forbid")

    played_at: AwareDatetime | None = Field(
        default=None, description="When; left out: now. The same moment sent again counts once."
    )


class Rating(BaseModel):
    """What somebody thinks of a track."""

    model_config = ConfigDict(extra="forbid")

    rating: Annotated[int, Field(ge=1, le=5)] | None = Field(description="1 to 5; null takes the rating back.")


class ListeningOut(BaseModel):
    """What the caller makes of a track."""

    track_id: UUID = Field(description="The track.")
    plays: int = Field(description="How often you played it.")
    rating: int | None = Field(description="What you gave it, 1 to 5.")
    played_at: dt.datetime | None = Field(description="When you last played it.")
    rated_at: dt.datetime | None = Field(description="When you rated it.")


class ListenItem(ListeningOut):
    """A track that the caller played or rated."""

    title: str = Field(description="Title.")
    artist: str = Field(description="Artist; empty where unknown.")
    album: str = Field(description="Album; empty where unknown.")
    album_id: UUID | None = Field(description="Its album.")
    cover_key: str | None = Field(description="Names the version of its picture; null where it has none of its own.")
