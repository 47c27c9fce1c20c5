"""Keys as people write them, and their places on the Camelot wheel."""

import re
from typing import Final

from otolith.library.engine.camelot import PITCH_NAMES, Mode, camelot

_HOURS: Final = 12
_CODE: Final = re.compile(r"0?([1-9]|1[0-2])([ab])", re.IGNORECASE)
_NAME: Final = re.compile(r"([a-g])\s*([#♯b♭]|sharp|flat|s(?=\b|m)|)\s*(m|min|minor|maj|major|)", re.IGNORECASE)


def place_of(code: str | None) -> int | None:
    """The place of a Camelot code in the order 1A, 1B, 2A, …, 12B, from 0."""
    found = _CODE.fullmatch(code or "")
    return None if found is None else 2 * (int(found[1]) - 1) + (found[2].upper() == "B")


def code_of(place: int) -> str:
    return f"{place // 2 + 1}{'AB'[place % 2]}"


def name_of(place: int) -> str:
    """The usual name of the key at a place, such as "A minor"."""
    return _NAMES[code_of(place)]


def read_key(text: str) -> int | None:
    """The place of a key written as a code (8A) or by its name (Am, C# minor, Db); None where it is none."""
    place = place_of(text.strip())
    if place is not None:
        return place
    found = _NAME.fullmatch(text.strip())
    if found is None:
        return None
    letter, accidental, quality = found[1].upper(), found[2].lower(), found[3]
    shift = 1 if accidental in ("#", "♯", "sharp", "s") else -1 if accidental else 0
    tonic = (PITCH_NAMES.index(letter) + shift) % 12
    # A capital M alone means major to those who write it, a small one minor.
    mode: Mode = "minor" if quality == "m" or quality.lower() in ("min", "minor") else "major"
    return place_of(camelot(tonic, mode))


def compatible(place: int) -> tuple[int, ...]:
    """The keys that mix well: the same, its relative, and the neighbours on the wheel."""
    hour, letter = divmod(place, 2)
    beside = ((hour - 1) % _HOURS, (hour + 1) % _HOURS)
    return tuple(sorted({place, 2 * hour + 1 - letter, *(2 * other + letter for other in beside)}))


_MODES: Final[tuple[Mode, ...]] = ("major", "minor")
_NAMES: Final = {camelot(tonic, mode): f"{PITCH_NAMES[tonic]} {mode}" for tonic in range(12) for mode in _MODES}
