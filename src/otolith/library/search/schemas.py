"""What searches take and answer."""

import datetime as dt
from typing import Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, create_model

from otolith.core.paging import DEFAULT_LIMIT, LARGEST_LIMIT, Page
from otolith.library.models import TrackState
from otolith.library.schemas import SummedUpTrack
from otolith.library.search.filters import FILTERS
from otolith.library.search.language import Prefix

TEXT_LIMIT = 1000
FacetName = Literal["genre", "decade", "year", "key", "bpm", "format", "artist", "album"]
SORTS: Final = (
    *("relevance", "title", "artist", "album", "genre", "composer", "year", "added", "duration", "bpm", "key"),
    *("loudness", "energy", "voice", "onsets", "brightness", "dynamics", "bitrate", "rate", "size", "format"),
    *("track", "rating", "plays", "played"),
)
"""What can be sorted by, a minus before it for the other direction."""


class Words(BaseModel):
    """The text of a search."""

    model_config = ConfigDict(extra="forbid")

    q: str = Field(default="", max_length=TEXT_LIMIT, description="Words and filters; see the guide to searching.")
    prefix: Prefix = Field(
        default="last", description="Which words may go on: the last one (as while typing), every one, or none."
    )
    workspace: UUID | None = Field(default=None, description="Only this workspace's.")


def _described(name: str) -> str:
    known = FILTERS[name]
    examples = ", ".join(example.partition(":")[2] for example in known.examples if not example.startswith("-"))
    text = known.takes[0].upper() + known.takes[1:]
    return f"{text}, such as {examples}." if examples else f"{text}."


_FIELDS: Final[dict[str, Any]] = {
    name: (str | None, Field(default=None, max_length=200, description=_described(name))) for name in FILTERS
}
Filtered = create_model("Filtered", __base__=Words, __doc__="The text of a search, and filters beside it.", **_FIELDS)


class SearchAsked(Filtered):
    """A search for a page of tracks."""

    sort: str = Field(
        default="",
        max_length=20,
        description=f"{', '.join(SORTS)}; "
        "with a minus before it the other way round. By default relevance where there are words, else -added.",
    )
    cursor: str | None = Field(
        default=None, max_length=2000, description="`next` of the page before; leave it out for the first page."
    )
    limit: int = Field(default=DEFAULT_LIMIT, ge=1, le=LARGEST_LIMIT, description="The most items on one page.")


class FacetsAsked(Filtered):
    """A search whose result is to be counted."""

    facets: str = Field(
        default="",
        max_length=100,
        description="Some of genre, decade, year, key, bpm, format, artist and album, with commas; all unless said.",
    )
    values: int = Field(default=20, ge=1, le=200, description="The most values of one facet.")


class SuggestAsked(Words):
    """A search while it is typed."""

    limit: int = Field(default=5, ge=1, le=20, description="The most items of each kind.")


class FoundTrack(SummedUpTrack):
    """A track that was found."""

    album_artist: str = Field(description="Album artist; empty where unknown.")
    track_number: int | None = Field(description="Number on its disc.")
    disc_number: int | None = Field(description="Number of its disc.")
    format: str | None = Field(description="The codec of its file.")
    state: TrackState = Field(description="Whether it was analysed.")
    missing: bool = Field(description="Whether the file was gone at the last scan.")
    added_at: dt.datetime = Field(description="When it joined the library.")
    key: str | None = Field(description="The tonic, such as C#.")
    mode: Literal["major", "minor"] | None = Field(description="major or minor.")
    loudness_lufs: float | None = Field(description="Integrated loudness (EBU R 128).")
    plays: int = Field(description="How often you played it.")
    rating: int | None = Field(description="Your rating, 1 to 5.")
    played_at: dt.datetime | None = Field(description="When you last played it.")


class SearchPage(Page[FoundTrack]):
    """One page of what a search found."""

    similar: bool = Field(
        description="Whether words that are only similar count too, because those asked for were hardly found."
    )
    sort: str = Field(description="What the page is sorted by.")


class FacetValue(BaseModel):
    """What some of the tracks found have in common."""

    value: str = Field(description="The value as people write it.")
    count: int = Field(description="How many of the tracks found have it.")
    filter: str = Field(description="What to add to the search to get these tracks.")
    id: UUID | None = Field(default=None, description="The artist or album, where the value is one.")


class Facet(BaseModel):
    """One way to divide the tracks found."""

    name: FacetName = Field(description="What the values are.")
    values: list[FacetValue] = Field(description="The values: names by how many have them, numbers in their order.")
    distinct: int = Field(description="How many values there are, of which the list may hold some.")


class Facets(BaseModel):
    """What a search found, counted."""

    total: int = Field(description="How many tracks were found.")
    similar: bool = Field(description="Whether words that are only similar count too.")
    facets: list[Facet] = Field(description="The facets that were asked for.")


class FoundAlbum(BaseModel):
    """An album that was found by its title or its artist."""

    id: UUID = Field(description="The album.")
    workspace_id: UUID = Field(description="Whose it is.")
    title: str = Field(description="Title.")
    artist: str = Field(description="Artist as displayed.")
    year: int | None = Field(description="Year.")
    tracks: int = Field(description="How many tracks it has.")
    cover_key: str | None = Field(description="Names its picture.")


class FoundArtist(BaseModel):
    """An artist who was found by name."""

    id: UUID = Field(description="The artist.")
    workspace_id: UUID = Field(description="Whose it is.")
    name: str = Field(description="Name.")
    tracks: int = Field(description="How many tracks.")
    albums: int = Field(description="How many albums.")


class Suggestions(BaseModel):
    """What fits a search that is being typed, in sections."""

    artists: list[FoundArtist] = Field(description="Artists whose name fits.")
    albums: list[FoundAlbum] = Field(description="Albums whose title fits, or title and artist together.")
    tracks: list[FoundTrack] = Field(description="Tracks that fit.")
    total: int = Field(description="How many tracks fit.")
    similar: bool = Field(description="Whether words that are only similar count too.")
