"""The names of what is granted to people: parts of the house that cost money, effort or trust."""

from typing import Literal, get_args

Feature = Literal[
    "identify", "identify_batch", "rename", "audd", "musicbrainz", "transcribe", "enrich", "library", "insights"
]
FEATURES: tuple[Feature, ...] = get_args(Feature)
