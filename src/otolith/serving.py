"""Running the server: alone (`serve`), and with workers in one supervised process tree (`up`)."""

import http.client
import os
import signal
import socket
import sys
import threading
import time
from functools import partial
from types import FrameType

from otolith.core.errors import AppError, Conflict
from otolith.core.folder import lock_for_up
from otolith.core.process import Child, Supervisor, otolith_command
from otolith.core.settings import Settings
from otolith.supervision import environment_for, worker_child

START_SECONDS = 60.0


class CannotStart(AppError):
    """The server ended before it answered; the lines above say why."""

    status = 500


class PortInUse(Conflict):
    """Another program listens there already."""


def claim_port(host: str, port: int) -> None:
    """Refuse an address that cannot be listened on, before anything is started."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            detail = f"{host}:{port} cannot be listened on: {error.strerror}. Name another with --host and --port."
            raise PortInUse(detail) from error


def wait_until_answering(settings: Settings, child: Child) -> None:
    """Return once the server answers; raise if it ends first or says nothing for a minute."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 -- Translated, not bound.
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if child.process is not None and child.process.poll() is not None:
            raise CannotStart
        connection = http.client.HTTPConnection(host, settings.port, timeout=2)
        try:
            connection.request("GET", "/health")
            if connection.getresponse().status == http.client.OK:
                return
        except OSError:
            time.sleep(0.05)
        finally:
            connection.close()
    raise CannotStart


class StopSignal:
    """SIGINT and SIGTERM as something to wait for; a second one ends the process at once."""

    def __init__(self) -> None:
        self._event = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self._event.is_set():
            os._exit(128 + number)
        self._event.set()

    def wait(self) -> None:
        self._event.wait()

    @property
    def given(self) -> bool:
        return self._event.is_set()


def up(settings: Settings) -> None:
    """Server and workers in one process tree, until SIGINT or SIGTERM."""
    settings.folder.make()
    lock = lock_for_up(settings.folder)
    claim_port(settings.host, settings.port)
    stop = StopSignal()
    supervisor = Supervisor()
    server = Child("server", otolith_command("serve", "--watch"), {**environment_for(settings), "OTOLITH_WORKERS": "0"})
    try:
        supervisor.start(server)
        # The server migrates the database; workers that start later find it done and do not compete for the cores.
        wait_until_answering(settings, server)
        for number in range(1 if settings.workers is None else settings.workers):
            supervisor.start(worker_child(settings, number + 1))
        shown = f"[{settings.host}]" if ":" in settings.host else settings.host
        sys.stderr.write(f"Otolith listens on http://{shown}:{settings.port} (Ctrl-C stops it)\n")
        stop.wait()
    finally:
        supervisor.stop()
        lock.release()


def serve(settings: Settings, *, watch: bool = False) -> None:
    """The server alone, in this process, until SIGINT or SIGTERM; `watch` has it watch the folders as well."""
    # Commands that serve nothing do not pay for these imports.
    import uvicorn

    from otolith.app import create_app
    from otolith.core.farewell import PoliteServer
    from otolith.core.heads import BoundedHeads
    from otolith.jobs.streams import end_streams
    from otolith.supervision import watching

    claim_port(settings.host, settings.port)
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
        http=BoundedHeads,
        ws="websockets-sansio",
    )
    say_goodbye = partial(end_streams, app.state.api)
    if not watch:
        PoliteServer(config, say_goodbye).run()
        return
    with watching(app.state.context) as stop:

        def end() -> None:
            stop.set()
            say_goodbye()

        PoliteServer(config, end).run()
