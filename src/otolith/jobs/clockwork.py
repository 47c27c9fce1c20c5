"""When a task that runs by the clock is due: an interval, or the five fields of a crontab in UTC."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7))
_LONGEST_SEARCH = dt.timedelta(days=366 * 5)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class BadRule(ValueError):
    """This is neither an interval nor the five fields of a crontab."""


@dataclass(frozen=True)
class Cron:
    """A parsed crontab line: for each field the values that match."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    # As in crontab(5): where both days are restricted, either may match.
    either_day: bool

    def matches_day(self, moment: dt.datetime) -> bool:
        day = moment.day in self.days
        weekday = moment.isoweekday() % 7 in self.weekdays
        return (day or weekday) if self.either_day else (day and weekday)

    def next_after(self, moment: dt.datetime) -> dt.datetime:
        """The first matching minute after `moment`."""
        found = moment.astimezone(dt.UTC).replace(second=0, microsecond=0) + dt.timedelta(minutes=1)
        last = found + _LONGEST_SEARCH
        while found < last:
            if found.month not in self.months or not self.matches_day(found):
                found = found.replace(hour=0, minute=0) + dt.timedelta(days=1)
            elif found.hour not in self.hours:
                found = found.replace(minute=0) + dt.timedelta(hours=1)
            elif found.minute not in self.minutes:
                found += dt.timedelta(minutes=1)
            else:
                return found
        message = "This crontab never comes due."
        raise BadRule(message)


def parse_cron(text: str) -> Cron:
    """Five fields of numbers, `*`, ranges, lists and steps, such as ``*/15 3-5 * * 1,3``."""
    fields = text.split()
    if len(fields) != len(_FIELDS):
        message = f"A crontab has five fields, and {text!r} has {len(fields)}."
        raise BadRule(message)
    sets = [_parse_field(field, *limits) for field, limits in zip(fields, _FIELDS, strict=True)]
    weekdays = frozenset(day % 7 for day in sets[4])
    either = not fields[2].startswith("*") and not fields[4].startswith("*")
    return Cron(sets[0], sets[1], sets[2], sets[3], weekdays, either)


def _parse_field(text: str, name: str, lowest: int, highest: int) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        try:
            if span == "*":
                start, end = lowest, highest
            else:
                start = int(first)
                end = int(last) if last else (highest if step else start)
            pace = int(step) if step else 1
        except ValueError as error:
            message = f"{part!r} is no {name} of a crontab."
            raise BadRule(message) from error
        if not (lowest <= start <= end <= highest and pace > 0):
            message = f"{part!r} is no {name} of a crontab: {name}s go from {lowest} to {highest}."
            raise BadRule(message)
        found.update(range(start, end + 1, pace))
    return frozenset(found)


def due_times(rule: str) -> Callable[[dt.datetime], dt.datetime]:
    """A function that tells the first due time after a moment, for ``every 300`` or ``cron 0 3 * * *``."""
    kind, _, rest = rule.partition(" ")
    if kind == "cron":
        return parse_cron(rest).next_after
    if kind == "every":
        seconds = float(rest)
        if seconds <= 0:
            message = "An interval is longer than nothing."
            raise BadRule(message)
        return lambda moment: _next_multiple(moment, seconds)
    message = f"{rule!r} is neither an interval nor a crontab."
    raise BadRule(message)


def _next_multiple(moment: dt.datetime, seconds: float) -> dt.datetime:
    # Multiples of the interval since the epoch, so that all workers mean the same moments.
    count = (moment - _EPOCH).total_seconds() // seconds + 1
    return _EPOCH + dt.timedelta(seconds=count * seconds)
