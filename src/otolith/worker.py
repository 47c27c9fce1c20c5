"""A worker: the Celery process whose children hear bells and run the jobs of all slices."""

import gc
import os
import shutil
import signal
import socket
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import psutil
import structlog
from celery import Celery, signals
from celery.exceptions import SecurityWarning
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector

from otolith import composition
from otolith.core.context import Context
from otolith.core.errors import AppError
from otolith.core.logging import configure_logging
from otolith.core.scratch import hold_scratch, make_scratch, sweep_scratch
from otolith.core.settings import Settings, load_settings
from otolith.jobs.bells import connect_bells
from otolith.jobs.broker import BELL, make_app, queue_of
from otolith.jobs.child import SCRATCH, Child, Duty
from otolith.jobs.contracts import Handler, Handlers
from otolith.jobs.lanes import known_lanes, lane_limits
from otolith.jobs.quiet import quiet_hours
from otolith.jobs.workers import sign_off, worker_name

log = structlog.get_logger(__name__)

METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
METRICS_SCRATCH = "otolith-metrics-"
# Longer than a child takes to give its job back, and shorter than supervisors wait.
STOP_SECONDS = 18.0
DISMISS_SECONDS = 0.5

Build = Callable[[Settings], Context]


class CannotWork(AppError):
    """The worker cannot start."""

    status = 500


@dataclass
class Crew:
    """A worker's Celery application with what its children need to begin; each child fills in its own `child`."""

    app: Celery
    settings: Settings
    handlers: Handlers
    duty: Duty
    build: Build
    child: Child | None = None
    stopped: threading.Event = field(default_factory=threading.Event)

    def begin(self) -> None:
        """In a child just forked: open everything anew, because nothing open may cross a fork."""
        context = self.build(self.settings)
        ringer = connect_bells(self.settings, context.database)
        self.child = Child(context, self.handlers, self.duty, ringer)
        signal.signal(signal.SIGURG, self._drain)
        # The pool puts its own handler of SIGTERM over ours when this returns, so ours is set again a moment later: by
        # a signal, because Python sets handlers in the main thread alone, which waits for its first bell by then. Not
        # by the worker's signal to drain: of two equal ones that arrive together, the kernel delivers one. And by one
        # that otherwise means nothing: the pool takes nearly all others, SIGALRM too, for its own.
        signal.signal(signal.SIGWINCH, self._heed_sigterm)
        later = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGWINCH))
        later.daemon = True
        later.start()

    def _heed_sigterm(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        signal.signal(signal.SIGTERM, self._drain)

    def _drain(self, _number: int, _frame: FrameType | None) -> None:
        self._heed_sigterm()
        if self.child is not None:
            # In a thread, because a handler runs in the middle of anything, such as of taking the same lock.
            threading.Thread(target=self.child.drain, name="otolith-drain", daemon=True).start()

    def hear(self, lane: str) -> None:
        if self.child is not None:
            self._heed_sigterm()
            self.child.hear(lane)

    def end(self) -> None:
        if self.child is not None:
            self.child.close()


def make_crew(
    settings: Settings,
    *,
    lanes: Sequence[str] = (),
    concurrency: int | None = None,
    name: str = "",
    handlers: Iterable[Handler] | None = None,
    build: Build = composition.build_context,
) -> Crew:
    """A worker that is ready to start."""
    try:
        served = known_lanes(lanes)
        # What the settings say of lanes is looked at before anything is forked.
        lane_limits(settings.jobs)
        quiet_hours(settings.jobs)
    except ValueError as error:
        raise CannotWork(str(error)) from error
    children = concurrency or settings.jobs.concurrency or max(2, os.cpu_count() or 2)
    sweep_scratch(SCRATCH)
    folder = make_scratch(SCRATCH)
    hold_scratch(folder)
    duty = Duty(worker_name(name), os.getpid(), served, children, folder)
    known = Handlers(composition.HANDLERS if handlers is None else handlers)
    crew = Crew(make_app(settings), settings, known, duty, build)

    @crew.app.task(name=BELL, ignore_result=True)
    def bell(lane: str) -> None:
        crew.hear(lane)

    return crew


def run_worker(
    settings: Settings,
    *,
    lanes: Sequence[str] = (),
    concurrency: int | None = None,
    metrics_port: int | None = None,
    name: str = "",
    handlers: Iterable[Handler] | None = None,
    build: Build = composition.build_context,
) -> int:
    """Work until SIGTERM or SIGINT; the exit code."""
    port = settings.jobs.metrics_port if metrics_port is None else metrics_port
    if port and METRICS_FOLDER not in os.environ:
        _begin_again_with_shared_metrics()
    sweep_scratch(METRICS_SCRATCH)
    if (metrics := _own_metrics()) is not None:
        hold_scratch(metrics)
    crew = make_crew(settings, lanes=lanes, concurrency=concurrency, name=name, handlers=handlers, build=build)
    receivers = _connect_signals(crew)
    try:
        if port:
            _serve_metrics(settings.host, port)
        log.info("worker.start", name=crew.duty.name, lanes=crew.duty.lanes, children=crew.duty.concurrency)
        return _run_celery(crew)
    finally:
        crew.stopped.set()
        for receiver in receivers:
            receiver()
        _clean_up(crew)


def _run_celery(crew: Crew) -> int:
    # It warns of root and recommends an option that we do not have; our guide says to run Otolith as a user of its own.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    worker = crew.app.Worker(
        hostname=f"otolith@{crew.duty.name}",
        queues=[queue_of(lane) for lane in crew.duty.lanes],
        concurrency=crew.duty.concurrency,
        pool="prefork",
        loglevel="WARNING",
        optimization="fair",
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    # What is here now is collected no more, or each child's collector would copy the pages that it shares with us.
    gc.collect()
    gc.freeze()
    worker.start()
    return int(worker.exitcode or 0)


def _connect_signals(crew: Crew) -> list[Callable[[], Any]]:
    """Hook the crew into Celery's life; the functions that unhook it."""

    def begin(**_sent: Any) -> None:
        crew.begin()

    def end(**_sent: Any) -> None:
        crew.end()

    def drain(**_sent: Any) -> None:
        # Not by SIGTERM: a child that has not begun to heed it would end at once, and be replaced.
        for process in psutil.Process().children():
            process.send_signal(signal.SIGURG)
        threading.Thread(target=_stop_in_time, args=(crew,), name="otolith-stopping", daemon=True).start()

    def leave_logging_alone(**_sent: Any) -> None:
        """Celery configures logging unless somebody listens to this signal."""

    pairs = (
        (signals.worker_process_init, begin),
        (signals.worker_process_shutdown, end),
        (signals.worker_shutting_down, drain),
        (signals.setup_logging, leave_logging_alone),
    )
    for sent, receiver in pairs:
        sent.connect(receiver, weak=False)
    return [partial(sent.disconnect, receiver) for sent, receiver in pairs]


def _stop_in_time(crew: Crew) -> None:
    """End the worker once its children have closed all they held, and by force if they do not come to that.

    The pool itself takes seconds to find that it is idle. And its processes share locks that a child which was killed
    at a bad moment keeps for ever; by then every child has given its job back or lost its lease on it.
    """
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline and not _all_closed(crew):
        if crew.stopped.wait(0.05):
            return
    if time.monotonic() >= deadline:
        log.warning("worker.stop.forced", name=crew.duty.name, seconds=STOP_SECONDS)
    if crew.stopped.is_set():
        return
    crew.duty.mark(crew.duty.dismissal)
    processes = psutil.Process().children(recursive=True)
    psutil.wait_procs(processes, timeout=DISMISS_SECONDS)
    _clean_up(crew)
    # Last of all and until none is left, because the pool puts new children in the place of those that went.
    while processes := psutil.Process().children(recursive=True):
        for process in processes:
            process.kill()
        psutil.wait_procs(processes, timeout=DISMISS_SECONDS)
    os._exit(0)


def _all_closed(crew: Crew) -> bool:
    """Whether every child has given back its job and closed what it held, so that nothing is lost with it."""
    children = psutil.Process().children()
    return bool(children) and all(crew.duty.closed_mark(child.pid).exists() for child in children)


def _begin_again_with_shared_metrics() -> None:
    """Start this very program anew: children count into shared files only if that was said before the first import."""
    environment = {**os.environ, METRICS_FOLDER: str(make_scratch(METRICS_SCRATCH))}
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)  # noqa: S606 -- Ourselves.


