"""The shapes in which changes of tags come and go."""

import datetime as dt
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from otolith.library.editing.fields import LONGEST, LONGEST_TEXT, asked
from otolith.library.editing.models import EditState

MOST_TRACKS = 1000
Texts = dict[str, list[str]]
Short = Annotated[str, Field(max_length=LONGEST)]
Names = Annotated[list[Short], Field(max_length=64)]
Number = Annotated[int, Field(ge=1, le=999_999)]


class TagChanges(BaseModel):
    """New values of fields; null or an empty value removes a field, and fields that are left out stay."""

    model_config = ConfigDict(extra="forbid")

    title: Short | None = Field(default=None, description="Title.")
    artist: Names | None = Field(default=None, description="Who plays it, one name or several.")
    album: Short | None = Field(default=None, description="Album.")
    album_artist: Names | None = Field(default=None, description="Whose album it is, one name or several.")
    track: Number | None = Field(default=None, description="Number on its disc.")
    track_total: Number | None = Field(default=None, description="How many there are on the disc.")
    disc: Number | None = Field(default=None, description="Number of its disc.")
    disc_total: Number | None = Field(default=None, description="How many discs there are.")
    date: Annotated[str, Field(max_length=10)] | None = Field(default=None, description="1999, 1999-12 or 1999-12-31.")
    genres: Names | None = Field(default=None, description="Genres.")
    composers: Names | None = Field(default=None, description="Composers.")
    compilation: bool | None = Field(default=None, description="Whether the album is by several artists.")
    comment: Annotated[str, Field(max_length=LONGEST_TEXT)] | None = Field(default=None, description="Comment.")
    lyrics: Annotated[str, Field(max_length=LONGEST_TEXT)] | None = Field(
        default=None, description="Lyrics, with or without LRC times."
    )
    title_sort: Short | None = Field(default=None, description="What the title is sorted by.")
    artist_sort: Short | None = Field(default=None, description="What the artist is sorted by.")
    album_sort: Short | None = Field(default=None, description="What the album is sorted by.")
    album_artist_sort: Short | None = Field(default=None, description="What the album artist is sorted by.")

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        self.texts()
        return self

    def texts(self) -> Texts:
        """The fields that were given, as tags hold them."""
        given: dict[str, Any] = {name: getattr(self, name) for name in self.model_fields_set}
        return {name: asked(name, value) for name, value in given.items()}


class EditRequest(BaseModel):
    """Changes for tracks of one workspace: the same for all of them, and more for single ones."""

    model_config = ConfigDict(extra="forbid")

    tracks: list[UUID] = Field(min_length=1, max_length=MOST_TRACKS, description="The tracks.")
    changes: TagChanges = Field(default_factory=TagChanges, description="What changes in all of them.")
    each: dict[UUID, TagChanges] = Field(
        default_factory=dict, description="What changes in single ones of them, over `changes`."
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if set(self.each) - set(self.tracks):
            raise ValueError("`each` names tracks that are not among `tracks`.")
        if not self.changes.model_fields_set and not any(one.model_fields_set for one in self.each.values()):
            raise ValueError("Nothing is to be changed; name at least one field.")
        return self

    def texts_of(self, track_id: UUID) -> Texts:
        of_it = self.each.get(track_id)
        return self.changes.texts() | (of_it.texts() if of_it is not None else {})


class TrackChange(BaseModel):
    """What changes in one track."""

    track_id: UUID = Field(description="The track.")
    title: str = Field(description="Its title now.")
    before: Texts = Field(description="Fields that change, as they are; an empty list where there is nothing.")
    after: Texts = Field(description="The same fields, as they will be.")
    unwritable: str | None = Field(description="Why this could not be written into the file; null where it could.")


class EditPreview(BaseModel):
    """What a request would change. Fields that go with a changed one, such as sort names, are told as well."""

    changed: int = Field(description="How many tracks would change.")
    unchanged: int = Field(description="How many would stay as they are.")
    tracks: list[TrackChange] = Field(description="Those that would change.")


class EditMade(BaseModel):
    """Changes that are kept in the library now."""

    batch_id: UUID | None = Field(description="Write or undo them by this id; null where nothing was to change.")
    changed: int = Field(description="How many tracks changed.")


class EditBatch(BaseModel):
    """Changes that were made together."""

    batch_id: UUID = Field(description="Write or undo them by this id.")
    workspace_id: UUID = Field(description="Whose they are.")
    user_id: UUID | None = Field(description="Who made them.")
    made_at: dt.datetime = Field(description="When.")
    tracks: int = Field(description="How many tracks they are about.")
    states: dict[EditState, int] = Field(description="How many of them are in which state.")


class EditItem(BaseModel):
    """The change of one track."""

    id: UUID = Field(description="The change.")
    track_id: UUID = Field(description="The track.")
    title: str = Field(description="Its title now.")
    before: Texts = Field(description="What was there; an empty list where there was nothing.")
    after: Texts = Field(description="What was put there.")
    state: EditState = Field(
        description="kept: in the library alone; writing; written: in the file as well; failed: not written, and why; "
        "undone."
    )
    error: str | None = Field(description="Why it could not be written or taken back.")
    settled_at: dt.datetime | None = Field(description="When it was written or undone.")


class EditJob(BaseModel):
    """What writing or undoing began."""

    batch_id: UUID = Field(description="The changes.")
    settled: int = Field(description="How many tracks are done with at once, in the library alone.")
    job_id: UUID | None = Field(description="The job that sees to the files; null where there are none.")
