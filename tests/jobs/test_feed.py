"""The live feed: nothing is missed, whatever commits when; followers resume, and see only what they may."""

import asyncio
import datetime as dt
import json
import threading
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update
from starlette.websockets import WebSocketDisconnect

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.jobs.feed import Position, events_after, has_gap, position_now
from otolith.jobs.models import JobEvent
from otolith.jobs.service import cancel, submit
from otolith.jobs.streams import end_streams, feed_of_app
from otolith.jobs.sweep import prune_events
from tests.callers import Callers
from tests.jobs.tasks import NOTE, Bench, Note
from tests.services import wait_until


def states(context: Context, after: Position) -> list[tuple[UUID, str]]:
    with context.database.read(SYSTEM) as session:
        return [(event.job_id, event.state) for event in events_after(session, after)]


def here(context: Context) -> Position:
    with context.database.read(SYSTEM) as session:
        return position_now(session)


def test_events_come_in_order_and_resume(bench: Bench) -> None:
    start = here(bench.context)
    job = bench.submit()
    bench.work()
    assert states(bench.context, start) == [(job, "queued"), (job, "running"), (job, "succeeded")]
    with bench.context.database.read(SYSTEM) as session:
        first = events_after(session, start)[0]
    assert states(bench.context, first.position) == [(job, "running"), (job, "succeeded")]
    assert states(bench.context, here(bench.context)) == []


def test_what_commits_late_is_not_skipped(bench: Bench) -> None:
    """On PostgreSQL a transaction may commit after one that took its ids later; readers wait for it."""
    if bench.context.database.is_sqlite:
        pytest.skip("SQLite has one writer at a time")
    start = here(bench.context)
    written, go = threading.Event(), threading.Event()
    early: list[UUID] = []

    def slow() -> None:
        with bench.writing() as session:
            early.append(submit(session, NOTE, Note()))
            written.set()
            go.wait(20)

    thread = threading.Thread(target=slow)
    thread.start()
    assert written.wait(20)
    late = bench.submit()
    place = start
    with bench.context.database.read(SYSTEM) as session:
        assert events_after(session, place) == [], "the earlier transaction is still open"
        place = position_now(session)
    go.set()
    thread.join()
    for begin in (start, place):
        assert {job for job, _ in states(bench.context, begin)} == {early[0], late}


def prune_all(bench: Bench) -> None:
    with bench.writing() as session:
        session.execute(update(JobEvent).values(at=dt.datetime(2020, 1, 1, tzinfo=dt.UTC)))
    prune_events(bench.context)


def test_a_reader_who_was_away_too_long_is_told(bench: Bench) -> None:
    begun = here(bench.context)
    bench.submit()
    with bench.context.database.read(SYSTEM) as session:
        assert not has_gap(session, begun), "nothing was ever pruned"
        seen = events_after(session, begun)[-1].position
    bench.submit()
    bench.submit()
    latest = here(bench.context)
    prune_all(bench)
    with bench.context.database.read(SYSTEM) as session:
        assert len(events_after(session, begun)) == 1
        assert has_gap(session, seen)
        assert not has_gap(session, latest)
        assert not has_gap(session, events_after(session, begun)[0].position)


async def read_stream(app: Any, path: str, headers: dict[str, str], enough: int) -> list[dict[str, str]]:
    """The first messages of an event stream of the running application."""
    found: list[dict[str, str]] = []

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(3600)
        return {}

    done = asyncio.Event()
    text = ""

    async def send(message: dict[str, Any]) -> None:
        nonlocal text
        text += message.get("body", b"").decode()
        while "\n\n" in text:
            block, text = text.split("\n\n", 1)
            fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
            if fields:
                found.append(fields)
        if len(found) >= enough:
            done.set()

    path, _, query = path.partition("?")
    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "http_version": "1.1", "scheme": "http", "server": ("testserver", 80), "client": ("127.0.0.1", 1),
        "root_path": "", "asgi": {"version": "3.0", "spec_version": "2.3"}, "state": {},
    }  # fmt: skip
    serving = asyncio.create_task(app(scope, receive, send))
    finished = asyncio.create_task(done.wait())
    await asyncio.wait({serving, finished}, timeout=30, return_when=asyncio.FIRST_COMPLETED)
    serving.cancel()
    finished.cancel()
    await asyncio.gather(serving, finished, return_exceptions=True)
    return found


def token_of(callers: Callers, kind: str) -> dict[str, str]:
    return {"X-API-Token": callers[kind].headers["X-API-Token"], "Host": "testserver"}


