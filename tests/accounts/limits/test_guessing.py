"""Guessing the secret of an account: slowed for strangers, and never a way to lock its owner out."""

import datetime as dt
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from otolith.accounts.limits.guessing import FREE, LONGEST, TooManyGuesses, delay_after, guessing, remember_browser
from otolith.composition import build_context
from otolith.core.context import Context
from otolith.core.db import now
from otolith.core.errors import NotAvailable, NotSignedIn
from otolith.core.settings import LimitSettings, Settings
from tests.callers import add_user


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"limits": LimitSettings()})


@pytest.fixture
def context(settings: Settings) -> Iterator[Context]:
    context = build_context(settings)
    yield context
    context.close()


@pytest.fixture
def ann(context: Context) -> UUID:
    return add_user(context, "Ann").id


def guess(
    context: Context,
    account: UUID | str,
    at: dt.datetime,
    *,
    right: bool = False,
    browser: str | None = None,
) -> str:
    """What becomes of one guess: `delayed` before anybody looks at it, `wrong` or `right`."""
    try:
        with guessing(context, account, browser=browser, at=at):
            if not right:
                raise NotSignedIn
    except TooManyGuesses:
        return "delayed"
    except NotSignedIn:
        return "wrong"
    return "right"


def test_the_first_mistakes_cost_nothing_and_then_the_delay_doubles() -> None:
    waits = [delay_after(failures).total_seconds() for failures in range(1, 20)]
    assert waits[:4] == [0, 0, 0, 0]
    assert waits[4:9] == [1, 2, 4, 8, 16]
    assert waits[-1] == LONGEST.total_seconds()


def test_a_guess_within_the_delay_is_not_looked_at(context: Context, ann: UUID) -> None:
    at = now()
    assert [guess(context, ann, at) for _ in range(FREE + 2)] == ["wrong"] * FREE + ["delayed"] * 2
    # Not even when it would be right, or the delay would only hide the answer.
    assert guess(context, ann, at, right=True) == "delayed"
    assert guess(context, ann, at + dt.timedelta(seconds=1), right=True) == "right"
    # Whoever got in begins anew.
    assert guess(context, ann, at + dt.timedelta(seconds=1)) == "wrong"


def test_a_delay_tells_how_long_it_is(context: Context, ann: UUID) -> None:
    at = now()
    for _ in range(FREE):
        guess(context, ann, at)
    with pytest.raises(TooManyGuesses) as refused, guessing(context, ann, at=at):
        pytest.fail("It was looked at.")
    assert refused.value.headers["Retry-After"] == "1"


def test_many_at_once_are_no_way_around(context: Context, ann: UUID) -> None:
    at = now()
    with ThreadPoolExecutor(8) as pool:
        became = list(pool.map(lambda _: guess(context, ann, at), range(40)))
    assert became.count("wrong") == FREE


def test_a_name_of_nobody_is_delayed_in_the_same_way(context: Context, ann: UUID) -> None:
    at = now()
    known = [guess(context, ann, at) for _ in range(8)]
    unknown = [guess(context, "nobody", at) for _ in range(8)]
    assert known == unknown


def test_what_nobody_looked_at_is_no_guess(context: Context, ann: UUID) -> None:
    at = now()
    for _ in range(3 * FREE):
        with pytest.raises(NotAvailable), guessing(context, ann, at=at):
            raise NotAvailable
    assert guess(context, ann, at, right=True) == "right"


@pytest.mark.parametrize("guesses", [500, pytest.param(10_000, marks=pytest.mark.soak)])
def test_the_guesses_of_a_day_are_a_hundred_and_lock_nobody_out(context: Context, ann: UUID, guesses: int) -> None:
    begun = now()
    remember_browser(context, ann, "the browser on her desk", at=begun)
    step = dt.timedelta(days=1) / guesses
    became = [guess(context, ann, begun + number * step) for number in range(guesses)]
    looked_at = became.count("wrong")
    # A quarter of an hour each, after the first dozen.
    assert FREE < looked_at < 120
    end = begun + guesses * step
    assert guess(context, ann, end, right=True, browser="the browser on her desk") == "right"
    # A stranger who claims to be a known browser waits like all others.
    assert guess(context, ann, end, right=True, browser="another browser") == "delayed"


def test_a_known_browser_is_slowed_by_its_own_mistakes_alone(context: Context, ann: UUID) -> None:
    at = now()
    remember_browser(context, ann, "hers", at=at)
    assert [guess(context, ann, at, browser="hers") for _ in range(FREE + 1)][-1] == "delayed"
    assert guess(context, ann, at, right=True) == "right"


def test_a_browser_is_known_to_the_account_that_it_signed_in_to(context: Context, ann: UUID) -> None:
    other = add_user(context, "Ben").id
    at = now()
    remember_browser(context, ann, "hers", at=at)
    for _ in range(FREE):
        guess(context, other, at)
    assert guess(context, other, at, right=True, browser="hers") == "delayed"


def test_nothing_is_delayed_where_limits_are_off(context: Context, ann: UUID, settings: Settings) -> None:
    settings.limits.enabled = False
    at = now()
    assert {guess(context, ann, at) for _ in range(3 * FREE)} == {"wrong"}
