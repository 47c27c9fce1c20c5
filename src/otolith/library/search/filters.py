"""The filters of a search: their names, what they take, and what they mean."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from otolith.library.search import values
from otolith.library.search.engine.asking import Any, Between, Condition, Flagged, Known, Not, Row, Term
from otolith.library.search.engine.words import words_asked
from otolith.library.search.keys import compatible, read_key
from otolith.library.search.values import Kind, NotUnderstood, between

Meaning = Callable[[str, float], Condition]
"""What one value means; the moment is what ``30d`` counts from."""


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter: what its values are, an example, and what a value means."""

    takes: str
    examples: tuple[str, ...]
    means: Meaning


def _text(*fields: str) -> Meaning:
    """Words of a name; with ``=`` before it the whole name, with ``*`` behind it the beginning of a word."""

    def means(value: str, _at: float) -> Condition:
        whole = value.startswith("=")
        value = value.removeprefix("=")
        prefix = value.endswith("*")
        words = words_asked(value.rstrip("*"))
        if not words:
            raise NotUnderstood
        return Term(tuple(words), fields, "whole" if whole else "words", prefix=prefix and not whole)

    return means


def _number(number: str, kind: Kind) -> Meaning:
    return lambda value, at: between(number, kind, value, at)


def _place(value: str) -> int:
    place = read_key(value)
    if place is None:
        raise NotUnderstood
    return place


def _key(value: str, _at: float) -> Condition:
    place = _place(value)
    return Between("key", place, place)


def _compatible(value: str, _at: float) -> Condition:
    return Any([Between("key", place, place) for place in compatible(_place(value))])


def _row(field: str) -> Meaning:
    def means(value: str, _at: float) -> Condition:
        try:
            return Row(field, UUID(value).bytes)
        except ValueError as error:
            raise NotUnderstood from error

    return means


_IS: Final[Mapping[str, Condition]] = {
    "missing": Flagged("missing"),
    "lossless": Flagged("lossless"),
    "compilation": Flagged("compilation"),
    "analysed": Flagged("analysed"),
    "failed": Flagged("failed"),
    "played": Between("plays", low=1),
    "rated": Known("rating"),
}
_HAS: Final[Mapping[str, Condition]] = {
    "lyrics": Flagged("lyrics"),
    "cover": Flagged("cover"),
    **{name: Known(name) for name in ("artist", "album", "genre", "mood", "composer", "year", "key")},
    "bpm": Known("tempo"),
    "loudness": Known("loudness"),
    "rating": Known("rating"),
}


def _one_of(meanings: Mapping[str, Condition]) -> Meaning:
    def means(value: str, _at: float) -> Condition:
        if value.lower() not in meanings:
            raise NotUnderstood
        return meanings[value.lower()]

    return means


def _missing(value: str, _at: float) -> Condition:
    answers: Mapping[str, Condition] = {
        "yes": Flagged("missing"),
        "no": Not(Flagged("missing")),
        "any": Any([Flagged("missing"), Not(Flagged("missing"))]),
    }
    return _one_of(answers)(value, _at)


_BITS: Final = Kind(values.scaled(k=1000, kbps=1000, m=1e6, mbps=1e6))
_HZ: Final = Kind(values.scaled(hz=1, k=1000, khz=1000))
_BYTES: Final = Kind(values.scaled(mb=1e6, kb=1e3, b=1, gb=1e9))
_PLAIN: Final = Kind(values.plain)
_DATE: Final = Kind(values.date, dashed=False, since=True)
_DATES: Final = "a date, a range of dates, or how long ago"

