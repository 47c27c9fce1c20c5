"""The live feed over HTTP: Server-Sent Events for everything one may see, a WebSocket for one job."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from typing import Annotated
from uuid import UUID

import structlog
from anyio import to_thread
from fastapi import APIRouter, FastAPI, Header, Query, Request, WebSocket, WebSocketDisconnect
from fastapi.requests import HTTPConnection
from fastapi.responses import StreamingResponse

from otolith.core.actor import SYSTEM, Actor
from otolith.core.context import Context
from otolith.core.db import now
from otolith.core.errors import AppError, BadRequest, NotSignedIn, responses
from otolith.core.http import actor_of, context_of
from otolith.jobs.feed import BATCH, Event, Position, events_after, has_gap
from otolith.jobs.following import Feed, Follower
from otolith.jobs.outcomes import JobNotFound
from otolith.jobs.queries import get_job
from otolith.jobs.rights import TASK as RIGHTS
from otolith.jobs.rights import is_about_rights_of
from otolith.jobs.schemas import EventOut
from otolith.jobs.service import acting

log = structlog.get_logger(__name__)
router = APIRouter()

HEARTBEAT_SECONDS = 15.0
# How long a caller whose session ended or whose token was revoked may go on listening.
AGAIN_SECONDS = 60.0
_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


def feed_of(connection: HTTPConnection) -> Feed:
    """The one feed of this application, made when it is first followed."""
    return feed_of_app(connection.app)


def feed_of_app(app: FastAPI) -> Feed:
    state = app.state
    if not hasattr(state, "job_feed"):
        state.job_feed = Feed(state.context)
    feed: Feed = state.job_feed
    return feed


def end_streams(app: FastAPI) -> None:
    """End every stream of this application, as a server does before it waits for its connections to end."""
    feed_of_app(app).close()


@router.get(
    "/jobs/events",
    summary="Follow jobs",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Changes as they happen, each the JSON of a job's id, state and progress.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        **responses(BadRequest, NotSignedIn),
    },
)
async def follow_jobs(
    request: Request,
    last_event_id: Annotated[str | None, Header(description="Resume after this event.")] = None,
    after: Annotated[str | None, Query(description="As Last-Event-ID, for clients that cannot set it.")] = None,
    job: Annotated[UUID | None, Query(description="Only this job and its children.")] = None,
) -> StreamingResponse:
    """Changes of the jobs that you may see, as Server-Sent Events.

    An event says what to fetch again and carries little more. After a break the browser resumes by itself with
    `Last-Event-ID`; where that is too old, a `reset` event says to fetch everything again.
    """
    actor = await to_thread.run_sync(actor_of, request)
    resumed = last_event_id or after
    place = Position.parse(resumed) if resumed else None
    return StreamingResponse(_stream(request, actor, place, job), media_type="text/event-stream", headers=_HEADERS)


async def _stream(request: Request, actor: Actor, place: Position | None, job: UUID | None) -> AsyncIterator[str]:
    caller = _Caller(request, actor)

    def wanted(event: Event) -> bool:
        return caller.may_see(event) and (job is None or job in (event.job_id, event.parent_id))

    def heard(event: Event) -> bool:
        return wanted(event) or is_about_rights_of(event, actor.user_id)

    context, feed = context_of(request), feed_of(request)
    follower = await feed.join(heard)
    try:
        start: Position = place if place is not None else await to_thread.run_sync(feed.start)
        yield f"retry: 2000\nid: {start}\n\n"
        if place is not None and await to_thread.run_sync(_gap, context, place):
            # What came before is fetched again as a whole; a place from before a restore may even lie in the future.
            start = await to_thread.run_sync(feed.start)
            yield f"id: {start}\n{_reset()}"
        async for event in _backlog(context, start):
            start = event.position
            if wanted(event):
                yield _told(event)
        while not follower.ended and await caller.is_still_allowed():
            events = await follower.take(HEARTBEAT_SECONDS)
            if events is None:
                yield _reset()
                continue
            if not await caller.may_go_on(events):
                return
            # What was read from the table just now may come from the follower once more.
            fresh = [event for event in events if event.position > start and wanted(event)]
            yield "".join(_told(event) for event in fresh) or (": heartbeat\n\n" if not events else "")
    finally:
        feed.leave(follower)


class _Caller:
    """Who listens, asked again from time to time, because rights change while a stream goes on."""

    def __init__(self, connection: HTTPConnection, actor: Actor) -> None:
        self._connection = connection
        self._actor = actor
        self._asked_at = time.monotonic()

    def may_see(self, event: Event) -> bool:
        return event.task != RIGHTS and event.visible_to(self._actor)

    async def may_go_on(self, events: Sequence[Event]) -> bool:
        """As `is_still_allowed`, and asked at once where one of the events says that the caller's rights changed."""
        if any(is_about_rights_of(event, self._actor.user_id) for event in events):
            self._asked_at = -AGAIN_SECONDS
        return await self.is_still_allowed()

    async def is_still_allowed(self) -> bool:
        if time.monotonic() - self._asked_at < AGAIN_SECONDS:
            return True
        self._asked_at = time.monotonic()
        try:
            self._actor = await to_thread.run_sync(self._connection.app.state.authenticate, self._connection)
        except AppError:
            return False
        return self._actor.kind != "anonymous"


