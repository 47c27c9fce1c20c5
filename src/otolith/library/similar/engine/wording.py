"""Words for sounds: a track described as people would, and people's words taken as what they say of a sound."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

LONGEST: Final = 1500
_LYRICS: Final = 500


@dataclass(frozen=True, slots=True)
class Described:
    """What is known of a track, for its description; features as in an analysis."""

    title: str
    artist: str = ""
    album: str = ""
    year: int | None = None
    genres: Sequence[str] = ()
    moods: Sequence[str] = ()
    lyrics: str = ""
    features: Mapping[str, float | str | None] = field(default_factory=dict)


class _Step(NamedTuple):
    below: float
    words: str


_INFINITY: Final = float("inf")
_TEMPO: Final = (_Step(75, "very slow"), _Step(100, "slow"), _Step(125, "of medium tempo"), _Step(150, "fast"),
                 _Step(_INFINITY, "very fast"))  # fmt: skip
_ENERGY: Final = (_Step(0.33, "calm, gentle, relaxing"), _Step(0.66, "of medium energy"),
                  _Step(_INFINITY, "energetic, powerful, driving"))  # fmt: skip
_BRIGHTNESS: Final = (_Step(1200, "dark, warm sound"), _Step(2800, "balanced sound"),
                      _Step(_INFINITY, "bright, crisp sound"))  # fmt: skip
_VOICE: Final = (_Step(0.3, "instrumental, without singing"), _Step(0.6, ""), _Step(_INFINITY, "sung, with a voice"))
_MODES: Final = {"minor": "in a minor key, sad or serious", "major": "in a major key, happy or serene"}


def describe(track: Described) -> str:
    """A few sentences about a track, at most `LONGEST` letters, always the same for the same facts."""
    named = track.title + (f" by {track.artist}" if track.artist else "")
    album = f"From {track.album}{f' ({track.year})' if track.year else ''}" if track.album else ""
    year = f"From {track.year}" if track.year and not album else ""
    genres = f"Genre: {', '.join(track.genres)}" if track.genres else ""
    moods = f"Mood: {', '.join(track.moods)}" if track.moods else ""
    lyrics = " ".join(track.lyrics.split())[:_LYRICS]
    parts = [named, album, year, genres, moods, _sound(track.features), f"Lyrics: {lyrics}" if lyrics else ""]
    return ". ".join(part for part in parts if part)[:LONGEST]


def _sound(features: Mapping[str, float | str | None]) -> str:
    said = [
        _step(_TEMPO, features.get("tempo")),
        _step(_ENERGY, features.get("energy")),
        _MODES.get(str(features.get("mode")), ""),
        _step(_BRIGHTNESS, features.get("brightness")),
        _step(_VOICE, features.get("voice")),
    ]
    words = [one for one in said if one]
    tempo = features.get("tempo")
    if isinstance(tempo, float):
        # Rounded, so that an analysis that hears it a hair faster makes no other text of it.
        words.append(f"about {5 * round(tempo / 5)} beats a minute")
    return f"It sounds {', '.join(words)}" if words else ""


def _step(steps: Sequence[_Step], value: float | str | None) -> str:
    if not isinstance(value, float | int):
        return ""
    return next(step.words for step in steps if value < step.below)


class Wish(NamedTuple):
    """That a feature should be high (1) or low (-1) among the tracks of the library."""

    feature: str
    direction: int


_LOW_TEMPO, _HIGH_TEMPO = Wish("tempo", -1), Wish("tempo", 1)
_LOW_ENERGY, _HIGH_ENERGY = Wish("energy", -1), Wish("energy", 1)
_MINOR, _MAJOR = Wish("minor", 1), Wish("minor", -1)
_DARK, _BRIGHT = Wish("brightness", -1), Wish("brightness", 1)
_SUNG, _PLAYED = Wish("voice", 1), Wish("voice", -1)
_QUIET, _LOUD = Wish("loudness_lufs", -1), Wish("loudness_lufs", 1)

# English and French, folded as titles are.
_MEANINGS: Final[Mapping[tuple[Wish, ...], str]] = {
    (_LOW_TEMPO,): "slow slowly lent lente lents lentes lento adagio",
    (_HIGH_TEMPO,): "fast quick rapide rapides vite presto uptempo",
    (_LOW_ENERGY,): "calm gentle soft relaxing relaxed peaceful quiet mellow chill calme doux douce douces paisible "
    "tranquille reposant",
    (_HIGH_ENERGY,): "energetic powerful driving intense aggressive wild energique puissant puissante intense agressif",
    (_MINOR, _LOW_ENERGY): "sad melancholic melancholy gloomy sombre triste tristes melancolique",
    (_MAJOR, _HIGH_ENERGY): "happy joyful cheerful gay joyeux joyeuse gai gaie heureux",
    (_MINOR,): "minor mineur serious serieux",
    (_MAJOR,): "major majeur serene serein",
    (_DARK,): "dark warm dull fonce chaud chaude feutre",
    (_BRIGHT,): "bright crisp sharp brillant brillante clair claire",
    (_SUNG,): "sung vocal vocals singing voice singer chante chantee voix chant",
    (_PLAYED,): "instrumental instrumentals instrumentale instrumentaux",
    (_QUIET,): "silent faible",
    (_LOUD,): "loud fort forte bruyant",
    (_HIGH_TEMPO, _HIGH_ENERGY): "dance dancing danceable party upbeat danse dansant dansante fete",
}  # fmt: skip
WISHES: Final[Mapping[str, tuple[Wish, ...]]] = {
    word: wishes for wishes, words in _MEANINGS.items() for word in words.split()
}
"""What a folded word asks of a sound."""

_NOTHING: Final = (
    "a an and or the of with without for to in on by some music song songs track tracks something like "
    "un une des le la les de du et ou avec sans pour musique chanson morceau quelque chose comme"
)
IDLE: Final = frozenset(_NOTHING.split())
"""Folded words that ask for nothing."""
