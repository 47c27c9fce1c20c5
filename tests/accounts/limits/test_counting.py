"""Requests counted in all processes together: never one more than the limit lets through."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis
from limits import parse
from sqlalchemy.orm import Session

from otolith.accounts.limits.counting import Allowance, Counting, OwnStore, Store, StoreFailed
from otolith.accounts.limits.guarding import limit_of, network_of
from otolith.accounts.limits.redis_store import RedisStore
from otolith.accounts.limits.stores import DatabaseStore
from otolith.accounts.touching import touch
from otolith.core.actor import Actor
from otolith.core.context import Context
from otolith.core.db import Database, DatabaseFull
from otolith.core.errors import TooManyRequests
from otolith.core.settings import BadSettings
from tests.services import RedisServer

KEY = b"k" * 32


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture(params=["redis", "database"])
def store(request: pytest.FixtureRequest, database: Database, redis_server: RedisServer) -> Store:
    if request.param == "database":
        return DatabaseStore(database)
    # One Redis serves the whole run.
    with redis.Redis.from_url(redis_server.url) as client:
        client.flushdb()
    return RedisStore(redis_server.url)


def let_through(take: Callable[[], Allowance], times: int) -> int:
    count = 0
    for _ in range(times):
        try:
            take()
        except TooManyRequests:
            continue
        count += 1
    return count


@pytest.mark.parametrize("amount", [1, 5, 60, 600])
def test_one_process_lets_exactly_the_limit_through(amount: int) -> None:
    counting = Counting(OwnStore())
    assert let_through(lambda: counting.take(KEY, parse(f"{amount}/minute")), 2 * amount) == amount


def test_what_is_left_falls_with_every_request() -> None:
    counting = Counting(OwnStore())
    left = [counting.take(KEY, parse("100/minute")).remaining for _ in range(100)]
    assert left == list(range(99, -1, -1))


def test_a_refusal_tells_when_to_come_back() -> None:
    clock = Clock()
    counting = Counting(OwnStore(clock), clock)
    counting.take(KEY, parse("1/minute"))
    clock.seconds += 20
    with pytest.raises(TooManyRequests) as refused:
        counting.take(KEY, parse("1/minute"))
    assert refused.value.headers["Retry-After"] == "40"
    assert refused.value.headers["RateLimit-Remaining"] == "0"
    clock.seconds += 40
    assert counting.take(KEY, parse("1/minute")).limit == 1


def test_a_refusal_costs_no_look_at_the_store() -> None:
    class Counted(OwnStore):
        asked = 0

        def take(self, key: bytes, amount: int, seconds: int) -> tuple[int, float]:
            self.asked += 1
            return super().take(key, amount, seconds)

    store = Counted()
    counting = Counting(store)
    let_through(lambda: counting.take(KEY, parse("600/minute")), 5000)
    # Thirty at a time, then fewer towards the end; and not once for those that were refused.
    assert store.asked < 50


def test_processes_share_one_limit(store: Store) -> None:
    limit = parse("40/minute")
    processes = [Counting(store) for _ in range(4)]

    def ask(number: int) -> int:
        return let_through(lambda: processes[number % 4].take(KEY, limit), 30)

    with ThreadPoolExecutor(8) as pool:
        passed = sum(pool.map(ask, range(8)))
    # Never one too many; what a process took and nobody asked it for is lost, a portion each at most.
    assert 32 <= passed <= 40


def test_callers_are_counted_apart(store: Store) -> None:
    counting = Counting(store)
    for number in range(3):
        take = number.to_bytes(32, "big")
        assert let_through(lambda take=take: counting.take(take, parse("4/minute")), 6) == 4  # type: ignore[misc]


def test_a_window_that_is_over_begins_anew(store: Store) -> None:
    assert store.take(KEY, 5, 1)[0] == 5
    count, seconds = store.take(KEY, 1, 1)
    assert (count, 0 < seconds <= 1) == (6, True)
    other = b"o" * 32
    assert store.take(other, 1, 60)[0] == 1


def test_a_process_counts_alone_while_the_store_is_away() -> None:
    class Away:
        def take(self, *_asked: Any) -> tuple[int, float]:
            raise StoreFailed("ConnectionError")

    counting = Counting(Away())
    assert let_through(lambda: counting.take(KEY, parse("7/minute")), 20) == 7


def test_a_full_disk_lets_readers_through(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    marked: list[Session] = []

    def full(_actor: Actor) -> None:
        raise DatabaseFull

    monkeypatch.setattr(context.database, "write", full)
    counting = Counting(DatabaseStore(context.database))
    assert let_through(lambda: counting.take(KEY, parse("7/minute")), 20) == 7
    touch(context, marked.append)
    assert marked == []


@pytest.mark.parametrize(
    ("written", "amount", "seconds"), [("5/minute", 5, 60), ("60", 60, 60), ("10 per 2 hours", 10, 7200)]
)
def test_limits_are_read_as_people_write_them(written: str, amount: int, seconds: int) -> None:
    limit = limit_of("TOKEN", written)
    assert (limit.amount, limit.get_expiry()) == (amount, seconds)


@pytest.mark.parametrize("written", ["often", "0/minute", "-5", "5/moment", ""])
def test_a_limit_that_is_none_is_refused_by_name(written: str) -> None:
    with pytest.raises(BadSettings, match="OTOLITH_LIMITS_TOKEN"):
        limit_of("TOKEN", written)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
        ("2001:db8:1:3::1", "2001:db8:1:3::"),
        ("testclient", "testclient"),
    ],
)
def test_of_ipv6_a_whole_subscriber_counts_as_one(address: str, network: str) -> None:
    assert network_of(address) == network


def test_a_redis_that_is_away_leaves_each_process_to_itself() -> None:
    store = RedisStore("redis://127.0.0.1:1/0")
    with pytest.raises(StoreFailed):
        store.take(KEY, 1, 60)
    counting = Counting(store)
    assert let_through(lambda: counting.take(KEY, parse("3/minute")), 5) == 3
