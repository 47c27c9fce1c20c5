"""Numbers, times and sizes as people of a language write them."""

import datetime as dt
from dataclasses import dataclass
from gettext import NullTranslations

from babel import Locale
from babel.dates import format_datetime, format_timedelta
from babel.numbers import format_decimal, format_percent
from babel.units import format_unit

_SIZES = (("gigabyte", 1_000_000_000), ("megabyte", 1_000_000), ("kilobyte", 1_000))


def clock(seconds: float | None) -> str:
    """A length as a player shows it: `3:05`, or `1:02:03` from an hour on."""
    if seconds is None:
        return "–"
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


@dataclass(frozen=True, slots=True)
class Formats:
    """The ways of writing of one language; `words` is its catalogue."""

    locale: Locale
    words: NullTranslations

    def number(self, value: float) -> str:
        return format_decimal(value, locale=self.locale)

    def decimal(self, value: float, places: int = 1) -> str:
        pattern = "#,##0." + "0" * places if places else "#,##0"
        text = format_decimal(value, format=pattern, locale=self.locale)
        # A true minus stands as wide as the digits and is read out as one.
        return text.replace("-", "−")

    def percent(self, share: float) -> str:
        return format_percent(share, locale=self.locale)

    def size(self, count: int) -> str:
        for unit, worth in _SIZES:
            if count >= worth:
                value = count / worth
                shown = format_decimal(value, format="0.#" if value < 10 else "0", locale=self.locale)
                return format_unit(shown, unit, length="short", locale=self.locale)
        return format_unit(count, "byte", length="long", locale=self.locale)

    def span(self, seconds: float) -> str:
        """A length of time in one or two words: `12 seconds`, `4 minutes`."""
        return format_timedelta(dt.timedelta(seconds=max(1, round(seconds))), threshold=2, locale=self.locale)

    def ago(self, moment: dt.datetime, now: dt.datetime) -> str:
        """How long before `now` this was: `3 minutes ago`."""
        past = min(moment - now, dt.timedelta(seconds=-1))
        return format_timedelta(past, threshold=1, add_direction=True, locale=self.locale)

    def moment(self, at: dt.datetime) -> str:
        return format_datetime(at, "medium", locale=self.locale)


def formats_for(language: str, words: NullTranslations) -> Formats:
    return Formats(Locale.parse(language), words)
