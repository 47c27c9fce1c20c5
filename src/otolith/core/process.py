"""Processes that belong together: children that are started again when they die, and die with their parent."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog

log = structlog.get_logger(__name__)

SUPERVISED = "OTOLITH_SUPERVISED"

_PR_SET_PDEATHSIG = 1
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
# A child that lived this long is taken to have started well, so the next fault begins with the first pause again.
_SETTLED = 60.0


def die_with_parent() -> None:
    """Ask the kernel to end this process when its supervisor dies, however it dies; only Linux knows how."""
    parent = os.environ.pop(SUPERVISED, None)
    if parent is None or not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(parent):
        # The supervisor died between the fork and the request above.
        os.kill(os.getpid(), signal.SIGTERM)


@dataclass
class Child:
    """One supervised program: how to start it, and what runs of it now."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def spawn(self) -> subprocess.Popen[bytes]:
        environment = {**os.environ, **self.environment, SUPERVISED: str(os.getpid())}
        # A session of its own keeps the terminal's Ctrl-C with the supervisor, which then stops all in order.
        self.process = subprocess.Popen(  # noqa: S603 -- The command is our own interpreter.
            self.command, env=environment, stdin=subprocess.DEVNULL, start_new_session=True
        )
        return self.process


class Supervisor:
    """Keeps children running until it is told to stop; one waiting thread each, so idling costs nothing."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._threads: list[tuple[Child, threading.Thread]] = []

    def start(self, child: Child) -> None:
        """Start `child` and keep it running."""
        thread = threading.Thread(target=self._keep, args=(child,), name=f"supervise-{child.name}", daemon=True)
        self._threads.append((child, thread))
        thread.start()

    def _keep(self, child: Child) -> None:
        pause = _FIRST_PAUSE
        while not self._stopping.is_set():
            began = time.monotonic()
            process = child.spawn()
            if self._stopping.is_set():
                # `stop` ran between the look at the flag and the start, and has not seen this process.
                process.terminate()
            code = process.wait()
            if self._stopping.is_set():
                return
            pause = _FIRST_PAUSE if time.monotonic() - began > _SETTLED else min(pause * 2, _LONGEST_PAUSE)
            log.warning("process.child.died", child=child.name, exit_code=code, restart_in=pause)
            self._stopping.wait(pause)

    def stop(self, seconds: float = 20) -> None:
        """Ask every child to end, wait, and end by force those that do not."""
        self._stopping.set()
        for child, _thread in self._threads:
            if child.process is not None and child.process.poll() is None:
                child.process.terminate()
        deadline = time.monotonic() + seconds
        for child, thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
            if child.process is not None and child.process.poll() is None:
                log.warning("process.child.killed", child=child.name, after_seconds=seconds)
                child.process.kill()
                child.process.wait()


def otolith_command(*arguments: str) -> list[str]:
    """The command line that runs a command of this very installation."""
    return [sys.executable, "-m", "otolith", *arguments]
