"""Pictures of recordings: what is kept of the engine's levels, and the points that a page asks for."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from otolith.media import queries
from otolith.media.models import Waveform


@dataclass(frozen=True, slots=True)
class Picture:
    """So many points of a recording: `low` and `high` in -128…127 and `rms` in 0…128, of 128 as full scale."""

    version: int
    rate: int
    duration: float
    samples_per_point: float
    low: NDArray[np.int8]
    high: NDArray[np.int8]
    rms: NDArray[np.uint8]

    def to_audiowaveform(self) -> dict[str, Any]:
        """The JSON form of BBC audiowaveform, version 2, which waveform players read."""
        return {
            "version": 2,
            "channels": 1,
            "sample_rate": self.rate,
            "samples_per_pixel": round(self.samples_per_point),
            "bits": 8,
            "length": len(self.low),
            "data": np.column_stack([self.low, self.high]).ravel().tolist(),
        }


def store(session: Session, sha256: str, version: int, result: Mapping[str, Any]) -> None:
    """Keep the finest level, from which all others follow, and the overview, which is read most.

    Nothing heard is kept too, as a level without points, so that it is told apart from not yet analysed.
    """
    levels = result["levels"] or [{"samples_per_point": 1, "points": 0, "peaks": b"", "rms": b""}]
    kept = levels if len(levels) < 2 else [levels[0], levels[-1]]
    rows = [
        {
            "samples_per_point": level["samples_per_point"],
            "points": level["points"],
            "rate": result["rate"],
            "duration": result["duration"],
            "peaks": zlib.compress(level["peaks"]),
            "rms": zlib.compress(level["rms"]),
        }
        for level in kept
    ]
    queries.replace_waveform(session, sha256, version, rows)


def keep_for(session: Session, sha256: str, other: str) -> None:
    """Keep the picture of a content for another with the same sound."""
    rows = queries.waveform_levels(session, sha256)
    names = ("samples_per_point", "points", "rate", "duration", "peaks", "rms")
    for version in {row.version for row in rows}:
        levels = [{name: getattr(row, name) for name in names} for row in rows if row.version == version]
        queries.replace_waveform(session, other, version, levels)


def draw(session: Session, sha256: str, points: int) -> Picture | None:
    """The recording in `points` points, or in as many as there are if they are fewer; None while it is unknown."""
    level = queries.waveform_level(session, sha256, points)
    return None if level is None else reduce(level, points)


def reduce(level: Waveform, points: int) -> Picture:
    """Join neighbouring points of a stored level until `points` are left, as evenly as whole numbers allow."""
    pairs = np.frombuffer(zlib.decompress(level.peaks), dtype=np.int8).reshape(-1, 2)
    rms = np.frombuffer(zlib.decompress(level.rms), dtype=np.uint8)
    low, high = pairs[:, 0], pairs[:, 1]
    count = len(pairs)
    step = float(level.samples_per_point)
    if count > points:
        starts = np.arange(points, dtype=np.int64) * count // points
        low = np.minimum.reduceat(low, starts)
        high = np.maximum.reduceat(high, starts)
        lengths = np.diff(starts, append=count)
        power = np.add.reduceat(np.square(rms, dtype=np.float32), starts) / lengths
        rms = np.rint(np.sqrt(power)).astype(np.uint8)
        step *= count / points
    return Picture(level.version, level.rate, level.duration, step, low, high, rms)