def _own_metrics() -> Path | None:
    """The folder that this worker made for the numbers of its children, where nobody gave it one."""
    folder = Path(os.environ.get(METRICS_FOLDER, ""))
    return folder if folder.name.startswith(METRICS_SCRATCH) else None


def _serve_metrics(host: str, port: int) -> None:
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    try:
        start_http_server(port, addr=host, registry=registry)
    except OSError as error:
        detail = f"The worker's metrics cannot be served on {host}:{port}: {error.strerror}. Name another port."
        raise CannotWork(detail) from error


def _clean_up(crew: Crew) -> None:
    shutil.rmtree(crew.duty.folder, ignore_errors=True)
    if (metrics := _own_metrics()) is not None:
        shutil.rmtree(metrics, ignore_errors=True)
    context = crew.build(crew.settings)
    try:
        sign_off(context, crew.duty.name)
    except AppError as error:
        log.warning("worker.sign_off.failed", error=error.detail)
    finally:
        context.close()
    log.info("worker.stop", name=crew.duty.name, host=socket.gethostname())


def __getattr__(name: str) -> Any:
    """`celery -A otolith.worker worker` finds its application here; settings come from the environment."""
    if name not in ("app", "celery"):
        raise AttributeError(name)
    settings = load_settings()
    configure_logging(settings)
    crew = make_crew(settings)
    _connect_signals(crew)
    return crew.app
