"""Rules of the clock: crontabs and intervals."""

import datetime as dt

import pytest

from otolith.jobs.clockwork import BadRule, due_times


def after(rule: str, moment: str) -> str:
    return due_times(rule)(dt.datetime.fromisoformat(moment)).isoformat()


@pytest.mark.parametrize(
    ("rule", "moment", "due"),
    [
        ("cron * * * * *", "2026-11-20T10:00:30+00:00", "2026-11-20T10:01:00+00:00"),
        ("cron 0 3 * * *", "2026-11-20T03:00:00+00:00", "2026-11-21T03:00:00+00:00"),
        ("cron */15 8-9 * * *", "2026-11-20T09:46:00+00:00", "2026-11-21T08:00:00+00:00"),
        ("cron 5,35 * * * *", "2026-11-20T10:05:00+00:00", "2026-11-20T10:35:00+00:00"),
        ("cron 0 0 29 2 *", "2026-11-20T10:00:00+00:00", "2028-02-29T00:00:00+00:00"),
        ("cron 0 12 * * 0", "2026-11-20T10:00:00+00:00", "2026-11-22T12:00:00+00:00"),
        ("cron 0 12 * * 7", "2026-11-20T10:00:00+00:00", "2026-11-22T12:00:00+00:00"),
        ("cron 0 0 1 * 1", "2026-11-20T10:00:00+00:00", "2026-11-23T00:00:00+00:00"),
        ("cron 0 0 31 12 *", "2026-12-31T00:00:00+01:00", "2026-12-31T00:00:00+00:00"),
        ("every 300", "2026-11-20T10:04:59.5+00:00", "2026-11-20T10:05:00+00:00"),
        ("every 300", "2026-11-20T10:05:00+00:00", "2026-11-20T10:10:00+00:00"),
        ("every 86400", "2026-11-20T10:00:00+00:00", "2026-11-21T00:00:00+00:00"),
    ],
)
def test_the_next_due_time(rule: str, moment: str, due: str) -> None:
    assert after(rule, moment) == due


@pytest.mark.parametrize(
    "rule",
    ["cron * * * *", "cron 60 * * * *", "cron x * * * *", "cron 5-1 * * * *", "cron */0 * * * *", "every 0", "daily"],
)
def test_broken_rules_are_refused(rule: str) -> None:
    with pytest.raises(BadRule):
        due_times(rule)


def test_a_day_that_never_comes_is_refused() -> None:
    with pytest.raises(BadRule, match="never comes due"):
        after("cron 0 0 31 2 *", "2026-11-20T10:00:00+00:00")
