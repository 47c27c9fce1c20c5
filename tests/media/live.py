"""A whole server in a process of its own, for what only shows on the wire or when a process dies."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import psutil

from tests.services import free_port, wait_until

TOKEN = "a-token-for-the-tests-of-the-wire-0123456789"


class LiveServer:
    """Uvicorn with one process over a data folder, killable and startable again."""

    def __init__(self, data: Path, **environment: str) -> None:
        self.data = data
        self.port = free_port()
        self.environment = environment
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        settings = {"OTOLITH_DATA": str(self.data), "OTOLITH_ADMIN_TOKEN": TOKEN, "OTOLITH_WORKERS": "0"}
        settings["OTOLITH_LIMITS_ENABLED"] = "false"
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "uvicorn", "otolith.app:app", "--port", str(self.port)),
                *("--log-level", "warning", "--no-access-log"),
            ],
            env={**kept, **settings, **self.environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_until(self._answers, "start of the server", 60)

    def _answers(self) -> bool:
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/health", timeout=2).status_code == 200
        return False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers={"X-API-Token": TOKEN}, timeout=60)

    def resident(self) -> int:
        """Bytes of memory that the server's own process holds."""
        assert self.process is not None
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def children(self, word: str) -> list[int]:
        """Processes below the server whose command line has a word in it."""
        assert self.process is not None
        found = []
        for child in psutil.Process(self.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if any(word in part for part in child.cmdline()):
                    found.append(child.pid)
        return found

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(30)
        self.process = None
