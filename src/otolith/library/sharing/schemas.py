"""What the routes of shared recordings take and give."""

import datetime as dt
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from otolith.core.moments import Moment
from otolith.core.texts import plain

Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), AfterValidator(plain)]


class ShareIn(BaseModel):
    """A link to be made."""

    note: Note = Field(default="", description="For whom it is, to tell it from others.")
    expires_at: Moment | None = Field(default=None, description="When it stops working; null: when it is ended.")


class ShareOut(BaseModel):
    """A link to one recording, without its secret."""

    id: UUID = Field(description="Its id.")
    workspace_id: UUID = Field(description="The workspace that the recording belongs to.")
    track_id: UUID = Field(description="The recording that it shows.")
    title: str | None = Field(description="The recording's title; null: it is gone, and the link shows nothing.")
    note: str = Field(description="For whom it is.")
    username: str = Field(description="Who made it.")
    created_at: dt.datetime = Field(description="When it was made.")
    expires_at: dt.datetime | None = Field(description="When it stops working; null: when it is ended.")
    used_at: dt.datetime | None = Field(description="When it was last opened, to the minute; null: never.")
    revoked_at: dt.datetime | None = Field(description="When it was ended; null: it works.")


class NewShareOut(ShareOut):
    """A new link, shown this once."""

    url: str = Field(description="The address to hand on. It is not kept: copy it now.")


class SharedTrack(BaseModel):
    """A recording as its link shows it."""

    title: str = Field(description="The title.")
    artist: str = Field(description="The artist, as the file names them.")
    album: str = Field(description="The album, as the file names it.")
    duration: float | None = Field(description="Seconds.")
    expires_at: dt.datetime | None = Field(description="When the link stops working; null: when it is ended.")
