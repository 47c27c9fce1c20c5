"""A search as the pages' form asks for it: the address that stands for it, and what the library is asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import Query

from otolith.library.engine.camelot import PITCH_NAMES, Mode, camelot
from otolith.library.search.schemas import FacetsAsked, SearchAsked
from otolith.web.rendering import Tongue
from otolith.web.words import ADDED, FILTERS, KEYS, MODES

# Ranges that the form asks for by two numbers: the field, the unit, and what each number may be.
RANGES: Final[Mapping[str, tuple[str, float, float]]] = {
    "bpm": ("BPM", 20, 400),
    "year": ("", 1000, 2999),
    "loudness": ("LUFS", -70, 10),
    "minutes": ("min", 0, 1440),
}
FORMATS: Final = ("aac", "alac", "flac", "mp3", "opus", "pcm", "vorbis", "wmav2")
CHOICES: Final = ("format", "rating", "added", "voice")
_VOICE: Final = {"sung": ">=0.6", "instrumental": "<=0.25"}
LONGEST: Final = 1000
MOST: Final = 20

Text = Annotated[str, Query(max_length=LONGEST)]
Number = Annotated[str, Query(max_length=12)]
Short = Annotated[str, Query(max_length=20)]


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody filled in. `within` are filters in the language of searches, such as a facet gives them."""

    q: str = ""
    within: tuple[str, ...] = ()
    ranges: Mapping[str, tuple[str, str]] | None = None
    key: str = ""
    mix: bool = False
    chosen: Mapping[str, str] | None = None
    sort: str = ""

    @property
    def is_narrowed(self) -> bool:
        """Whether there is more than words."""
        return bool(self.within or self.ranges or self.key or self.chosen)

    @property
    def is_empty(self) -> bool:
        return not (self.q or self.is_narrowed)

    def pairs(self) -> list[tuple[str, str]]:
        """The parameters of an address that ask for the same."""
        found = [("q", self.q)] if self.q else []
        found += [("within", one) for one in self.within]
        for name, (low, high) in (self.ranges or {}).items():
            found += [(f"{name}_{end}", value) for end, value in (("min", low), ("max", high)) if value]
        if self.key:
            found.append(("key", self.key))
            found += [("mix", "yes")] if self.mix else []
        found += list((self.chosen or {}).items())
        return found + ([("sort", self.sort)] if self.sort else [])

    def query(self, **more: str | None) -> str:
        """The query of an address, with its question mark."""
        pairs = self.pairs() + [(name, value) for name, value in more.items() if value]
        return f"?{urlencode(pairs)}" if pairs else ""

    def asked(self, **more: Any) -> SearchAsked:
        return SearchAsked(**self._common(), sort=self.sort, **more)

    def facets(self, **more: Any) -> FacetsAsked:
        return FacetsAsked(**self._common(), **more)

    def _common(self) -> dict[str, Any]:
        # What is typed comes last, since the last word may go on.
        filters: dict[str, Any] = {"q": " ".join([*self.within, self.q]).strip()}
        for name, (low, high) in (self.ranges or {}).items():
            filters["duration" if name == "minutes" else name] = _range(low, high, "m" if name == "minutes" else "")
        if self.key:
            filters["compatible" if self.mix else "key"] = self.key
        chosen = self.chosen or {}
        if rating := chosen.get("rating"):
            filters["rating"] = f">={rating}"
        if voice := chosen.get("voice"):
            filters["voice"] = _VOICE[voice]
        return filters | {name: chosen[name] for name in ("format", "added") if name in chosen}


def _range(low: str, high: str, unit: str) -> str:
    if low and high:
        return f"{low}{unit}..{high}{unit}"
    return f">={low}{unit}" if low else f"<={high}{unit}"


