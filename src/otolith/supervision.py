"""The workers that a server keeps running beside itself."""

from collections.abc import Iterator
from contextlib import contextmanager

from otolith.core.folder import FolderLock
from otolith.core.process import Child, Supervisor, otolith_command
from otolith.core.settings import Settings


def environment_for(settings: Settings) -> dict[str, str]:
    """What children need to work under the very settings of their parent."""
    return {"OTOLITH_DATA": str(settings.data), "OTOLITH_HOST": settings.host, "OTOLITH_PORT": str(settings.port)}


def worker_child(settings: Settings, number: int) -> Child:
    return Child(f"worker-{number}", otolith_command("worker"), environment_for(settings))


def watcher_child(settings: Settings) -> Child:
    """The process that watches the folders of the libraries, from when there is one to watch."""
    wanted = settings.folder.watch_wanted
    return Child("watcher", otolith_command("watch"), environment_for(settings), when=wanted.exists)


@contextmanager
def embedded_workers(settings: Settings) -> Iterator[None]:
    """Supervise the workers that these settings embed, unless another process of this data folder already does."""
    lock = FolderLock(settings.folder.run / "workers.lock")
    if settings.embedded_workers == 0 or not lock.acquire():
        yield
        return
    supervisor = Supervisor()
    for number in range(settings.embedded_workers):
        supervisor.start(worker_child(settings, number + 1))
    if settings.library.watch:
        supervisor.start(watcher_child(settings))
    try:
        yield
    finally:
        supervisor.stop()
        lock.release()