def _told(event: Event) -> str:
    return f"id: {event.position}\ndata: {EventOut.of(event).model_dump_json()}\n\n"


def _reset() -> str:
    return "event: reset\ndata: {}\n\n"


def _gap(context: Context, place: Position) -> bool:
    with context.database.read(SYSTEM) as session:
        return has_gap(session, place)


def _batch(context: Context, place: Position, job: UUID | None = None) -> list[Event]:
    with context.database.read(SYSTEM) as session:
        return events_after(session, place, job=job)


async def _backlog(context: Context, place: Position) -> AsyncIterator[Event]:
    """What happened after `place` and can be read now."""
    while True:
        events = await to_thread.run_sync(_batch, context, place)
        for event in events:
            yield event
        if len(events) < BATCH:
            return
        place = events[-1].position


@router.websocket("/ws/jobs/{job_id}", name="follow_job")
async def follow_job(websocket: WebSocket, job_id: UUID) -> None:
    """One job: its state at once, then every change as JSON; closed after the last one.

    Closed with 4401 for a caller who is nobody, and with 4404 where there is no such job to see.
    """
    await websocket.accept()
    try:
        actor = await to_thread.run_sync(actor_of, websocket)
    except AppError as error:
        await websocket.close(4401, error.detail[:120])
        return
    feed = feed_of(websocket)
    follower = await feed.join(lambda event: event.job_id == job_id or is_about_rights_of(event, actor.user_id))
    hanging_up = asyncio.create_task(_until_hung_up(websocket))
    try:
        telling = asyncio.create_task(_tell(websocket, actor, job_id, follower))
        await asyncio.wait({hanging_up, telling}, return_when=asyncio.FIRST_COMPLETED)
        telling.cancel()
        (fault,) = await asyncio.gather(telling, return_exceptions=True)
        if isinstance(fault, Exception) and not (hanging_up.done() or follower.ended):
            log.warning("jobs.socket.failed", error=type(fault).__name__, exc_info=not isinstance(fault, AppError))
            await websocket.close(1011, "This could not be followed any further; come back in a moment.")
    finally:
        hanging_up.cancel()
        feed.leave(follower)


async def _until_hung_up(websocket: WebSocket) -> None:
    """Returns when the other side has gone; what it says is not listened to."""
    try:
        while True:
            await websocket.receive_text()
    except (WebSocketDisconnect, KeyError, RuntimeError):
        return


async def _tell(websocket: WebSocket, actor: Actor, job_id: UUID, follower: Follower) -> None:
    caller = _Caller(websocket, actor)
    context, feed = context_of(websocket), feed_of(websocket)
    # In this order: what changes after the place was taken comes as an event, and what changed before is in the job.
    start = await to_thread.run_sync(feed.start)
    first = await to_thread.run_sync(_present, context, actor, job_id)
    if first is None:
        await websocket.close(4404, JobNotFound().detail)
        return
    await websocket.send_text(first[0].model_dump_json())
    ended = first[1]
    pending = await to_thread.run_sync(_batch, context, start, job_id)
    while not (ended or follower.ended) and await caller.is_still_allowed():
        for event in pending:
            if not caller.may_see(event):
                await websocket.close(4404, JobNotFound().detail)
                return
            start = event.position
            await websocket.send_text(EventOut.of(event).model_dump_json())
            ended = ended or event.is_last
        if ended:
            break
        taken = await follower.take(HEARTBEAT_SECONDS)
        if taken is None:
            taken = await to_thread.run_sync(_batch, context, start, job_id)
        if not await caller.may_go_on(taken):
            break
        pending = [event for event in taken if event.position > start and event.job_id == job_id]
    if ended or not follower.ended:
        # A server that stops closes its sockets itself, with the code that says to come back.
        await websocket.close(1000)


def _present(context: Context, actor: Actor, job_id: UUID) -> tuple[EventOut, bool] | None:
    with context.database.read(acting(actor)) as session:
        job = get_job(session, actor, job_id)
        return None if job is None else (EventOut.of_job(job, now()), job.finished_at is not None)