def wished(
    q: Text = "",
    within: Annotated[list[str], Query(max_length=MOST)] = [],  # noqa: B006 -- FastAPI copies it.
    bpm_min: Number = "",
    bpm_max: Number = "",
    year_min: Number = "",
    year_max: Number = "",
    loudness_min: Number = "",
    loudness_max: Number = "",
    minutes_min: Number = "",
    minutes_max: Number = "",
    key: Short = "",
    mix: Short = "",
    format: Short = "",  # noqa: A002 -- The name that stands in the address.
    rating: Short = "",
    added: Short = "",
    voice: Short = "",
    sort: Short = "",
) -> Wish:
    """The wish of an address; what nobody could have chosen in the form is left out."""
    pairs = {
        "bpm": (bpm_min, bpm_max),
        "year": (year_min, year_max),
        "loudness": (loudness_min, loudness_max),
        "minutes": (minutes_min, minutes_max),
    }
    numbers = {name: (_number(low), _number(high)) for name, (low, high) in pairs.items()}
    chosen = {
        "format": format if format in FORMATS else "",
        "rating": rating if rating in ("1", "2", "3", "4", "5") else "",
        "added": added if added in ADDED else "",
        "voice": voice if voice in _VOICE else "",
    }
    return Wish(
        q=q.strip(),
        within=tuple(one.strip()[:LONGEST] for one in within if one.strip()),
        ranges={name: pair for name, pair in numbers.items() if any(pair)},
        key=key if key in CODES else "",
        mix=bool(mix),
        chosen={name: value for name, value in chosen.items() if value},
        sort=sort,
    )


def _number(text: str) -> str:
    """The number as it was written, or nothing where it is none."""
    plain = text.strip().replace(",", ".").replace("−", "-")
    try:
        float(plain)
    except ValueError:
        return ""
    return plain if plain.lstrip("-").replace(".", "", 1).isdigit() else ""


def _codes() -> dict[str, tuple[str, Mode]]:
    """Each Camelot code with its tonic and mode, in the order of the wheel."""
    modes: tuple[Mode, ...] = ("minor", "major")
    found = {camelot(tonic, mode): (name, mode) for tonic, name in enumerate(PITCH_NAMES) for mode in modes}
    return dict(sorted(found.items(), key=lambda one: (int(one[0][:-1]), one[0][-1])))


CODES: Final = _codes()


def keys_in(tongue: Tongue) -> list[tuple[str, str]]:
    """Every key with its code, as a list to choose from."""
    say = tongue.words.say
    return [(code, f"{code} · {say(KEYS[tonic])} {say(MODES[mode])}") for code, (tonic, mode) in CODES.items()]


def chips(wish: Wish, path: str, tongue: Tongue) -> list[tuple[str, str]]:
    """What narrows a search down, each with the address of the search without it."""
    say = tongue.words.say
    found = [(_plain(one), replace(wish, within=tuple(o for o in wish.within if o != one))) for one in wish.within]
    ranges, chosen = wish.ranges or {}, wish.chosen or {}
    for name, (low, high) in ranges.items():
        label = f"{say(FILTERS[name])} {_span(low, high)} {RANGES[name][0]}".strip()
        found.append((label, replace(wish, ranges={n: pair for n, pair in ranges.items() if n != name})))
    if wish.key:
        tonic, mode = CODES[wish.key]
        named = f"{say(KEYS[tonic])} {say(MODES[mode])}"
        label = say("Mixes with %(key)s", key=named) if wish.mix else named
        found.append((label, replace(wish, key="", mix=False)))
    for name, value in chosen.items():
        without = {n: kept for n, kept in chosen.items() if n != name}
        found.append((_chosen(name, value, tongue), replace(wish, chosen=without)))
    return [(label, path + without.query()) for label, without in found]


def _plain(condition: str) -> str:
    """A filter as people read it: its value without the signs of the language."""
    return condition.partition(":")[2].removeprefix("=").strip('"') or condition


def _span(low: str, high: str) -> str:
    return f"{low}–{high}" if low and high else f"≥ {low}" if low else f"≤ {high}"


def _chosen(name: str, value: str, tongue: Tongue) -> str:
    say = tongue.words.say
    if name == "rating":
        return f"≥ {'★' * int(value)}"
    if name == "added":
        message = ADDED[value]
        return say(message)
    if name == "voice":
        return say("Sung") if value == "sung" else say("Instrumental")
    return value.upper()


def narrowed(wish: Wish, path: str, conditions: Sequence[str]) -> str:
    """The address of the search with these filters added."""
    return path + replace(wish, within=(*wish.within, *conditions)).query()
