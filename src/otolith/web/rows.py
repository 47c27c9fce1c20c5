"""Recordings as rows of a list: what the page shows of each, and what the player needs of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from otolith.core.actor import Actor
from otolith.library.schemas import TrackFeatures, TrackItem
from otolith.web import queries
from otolith.web.rendering import API, Tongue
from otolith.web.shapes import sketch_of

LIST_BINS = 72


@dataclass(frozen=True, slots=True)
class Sound:
    """What the player needs of a recording: where its bytes are, and where they are in a form every browser plays."""

    stream: str
    fallback: str


def sound_of(media_id: UUID, *, missing: bool) -> Sound:
    if missing:
        return Sound("", "")
    stream = f"{API}/media/{media_id}/stream"
    return Sound(stream, f"{stream}?format=mp3")


def row_of(track: TrackItem, tongue: Tongue, levels: Mapping[UUID, tuple[bytes, bytes]]) -> dict[str, Any]:
    """A recording as its row in the list shows it."""
    features = track.features
    sound = sound_of(track.media_id, missing=track.missing)
    return {
        "id": track.id,
        "title": track.title,
        "artist": track.artist,
        "album": track.album,
        # Why it is here, where a list has a reason for each.
        "why": "",
        "duration": track.duration,
        "state": track.state,
        "tempo": features and features.tempo,
        "key": features and features.key,
        "mode": features and features.mode,
        "loudness": features and features.loudness_lufs,
        "facts": facts_of(features, tongue) if features else [],
        "wave": sketch_of(levels[track.media_id][0], LIST_BINS) if track.media_id in levels else None,
        "stream": sound.stream,
        "fallback": sound.fallback,
    }


def facts_of(features: TrackFeatures, tongue: Tongue) -> list[str]:
    """The features in few words, for narrow screens."""
    decimal = tongue.formats.decimal
    found = []
    if features.tempo is not None:
        found.append(f"{decimal(features.tempo, 0)} BPM")
    if features.key is not None and features.mode is not None:
        found.append(tongue.words.key_and_mode(features.key, features.mode))
    if features.loudness_lufs is not None:
        found.append(f"{decimal(features.loudness_lufs)} LUFS")
    return found


def rows_of(session: Session, actor: Actor, tracks: Sequence[TrackItem], tongue: Tongue) -> list[dict[str, Any]]:
    """The rows of a list, with the shapes of all of them in one statement."""
    levels = queries.overviews(session, actor, [track.media_id for track in tracks])
    return [row_of(track, tongue, levels) for track in tracks]
