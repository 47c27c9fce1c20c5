"""Whether the process lives, whether it can work, and what it has measured."""

import datetime as dt
import os
import shutil
import time
from collections.abc import Callable, Mapping
from typing import Annotated, Literal

import anyio
import structlog
from anyio import to_thread
from fastapi import APIRouter, Depends, Request, Response
from kombu import Connection
from pydantic import BaseModel, Field
from sqlalchemy import text

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.db import now
from otolith.core.http import Ctx
from otolith.core.metrics import CONTENT_TYPE_LATEST, Gather, render

log = structlog.get_logger(__name__)

PATIENCE = 2.0
NO_ANSWER = "no answer"


class Unfit(Exception):
    """A part of the installation cannot do its work; the message says why, without any secret."""


Check = Callable[[Context], str]


class Health(BaseModel):
    """That the process lives."""

    status: Literal["ok"] = Field(default="ok", description="Always `ok`: a process that does not live says nothing.")


class Readiness(BaseModel):
    """Whether this server can do its work now, part by part."""

    status: Literal["healthy", "unhealthy"] = Field(description="`healthy` when every part is.")
    database: str = Field(description="`connected`, or what is wrong.")
    broker: str = Field(description="`connected`, or what is wrong; jobs are safe in the database meanwhile.")
    storage: str = Field(description="`ok`, or what is wrong.")
    disk: str = Field(description="`ok`, or how little is left.")
    timestamp: dt.datetime = Field(description="When this was found out.")


def check_database(context: Context) -> str:
    with context.database.read(SYSTEM) as session:
        session.execute(text("SELECT 1"))
    return "connected"


def check_broker(context: Context) -> str:
    url = context.settings.effective_broker_url
    if url.startswith("filesystem"):
        if not os.access(context.settings.folder.broker, os.R_OK | os.W_OK | os.X_OK):
            message = "its folder in the data folder cannot be written"
            raise Unfit(message)
        return "connected"
    with Connection(url, connect_timeout=PATIENCE) as connection:
        connection.ensure_connection(max_retries=1, interval_start=0, timeout=int(PATIENCE))
    return "connected"


def check_storage(context: Context) -> str:
    if trouble := context.storage.trouble():
        # Anybody may ask this; where the files lie is for the log and the doctor.
        log.warning("health.storage.unfit", trouble=trouble)
        raise Unfit("files cannot be stored or read; the log says why")
    return "ok"


def check_disk(context: Context) -> str:
    free = shutil.disk_usage(context.settings.data).free
    if free < context.settings.media.min_free:
        message = f"only {free / 1e6:.0f} MB free; uploads and jobs wait until there is more"
        raise Unfit(message)
    return "ok"


CHECKS: Mapping[str, Check] = {
    "database": check_database,
    "broker": check_broker,
    "storage": check_storage,
    "disk": check_disk,
}


class Probe:
    """Asks every part at the same time, for two seconds at most; callers within a second share one answer.

    A part that hangs costs one thread, however often it is asked for: until it comes back it is not asked again.
    """

    def __init__(self, checks: Mapping[str, Check] = CHECKS, *, patience: float = PATIENCE, fresh: float = 1.0) -> None:
        self._checks = checks
        self._patience = patience
        self._fresh = fresh
        self._lock = anyio.Lock()
        self._asked: set[str] = set()
        self._known: dict[str, tuple[bool, str]] = {}
        self._known_at = float("-inf")

    async def ask(self, context: Context) -> dict[str, tuple[bool, str]]:
        """For each part whether it is fit, and its state in words."""
        async with self._lock:
            if time.monotonic() - self._known_at > self._fresh:
                self._known = await self._ask_all(context)
                self._known_at = time.monotonic()
            return self._known

    async def _ask_all(self, context: Context) -> dict[str, tuple[bool, str]]:
        found = dict.fromkeys(self._checks, (False, NO_ANSWER))
        limiter = anyio.CapacityLimiter(len(self._checks))

        async def ask_one(name: str) -> None:
            found[name] = await to_thread.run_sync(self._look, name, context, abandon_on_cancel=True, limiter=limiter)

        with anyio.move_on_after(self._patience):
            async with anyio.create_task_group() as group:
                for name in self._checks.keys() - self._asked:
                    group.start_soon(ask_one, name)
        return found

    def _look(self, name: str, context: Context) -> tuple[bool, str]:
        self._asked.add(name)
        try:
            return True, self._checks[name](context)
        except Unfit as error:
            return False, str(error)
        except Exception as error:  # noqa: BLE001 -- Whatever a part may raise means that it is not fit.
            log.warning("health.part.failed", part=name, error=type(error).__name__)
            return False, NO_ANSWER
        finally:
            self._asked.discard(name)


router = APIRouter(tags=["operation"])


# Some load balancers probe with HEAD.
@router.head("/health", include_in_schema=False)
@router.get("/health", summary="Whether the process lives", response_model=Health)
async def health() -> Health:
    """For a supervisor that restarts what no longer answers. It asks nothing of the database."""
    return Health()


def _probe(request: Request) -> Probe:
    probe: Probe | None = getattr(request.app.state, "probe", None)
    if probe is None:
        probe = request.app.state.probe = Probe()
    return probe


@router.head("/ready", include_in_schema=False)
@router.get(
    "/ready",
    summary="Whether the server can work",
    response_model=Readiness,
    responses={503: {"model": Readiness, "description": "A part is missing; its field says what is wrong."}},
)
async def ready(response: Response, context: Ctx, probe: Annotated[Probe, Depends(_probe)]) -> Readiness:
    """For a load balancer that sends requests only where they can be answered."""
    found = await probe.ask(context)
    healthy = all(fit for fit, _ in found.values())
    response.status_code = 200 if healthy else 503
    words = {name: state for name, (_, state) in found.items()}
    return Readiness(status="healthy" if healthy else "unhealthy", timestamp=now(), **words)


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Metrics as text."}},
)
def metrics(request: Request) -> Response:
    """Counts and times of this server, and depth and age of the job lanes. No name of a person or a file is in it."""
    gatherers: tuple[Gather, ...] = getattr(request.app.state, "gatherers", ())
    return Response(render(gatherers), media_type=CONTENT_TYPE_LATEST)
