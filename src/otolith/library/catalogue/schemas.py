"""The shapes in which the catalogue answers."""

import datetime as dt
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from otolith.library.catalogue.links import Role
from otolith.library.catalogue.models import TermKind
from otolith.library.schemas import TrackItem

ArtistSort = Literal["name", "added", "tracks"]
AlbumSort = Literal["artist", "title", "added", "year"]
GenreSort = Literal["name", "tracks"]
Part = Literal["own", "appears"]


class ArtistRef(BaseModel):
    """Somebody who is named."""

    id: UUID = Field(description="The artist.")
    name: str = Field(description="The name as the files write it here.")


class ArtistItem(BaseModel):
    """An artist in a list."""

    id: UUID = Field(description="The artist.")
    workspace_id: UUID = Field(description="Whose library it is.")
    name: str = Field(description="The name as most files write it.")
    sort_name: str = Field(description="What the files say it is sorted by; empty where they do not.")
    mbid: str | None = Field(description="The MusicBrainz identifier, where the files know it.")
    tracks: int = Field(description="Tracks with a part of this artist; 0 where all their files are missing.")
    albums: int = Field(description="Albums that are this artist's own.")
    image_key: str | None = Field(description="Names the picture at /artists/{id}/image; null without one.")
    added_at: dt.datetime = Field(description="When the first of the tracks joined the library.")


class RoleCount(BaseModel):
    """How many tracks somebody has one part in."""

    role: Role = Field(description="The part.")
    tracks: int = Field(description="Tracks, those with missing files included.")


class AliasItem(BaseModel):
    """Another name of an artist."""

    id: UUID = Field(description="The alias.")
    name: str = Field(description="The other name.")


class ArtistDetail(ArtistItem):
    """One artist with all that is known."""

    roles: list[RoleCount] = Field(description="The parts taken, the most frequent first.")
    aliases: list[AliasItem] = Field(description="Other names that people have given.")


class Refiling(BaseModel):
    """That so many tracks change hands that a job sees to it."""

    job_id: UUID | None = Field(
        default=None, description="The job that files their tracks again, where they are many; follow it at /jobs."
    )


class AliasGiven(AliasItem, Refiling):
    """Another name that an artist was given."""


class ArtistMerged(ArtistDetail, Refiling):
    """The artist who stays of two that are one."""


class AliasWanted(BaseModel):
    """Another name for an artist."""

    name: str = Field(min_length=1, max_length=500, description="What is credited so goes to the artist from now on.")


class MergeWanted(BaseModel):
    """The artist that another one is."""

    into: UUID = Field(description="The artist who stays.")


class AlbumItem(BaseModel):
    """An album in a list."""

    id: UUID = Field(description="The album.")
    workspace_id: UUID = Field(description="Whose library it is.")
    title: str = Field(description="The title as most files write it.")
    artist: str = Field(description="Whose album it is, as displayed.")
    artists: list[ArtistRef] = Field(description="Whose album it is.")
    year: int | None = Field(description="The year of this release.")
    date: str = Field(description="The date of this release, as precise as the files tell.")
    original_date: str = Field(description="The date of the first release; empty where unknown.")
    edition: str = Field(description="What tells this edition from others, such as Deluxe; mostly empty.")
    compilation: bool = Field(description="Whether it gathers tracks of various artists.")
    discs: int = Field(description="Number of discs.")
    tracks: int = Field(description="Number of tracks; 0 where all files are missing.")
    duration: float = Field(description="Seconds.")
    cover_key: str | None = Field(description="Names the picture at /albums/{id}/cover; null without one.")
    added_at: dt.datetime = Field(description="When the first of its tracks joined the library.")


class AlbumTrack(TrackItem):
    """A track in its place on an album."""

    disc_number: int | None = Field(description="Number of its disc.")
    track_number: int | None = Field(description="Number on its disc.")


class Disc(BaseModel):
    """One disc of an album."""

    number: int = Field(description="Its number; 1 where the files tell none.")
    tracks: list[AlbumTrack] = Field(description="Its tracks by number, then by title.")


class GenreItem(BaseModel):
    """A genre or a mood."""

    id: UUID = Field(description="The genre or mood.")
    workspace_id: UUID = Field(description="Whose library it is.")
    kind: TermKind = Field(description="genre or mood.")
    name: str = Field(description="The name as most files write it.")
    tracks: int = Field(description="Tracks of it; 0 where all their files are missing.")


class AlbumDetail(AlbumItem):
    """One album with its tracks by disc."""

    release_mbid: str | None = Field(description="MusicBrainz' identifier of the release.")
    release_group_mbid: str | None = Field(description="MusicBrainz' identifier of all releases of this album.")
    genres: list[str] = Field(description="Genres of its tracks, the most frequent first.")
    by_disc: list[Disc] = Field(description="Its discs with at most 1,000 tracks in all.")
    more: str | None = Field(description="Cursor for /albums/{id}/tracks, where it has more tracks than that.")


class LyricsLine(BaseModel):
    """A line of lyrics."""

    start: float | None = Field(description="Seconds from the beginning; null where the lyrics tell no times.")
    text: str = Field(description="The words; empty for a pause.")


class TrackLyrics(BaseModel):
    """The words of a track."""

    source: Literal["embedded", "file"] = Field(description="From the sound file, or from the .lrc file beside it.")
    synced: bool = Field(description="Whether lines have times.")
    lines: list[LyricsLine] = Field(description="The lines in their order.")
    text: str = Field(description="The lyrics as they were found.")