FILTERS: Final[Mapping[str, Filter]] = {
    "title": Filter("words of the title", ("title:love",), _text("title")),
    "artist": Filter(
        "words of an artist's name", ("artist:muse", 'artist:="The Who"'), _text("artist", "album_artist")
    ),
    "albumartist": Filter("words of the album artist's name", ("albumartist:various",), _text("album_artist")),
    "album": Filter("words of the album's title", ('album:"abbey road"',), _text("album")),
    "genre": Filter("words of a genre", ("genre:rock", 'genre:="Hip Hop"'), _text("genre")),
    "mood": Filter("words of a mood", ("mood:calm",), _text("mood")),
    "composer": Filter("words of a composer's name", ("composer:bach",), _text("composer")),
    "people": Filter("words of the name of anybody else", ("people:karajan",), _text("people", "composer")),
    "lyrics": Filter("words of the lyrics", ("lyrics:yesterday",), _text("lyrics")),
    "format": Filter("a codec or file format", ("format:flac", "format:mp3,aac"), _text("format", "container")),
    "year": Filter(
        "a year, a decade or a range",
        ("year:1999", "year:1990s", "year:1999..2005"),
        _number("year", Kind(values.year)),
    ),
    "bpm": Filter("beats a minute", ("bpm:128", "bpm:120-130", "bpm:>=140"), _number("tempo", _PLAIN)),
    "key": Filter("keys by name or Camelot code", ("key:8A", "key:Am", "key:8A,9A"), _key),
    "compatible": Filter("a key to mix with", ("compatible:8A", "compatible:Am"), _compatible),
    "loudness": Filter("LUFS", ("loudness:-14..-8", "loudness:>-9"), _number("loudness", _PLAIN)),
    "duration": Filter(
        "a length", ("duration:<3:00", "duration:3m..5m", "duration:>1h"), _number("duration", Kind(values.length))
    ),
    "energy": Filter("0 to 1", ("energy:>0.7",), _number("energy", _PLAIN)),
    "voice": Filter("0 (instrumental) to 1 (sung)", ("voice:<0.2",), _number("voice", _PLAIN)),
    "onsets": Filter("onsets a second", ("onsets:>4",), _number("onsets", _PLAIN)),
    "brightness": Filter("Hz", ("brightness:<1500",), _number("brightness", Kind(_HZ.read))),
    "dynamics": Filter("dB", ("dynamics:>12",), _number("dynamics", _PLAIN)),
    "bitrate": Filter("kbit/s", ("bitrate:>=256", "bitrate:<128k"), _number("bitrate", _BITS)),
    "rate": Filter("the sample rate in Hz", ("rate:44100", "rate:>48k"), _number("rate", _HZ)),
    "bits": Filter("bits a sample", ("bits:24",), _number("bits", _PLAIN)),
    "channels": Filter("how many channels", ("channels:1",), _number("channels", _PLAIN)),
    "size": Filter("the file's size in MB", ("size:>50mb",), _number("size", _BYTES)),
    "track": Filter("the number on the disc", ("track:1",), _number("track", _PLAIN)),
    "disc": Filter("the number of the disc", ("disc:2",), _number("disc", _PLAIN)),
    "added": Filter(_DATES, ("added:30d", "added:2024-05", "added:>1y"), _number("added", _DATE)),
    "rating": Filter("your rating, 1 to 5", ("rating:>=4", "rating:5"), _number("rating", _PLAIN)),
    "plays": Filter("how often you played it", ("plays:0", "plays:>10"), _number("plays", _PLAIN)),
    "played": Filter(_DATES, ("played:7d", "played:>1y"), _number("played", _DATE)),
    "is": Filter(f"one of {', '.join(_IS)}", ("is:lossless", "-is:played"), _one_of(_IS)),
    "has": Filter(f"one of {', '.join(_HAS)}", ("has:lyrics", "-has:genre"), _one_of(_HAS)),
    "missing": Filter("no, yes or any; no unless you say otherwise", ("missing:any",), _missing),
    "artist_id": Filter("the id of an artist", (), _row("artist")),
    "album_id": Filter("the id of an album", (), _row("album")),
}
"""Every filter by its name."""

ALIASES: Final[Mapping[str, str]] = {
    "tempo": "bpm",
    "length": "duration",
    "time": "duration",
    "lufs": "loudness",
    "album_artist": "albumartist",
    "codec": "format",
    "date": "year",
    "stars": "rating",
    "samplerate": "rate",
    "camelot": "key",
}
OWN: Final = frozenset({"rating", "plays", "played"})
"""The numbers that each caller has of their own."""
TEXTS: Final = frozenset(
    {"title", "artist", "albumartist", "album", "genre", "mood", "composer", "people", "lyrics", "format"}
)
