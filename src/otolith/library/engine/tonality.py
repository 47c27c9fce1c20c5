"""Hears the key and mode of a recording."""

from dataclasses import dataclass

from otolith.library.engine.camelot import PITCH_NAMES, Mode, camelot
from otolith.library.engine.chroma import ChromaStream
from otolith.library.engine.key import find_key


@dataclass(frozen=True, slots=True)
class TonalityResult:
    """Key as "C#", mode, Camelot code and how sure they are (0..1); all None where nothing tonal sounds."""

    key: str | None = None
    mode: Mode | None = None
    camelot: str | None = None
    key_confidence: float | None = None


def judge(stream: ChromaStream) -> TonalityResult:
    """The key of a finished chroma stream."""
    found = find_key(stream.series.rows())
    if found is None:
        return TonalityResult()
    mode: Mode = "minor" if found.minor else "major"
    return TonalityResult(PITCH_NAMES[found.tonic], mode, camelot(found.tonic, mode), round(found.probability, 3))