def test_server_sent_events_resume_and_are_filtered(callers: Callers, context: Context, bench: Bench) -> None:
    app = callers["viewer"].app
    start = here(context)
    with context.database.write(SYSTEM) as session:
        mine = submit(session, NOTE, Note(), workspace=callers.home)
        submit(session, NOTE, Note(), workspace=callers.elsewhere)
        submit(session, NOTE, Note())
    headers = token_of(callers, "viewer") | {"Last-Event-ID": str(start)}
    first = asyncio.run(read_stream(app, "/api/jobs/events", headers, 2))
    assert first[0] == {"retry": "2000", "id": str(start)}
    told = json.loads(first[1]["data"])
    assert (told["id"], told["state"]) == (str(mine), "queued")
    assert set(told) == {"id", "parent_id", "task", "lane", "state", "progress", "at"}
    bench.work()
    headers["Last-Event-ID"] = first[1]["id"]
    rest = asyncio.run(read_stream(app, "/api/jobs/events", headers, 3))
    assert [json.loads(message["data"])["state"] for message in rest[1:]] == ["running", "succeeded"]
    assert {json.loads(message["data"])["id"] for message in rest[1:]} == {str(mine)}


def test_what_happens_while_one_listens_arrives(callers: Callers, context: Context, bench: Bench) -> None:
    app = callers["admin"].app
    job: list[UUID] = []

    async def listen_and_work() -> list[dict[str, str]]:
        reading = asyncio.create_task(read_stream(app, "/api/jobs/events", token_of(callers, "admin"), 4))
        await asyncio.sleep(0.5)
        job.append(await asyncio.to_thread(bench.submit))
        await asyncio.to_thread(bench.work)
        return await reading

    found = asyncio.run(listen_and_work())
    told = [json.loads(message["data"]) for message in found[1:]]
    assert [(event["id"], event["state"]) for event in told] == [
        (str(job[0]), state) for state in ("queued", "running", "succeeded")
    ]


def test_a_place_that_is_too_old_resets(callers: Callers, context: Context, bench: Bench) -> None:
    bench.submit()
    with context.database.read(SYSTEM) as session:
        seen = events_after(session, Position(0, 0))[0].position
    for _ in range(3):
        bench.submit()
    prune_all(bench)
    headers = token_of(callers, "admin") | {"Last-Event-ID": str(seen)}
    found = asyncio.run(read_stream(callers["admin"].app, "/api/jobs/events", headers, 2))
    assert (found[1]["event"], found[1]["data"]) == ("reset", "{}")


def test_a_place_from_before_a_restore_resets_and_goes_on_from_now(callers: Callers, bench: Bench) -> None:
    bench.submit()
    headers = token_of(callers, "admin") | {"Last-Event-ID": f"{2**62}-{2**62}"}
    found = asyncio.run(read_stream(callers["admin"].app, "/api/jobs/events", headers, 2))
    assert found[1]["event"] == "reset"
    assert Position.parse(found[1]["id"]) < Position.parse(headers["Last-Event-ID"])


@pytest.mark.parametrize("place", ["yesterday", "-", "1-", "1-2-3", "1-9223372036854775808", "9223372036854775808-1"])
def test_a_broken_place_is_refused(callers: Callers, place: str) -> None:
    answer = callers["viewer"].get("/api/jobs/events", headers={"Last-Event-ID": place})
    assert answer.status_code == 400


def test_a_web_socket_follows_one_job_to_its_end(callers: Callers, context: Context, bench: Bench) -> None:
    with context.database.write(SYSTEM) as session:
        job = submit(session, NOTE, Note(), workspace=callers.home)
        other = submit(session, NOTE, Note(), workspace=callers.home)
    with callers["viewer"].websocket_connect(f"/ws/jobs/{job}") as socket:
        assert socket.receive_json()["state"] == "queued"
        with context.database.write(SYSTEM) as session:
            cancel(session, SYSTEM, other)
        bench.work()
        assert [socket.receive_json()["state"] for _ in range(2)] == ["running", "succeeded"]
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
        assert closed.value.code == 1000
    with callers["viewer"].websocket_connect(f"/ws/jobs/{job}") as socket:
        assert socket.receive_json()["state"] == "succeeded"
        with pytest.raises(WebSocketDisconnect):
            socket.receive_json()


@pytest.mark.parametrize(("kind", "code"), [("anonymous", 4401), ("unknown-token", 4401), ("stranger", 4404)])
def test_a_web_socket_is_for_those_who_may_see_the_job(
    callers: Callers, context: Context, kind: str, code: int
) -> None:
    with context.database.write(SYSTEM) as session:
        job = submit(session, NOTE, Note(), workspace=callers.home)
    with callers[kind].websocket_connect(f"/ws/jobs/{job}") as socket, pytest.raises(WebSocketDisconnect) as closed:
        socket.receive_json()
    assert closed.value.code == code


def test_a_server_that_stops_lets_its_followers_go(callers: Callers) -> None:
    app = callers["viewer"].app
    api = app.state.api  # type: ignore[attr-defined]

    async def listen_until_the_end() -> list[dict[str, str]]:
        reading = asyncio.create_task(read_stream(app, "/api/jobs/events", token_of(callers, "viewer"), 1000))
        await asyncio.to_thread(wait_until, lambda: bool(feed_of_app(api)._followers), "the follower", 20)
        end_streams(api)
        return await asyncio.wait_for(reading, 10)

    assert asyncio.run(listen_until_the_end())[0]["retry"] == "2000"
    late = asyncio.run(asyncio.wait_for(read_stream(app, "/api/jobs/events", token_of(callers, "viewer"), 1000), 10))
    assert len(late) == 1, "who comes too late is let go at once"
