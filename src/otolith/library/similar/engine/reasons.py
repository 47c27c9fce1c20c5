"""Why two recordings go together: what their tempo, key and colour have in common."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import log2
from typing import Final, Literal

ReasonCode = Literal[
    "same_tempo", "double_tempo", "same_key", "relative_key", "next_key",
    "timbre", "energy", "voice", "instrumental", "same_artist", "same_genre",
]  # fmt: skip
_TEMPO: Final = 0.04
# How far apart two sounds may lie on each scale and still have one colour; brightness in octaves.
_COLOURS: Final = {"brightness": 0.3, "bass_db": 3.0, "treble_db": 5.0, "noisiness": 0.15}
_ENERGY: Final = 0.08
_SINGING: Final = 0.6
_PLAYING: Final = 0.25


@dataclass(frozen=True, slots=True)
class Traits:
    """What two recordings are compared by, as far as it is known."""

    tempo: float | None = None
    camelot: str | None = None
    brightness: float | None = None
    energy: float | None = None
    voice: float | None = None
    artist: str = ""
    genre: str = ""
    timbre: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that two recordings have in common, with the value of either."""

    code: ReasonCode
    seed: float | str | None
    track: float | str | None


def key_relation(one: str | None, other: str | None) -> Literal["same_key", "relative_key", "next_key"] | None:
    """How two places on the Camelot wheel go together: the same, across the ring, or one hour further."""
    if not one or not other:
        return None
    if one == other:
        return "same_key"
    hours = (int(one[:-1]) - int(other[:-1])) % 12
    if one[-1] != other[-1]:
        return "relative_key" if hours == 0 else None
    return "next_key" if hours in (1, 11) else None


def tempo_relation(one: float | None, other: float | None) -> Literal["same_tempo", "double_tempo"] | None:
    """Whether two tempos can be felt as one: within some per cent, or twice as fast."""
    if not one or not other:
        return None
    apart = abs(log2(one / other))
    width = log2(1 + _TEMPO)
    if apart <= width:
        return "same_tempo"
    return "double_tempo" if abs(apart - 1) <= width else None


def same_colour(one: Traits, other: Traits) -> bool:
    """Whether two sounds have one colour: as bright, as rich in bass and treble and as noisy, taken together."""
    if not one.brightness or not other.brightness:
        return False
    apart = [log2(one.brightness / other.brightness) / _COLOURS["brightness"]]
    apart += [
        (one.timbre[name] - other.timbre[name]) / width
        for name, width in _COLOURS.items()
        if name in one.timbre and name in other.timbre
    ]
    return sum(value**2 for value in apart) <= len(apart)


def reasons(seed: Traits, track: Traits) -> list[Reason]:
    """What a track has in common with the one it was found by, the most telling first."""
    found: list[Reason] = []
    if tempo := tempo_relation(seed.tempo, track.tempo):
        found.append(Reason(tempo, seed.tempo, track.tempo))
    if key := key_relation(seed.camelot, track.camelot):
        found.append(Reason(key, seed.camelot, track.camelot))
    if same_colour(seed, track):
        found.append(Reason("timbre", seed.brightness, track.brightness))
    if seed.energy is not None and track.energy is not None and abs(seed.energy - track.energy) <= _ENERGY:
        found.append(Reason("energy", seed.energy, track.energy))
    if seed.voice is not None and track.voice is not None:
        if min(seed.voice, track.voice) >= _SINGING:
            found.append(Reason("voice", seed.voice, track.voice))
        elif max(seed.voice, track.voice) <= _PLAYING:
            found.append(Reason("instrumental", seed.voice, track.voice))
    if seed.artist and seed.artist == track.artist:
        found.append(Reason("same_artist", seed.artist, track.artist))
    if seed.genre and seed.genre == track.genre:
        found.append(Reason("same_genre", seed.genre, track.genre))
    return found
