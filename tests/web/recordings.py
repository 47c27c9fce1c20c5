"""Recordings for the tests of the pages, as rows: what the engines would have found."""

import struct
import zlib
from typing import Any
from uuid import UUID

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.ids import new_id
from otolith.library.folding import fold
from otolith.library.models import Analysis, Track
from otolith.media.models import Media, Waveform


def add_recording(
    context: Context,
    workspace: UUID,
    title: str,
    *,
    state: str = "analysed",
    artist: str = "",
    error: str = "It stops in the middle of a frame.",
    **features: Any,
) -> UUID:
    """A track with its media and, where it was analysed, its features and overview; the id of the track."""
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
        session.add(
            Track(
                id=track_id,
                workspace_id=workspace,
                media_id=media_id,
                title=title,
                artist=artist,
                title_key=fold(title),
                artist_key=fold(artist),
                state=state,
                error=error if state == "failed" else None,
            )
        )
        if state == "analysed":
            session.add(Analysis(**_features(sha256) | features))
            session.add(_overview(sha256))
    return track_id


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
