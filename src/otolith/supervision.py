"""What a server keeps running beside itself: workers as processes, and the eye on the folders as a thread."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

from otolith.core.folder import FolderLock
from otolith.core.process import Child, Supervisor, otolith_command
from otolith.core.settings import Settings

if TYPE_CHECKING:
    # `otolith up` itself only keeps others running, and need not hold a database in memory for that.
    from otolith.core.context import Context

log = structlog.get_logger(__name__)

_LOOK = 1.0
_PAUSE = 10.0
_FAREWELL = 5.0


def environment_for(settings: Settings) -> dict[str, str]:
    """What children need to work under the very settings of their parent."""
    told = {"OTOLITH_DATA": str(settings.data), "OTOLITH_HOST": settings.host, "OTOLITH_PORT": str(settings.port)}
    # By itself the C library gives many threads a heap each, and returns little of any of them.
    told["MALLOC_ARENA_MAX"] = os.environ.get("MALLOC_ARENA_MAX", "2")
    return told | ({"OTOLITH_PROFILE": settings.profile} if settings.profile else {})


def worker_child(settings: Settings, number: int) -> Child:
    return Child(f"worker-{number}", otolith_command("worker"), environment_for(settings))


@contextmanager
def embedded_workers(context: "Context") -> Iterator[None]:
    """Supervise the workers that these settings embed, unless another process of this data folder already does."""
    settings = context.settings
    lock = FolderLock(settings.folder.run / "workers.lock")
    if settings.embedded_workers == 0 or not lock.acquire():
        yield
        return
    supervisor = Supervisor()
    for number in range(settings.embedded_workers):
        supervisor.start(worker_child(settings, number + 1))
    try:
        with watching(context):
            yield
    finally:
        supervisor.stop()
        lock.release()


@contextmanager
def watching(context: "Context") -> Iterator[threading.Event]:
    """Watch the folders of the libraries from when there is one to watch; the event ends it before the block does.

    In a thread of the server, which holds nearly all that it takes; as a process of its own it weighed 40 MB.
    """
    stop = threading.Event()
    eye = threading.Thread(target=_watch, args=(context, stop), name="otolith-watching", daemon=True)
    if context.settings.library.watch:
        eye.start()
    try:
        yield stop
    finally:
        stop.set()
        if eye.is_alive():
            eye.join(_FAREWELL)


def _watch(context: "Context", stop: threading.Event) -> None:
    while not context.settings.folder.watch_wanted.exists():
        if stop.wait(_LOOK):
            return
    # Where nothing is watched, nobody pays for what watches.
    from otolith.library.roots.watching import watch_until  # noqa: PLC0415 -- As said above.

    while not stop.is_set():
        try:
            watch_until(context, stop)
        except Exception:
            log.exception("library.watch.crashed")
            stop.wait(_PAUSE)
