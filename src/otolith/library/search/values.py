"""Reads the values of filters: numbers with units, lengths, dates, and ranges of them."""

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from otolith.library.search.engine.asking import Between

Span = tuple[float, float]
"""The numbers that one written value stands for, the second one no longer among them; equal where it is exact."""

_NUMBER: Final = re.compile(r"([+-]?\d{1,15})(?:\.(\d{1,9}))?")
_CLOCK: Final = re.compile(r"(?:(\d{1,3}):)?(\d{1,4}):(\d{2}(?:\.\d+)?)")
_LENGTH: Final = re.compile(r"(\d{1,9}(?:\.\d+)?)\s*(s|sec|m|min|h)?", re.IGNORECASE)
_AGO: Final = re.compile(r"(\d{1,5})\s*([hdwmy])", re.IGNORECASE)
_DATE: Final = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")
_DECADE: Final = re.compile(r"(\d{3}0)s")
_COMPARED: Final = re.compile(r"(>=|<=|>|<)(.+)")
_DASHED: Final = re.compile(r"([^-]+|-[^-]+)-([^-].*|-[^-]+)")
_HOURS: Final = {"h": 1, "d": 24, "w": 168, "m": 730.5, "y": 8766}


class NotUnderstood(ValueError):
    """A value that means nothing here; its text, if any, says what was meant."""


Reader = Callable[[str], Span]


def plain(text: str) -> Span:
    """A number stands for all that round to it: 128 for 127.5 to 128.5, 0.7 for 0.65 to 0.75."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise NotUnderstood
    half = 0.5 * 10.0 ** -len(found[2] or "")
    return float(text) - half, float(text) + half


def scaled(**units: float) -> Reader:
    """A reader of numbers with these units, such as ``kb=1000``; the first is meant where none is written."""

    def read(text: str) -> Span:
        bare = text.lower().rstrip("abcdefghijklmnopqrstuvwxyz")
        unit = text.lower()[len(bare) :] or next(iter(units))
        if unit not in units:
            raise NotUnderstood
        low, high = plain(bare.strip())
        return low * units[unit], high * units[unit]

    return read


def year(text: str) -> Span:
    """A year, or all years of a decade such as 1990s."""
    if found := _DECADE.fullmatch(text):
        return float(found[1]), float(found[1]) + 10
    if not re.fullmatch(r"\d{1,4}", text):
        raise NotUnderstood
    return float(text), float(text) + 1


def length(text: str) -> Span:
    """Seconds from ``3:30``, ``1:02:03``, ``90s``, ``3m``, ``1.5h`` or ``210``."""
    if found := _CLOCK.fullmatch(text):
        seconds = int(found[1] or 0) * 3600 + int(found[2]) * 60 + float(found[3])
    elif found := _LENGTH.fullmatch(text):
        seconds = float(found[1]) * {"m": 60, "h": 3600}.get((found[2] or "s").lower()[0], 1)
    else:
        raise NotUnderstood
    return seconds - 0.5, seconds + 0.5


def date(text: str) -> Span:
    """The seconds since 1970 of a year, a month or a day, in UTC."""
    found = _DATE.fullmatch(text)
    if found is None:
        raise NotUnderstood
    try:
        begin = dt.datetime(int(found[1]), int(found[2] or 1), int(found[3] or 1), tzinfo=dt.UTC)
        if found[3]:
            end = begin + dt.timedelta(days=1)
        elif found[2]:
            end = (begin + dt.timedelta(days=31)).replace(day=1)
        else:
            end = begin.replace(year=begin.year + 1)
    except (ValueError, OverflowError) as error:
        message = f"there is no day {text}"
        raise NotUnderstood(message) from error
    return begin.timestamp(), end.timestamp()


def ago(text: str) -> float | None:
    """Seconds from ``30d``, ``12h``, ``2w``, ``6m`` (months) or ``1y``."""
    found = _AGO.fullmatch(text)
    return None if found is None else int(found[1]) * _HOURS[found[2].lower()] * 3600


@dataclass(frozen=True, slots=True)
class Kind:
    """How the values of a filter are read; with `dashed`, ``120-130`` is a range as well as ``120..130``."""

    read: Reader
    dashed: bool = True
    since: bool = False


def between(number: str, kind: Kind, text: str, at: float) -> Between:
    """The bounds that a value sets; `at` is the present moment, which ``30d`` counts from."""
    if kind.since and (found := _since(number, text, at)) is not None:
        return found
    if compared := _COMPARED.fullmatch(text):
        low, high = kind.read(compared[2].strip())
        return {
            ">=": Between(number, low=low),
            ">": Between(number, low=high),
            "<": Between(number, high=low, open_high=True),
            "<=": Between(number, high=high, open_high=True),
        }[compared[1]]
    ends = _ends(kind, text)
    if ends is None:
        low, high = kind.read(text)
        return Between(number, low=low, high=high, open_high=True)
    return _range(number, kind, *ends)


def _since(number: str, text: str, at: float) -> Between | None:
    """``30d`` and ``<30d`` mean within that time, ``>30d`` longer ago."""
    compared = _COMPARED.fullmatch(text)
    seconds = ago(compared[2].strip() if compared else text)
    if seconds is None:
        return None
    if compared and compared[1].startswith(">"):
        return Between(number, high=at - seconds)
    return Between(number, low=at - seconds)


def _ends(kind: Kind, text: str) -> tuple[str, str] | None:
    begin, dots, end = text.partition("..")
    if dots:
        return begin.strip(), end.strip()
    found = _DASHED.fullmatch(text) if kind.dashed else None
    return None if found is None else (found[1].strip(), found[2].strip())


def _range(number: str, kind: Kind, begin: str, end: str) -> Between:
    """Both ends count; written ``120..<130``, the second one does not."""
    is_open = end.startswith("<")
    end = end.removeprefix("<")
    if not begin and not end:
        raise NotUnderstood
    low = _exact(kind, begin, upper=False) if begin else None
    high = _exact(kind, end, upper=not is_open) if end else None
    if low is not None and high is not None and high < low:
        message = f"the range begins behind its end; did you mean {end}..{begin}?"
        raise NotUnderstood(message)
    return Between(number, low=low, high=high, open_high=is_open)


def _exact(kind: Kind, text: str, *, upper: bool) -> float:
    """One end of a range: numbers as they are written, years and days with all that is in them."""
    low, high = kind.read(text)
    if kind.read in (year, date):
        # The last moment of a span is not the first of the next one.
        return high - 1e-6 if upper and kind.read is date else high - 1 if upper else low
    return (low + high) / 2
