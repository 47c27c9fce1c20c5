"""Names of the twenty-four keys, and their places on the Camelot wheel that DJs mix by."""

from typing import Literal

Mode = Literal["major", "minor"]
PITCH_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def camelot(tonic: int, mode: Mode) -> str:
    """The wheel's code of the key on pitch class `tonic` (C is 0): fifths go up by one, C major is 8B, A minor 8A."""
    major_tonic = tonic if mode == "major" else tonic + 3
    hour = (major_tonic * 7 + 7) % 12 + 1
    return f"{hour}{'B' if mode == 'major' else 'A'}"
