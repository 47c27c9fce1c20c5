"""Recordings for the tests of the pages, as rows: what the engines would have found."""

import struct
import zlib
from typing import Any
from uuid import UUID

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.ids import new_id
from otolith.library.catalogue.filing import Filed, file_tracks
from otolith.library.catalogue.versions import next_version
from otolith.library.folding import fold
from otolith.library.models import Analysis, Track
from otolith.media.models import Media, Waveform
from otolith.media.tags import Tags


def add_recording(
    context: Context,
    workspace: UUID,
    title: str,
    *,
    state: str = "analysed",
    artist: str = "",
    error: str = "It stops in the middle of a frame.",
    tags: Tags | None = None,
    **features: Any,
) -> UUID:
    """A track with its media and, where it was analysed, its features and overview; the id of the track.

    With `tags` it has its place in the catalogue too, as if its file said so.
    """
    media_id, track_id = new_id(), new_id()
    sha256 = media_id.hex * 2
    with context.database.write(SYSTEM) as session:
        session.add(
            Media(
                id=media_id,
                workspace_id=workspace,
                name=f"{title}.flac",
                sha256=sha256,
                size=2_345_678,
                stored=f"ab/cd/{sha256}.flac",
                container="FLAC",
                codec="flac",
                mime="audio/flac",
                sample_rate=44_100,
                channels=2,
                bits=16,
                duration=12.5,
            )
        )
        session.flush()
        track = Track(
            id=track_id,
            workspace_id=workspace,
            media_id=media_id,
            title=title,
            artist=artist,
            title_key=fold(title),
            artist_key=fold(artist),
            version=next_version(session, workspace),
            state=state,
            error=error if state == "failed" else None,
        )
        session.add(track)
        if state == "analysed":
            session.add(Analysis(**_features(sha256) | features))
            session.add(_overview(sha256))
        if tags is not None:
            session.flush()
            file_tracks(session, workspace, [Filed(track, tags, f"{title}.flac")])
    return track_id


def add_song(
    context: Context,
    workspace: UUID,
    title: str,
    *,
    artist: str = "Mara Ilves",
    album: str = "Harbour",
    genre: str = "Folk",
    year: int = 1999,
    number: int = 1,
    disc: int | None = None,
    **features: Any,
) -> UUID:
    """A recording in its place in the catalogue."""
    tags = Tags(
        title=title,
        artist=artist,
        artists=(artist,),
        album=album,
        album_artist=artist,
        album_artists=(artist,),
        track=number,
        disc=disc,
        date=str(year),
        year=year,
        genres=(genre,),
    )
    return add_recording(context, workspace, title, artist=artist, tags=tags, **features)


def _features(sha256: str) -> dict[str, Any]:
    return {
        "sha256": sha256,
        "engines": {"music": 1},
        "duration": 12.5,
        "tempo": 120.4,
        "tempo_confidence": 0.9,
        "beats": struct.pack("<4f", 0.5, 1.0, 1.5, 2.0),
        "key": "C#",
        "mode": "minor",
        "camelot": "12A",
        "key_confidence": 0.6,
        "loudness_lufs": -14.23,
        "loudness_range_lu": 5.5,
        "true_peak_dbtp": -0.9,
        "sound": {},
    }


def _overview(sha256: str) -> Waveform:
    points = 64
    return Waveform(
        sha256=sha256,
        version=1,
        samples_per_point=1024,
        points=points,
        rate=11025,
        duration=12.5,
        peaks=zlib.compress(struct.pack(f"{2 * points}b", *[-90, 100] * points)),
        rms=zlib.compress(bytes([50] * points)),
    )
