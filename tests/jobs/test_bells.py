"""Bells: after commit, no more than there are ears, and over files without a loss."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection

from otolith.core.settings import Settings
from otolith.jobs.bells import Ringer, connect_bells
from otolith.jobs.broker import QUEUE_OPTIONS, make_app, queue_of
from otolith.jobs.workers import sign
from tests.jobs.tasks import FAN, Bench
from tests.services import RedisServer, wait_until


def waiting(settings: Settings, lane: str) -> int:
    with make_app(settings).connection_for_write() as connection:
        channel: Any = connection.default_channel
        count: int = channel.queue_declare(queue=queue_of(lane), **QUEUE_OPTIONS).message_count
        return count


def test_jobs_ring_for_their_lane_and_no_more_than_there_are_children(bench: Bench) -> None:
    settings = bench.context.settings
    sign(bench.context, "worker", ["index", "maintenance"], 3, 1)
    bench.submit(FAN)
    wait_until(lambda: waiting(settings, "index") == 1, "the bell")
    for _ in range(20):
        bench.submit(FAN)
    wait_until(lambda: waiting(settings, "index") == 3, "a bell for each child")
    bench.submit()
    wait_until(lambda: waiting(settings, "maintenance") == 1, "the other lane's bell")
    assert waiting(settings, "index") == 3


def test_the_same_database_has_one_ringer(bench: Bench) -> None:
    database = bench.context.database
    assert connect_bells(bench.context.settings, database) is connect_bells(bench.context.settings, database)


def test_a_broker_that_is_away_delays_bells_and_nothing_else(bench: Bench, redis_server: RedisServer) -> None:
    away = RedisServer()
    settings = bench.context.settings.model_copy(update={"broker_url": away.url})
    ringer = Ringer(settings, bench.context.database)
    bench.context.database.on_commit[:] = [ringer]
    job = bench.submit()
    assert bench.job(job).state == "queued"
    away.start()
    try:
        wait_until(lambda: waiting(settings, "maintenance") == 1, "the late bell")
    finally:
        ringer.close()
        away.close()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Any]:
    """A channel of the embedded broker over an empty folder."""
    options = {"data_folder_in": str(tmp_path), "data_folder_out": str(tmp_path), "control_folder": str(tmp_path / "c")}
    with Connection(
        transport="otolith.jobs.folder_transport:Transport", transport_options=options | {"polling_interval": 0.01}
    ) as connection:
        yield connection


def test_messages_in_files_arrive_once_and_in_order(folder: Any) -> None:
    queue = folder.SimpleQueue("q")
    for number in range(100):
        queue.put(number)

    def drain(_reader: int) -> list[int]:
        found: list[int] = []
        with folder.clone() as own:
            channel = own.default_channel
            while True:
                message = channel.basic_get("q", no_ack=True)
                if message is None:
                    return found
                found.append(message.decode())

    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(drain, range(4)))
    assert sorted(number for part in parts for number in part) == list(range(100))
    assert all(part == sorted(part) for part in parts)
    queue.close()


def test_an_idle_reader_notices_what_comes_at_any_moment(folder: Any, tmp_path: Path) -> None:
    """The folder's time is coarse; a message within the same tick as the last look must not be overlooked."""
    # Kombu keeps what it knows of queues for the whole process, so this one needs a name of its own.
    queue = folder.SimpleQueue("idle")
    for number in range(30):
        queue.put(number)
        assert queue.get(timeout=5).decode() == number
        time.sleep(0.003)
    assert [path for path in tmp_path.iterdir() if path.is_file()] == []
    queue.close()
