"""`otolith up` as its user meets it: it starts, keeps its children running, says who is in the way, and stops."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.services import free_port, wait_until


class Up:
    """A running `otolith up` on a data folder of its own."""

    def __init__(self, data: Path, port: int) -> None:
        self.data, self.port = data, port
        self.log = data.with_suffix(".log")
        self.out = self.log.open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "otolith", "up", "--data", str(data), "--port", str(port)],
            stdout=self.out,
            stderr=self.out,
            env={name: value for name, value in os.environ.items() if not name.startswith("OTOLITH_")},
        )

    def answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == http.client.OK
        except OSError:
            return False
        finally:
            connection.close()

    def children(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def child(self, command: str) -> psutil.Process | None:
        for process in psutil.Process(self.process.pid).children():
            try:
                if command in process.cmdline():
                    return process
            except psutil.Error:
                continue
        return None

    def close(self) -> None:
        children = self.children()
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for child in children:
            if child.is_running():
                child.kill()
        self.out.close()


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    running = Up(tmp_path / "data", free_port())
    wait_until(running.answers, "the first answer", 60)
    wait_until(lambda: running.child("worker") is not None, "the start of the worker", 30)
    yield running
    running.close()


def test_a_second_up_on_the_same_folder_says_who_is_there_and_stops(up: Up) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "otolith", "up", "--data", str(up.data), "--port", str(free_port())],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert second.returncode == 1
    assert f"process {up.process.pid}" in second.stderr
    assert "--data" in second.stderr
    assert up.answers()


def test_children_that_die_are_started_again(up: Up) -> None:
    for command in ("serve", "worker"):
        victim = up.child(command)
        assert victim is not None
        victim.kill()

        def replaced(command: str = command, pid: int = victim.pid) -> bool:
            found = up.child(command)
            return found is not None and found.pid != pid

        wait_until(replaced, f"the restart of {command}", 30)
    wait_until(up.answers, "the answer of the restarted server", 60)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_whole_tree(up: Up, number: signal.Signals) -> None:
    children = up.children()
    assert children
    up.process.send_signal(number)
    assert up.process.wait(40) == 0
    wait_until(lambda: not any(child.is_running() for child in children), "the end of every child")
    assert "Traceback" not in up.log.read_text()


def test_a_server_that_stops_lets_go_who_follows_the_jobs(up: Up) -> None:
    password = re.search(r"sign in as admin with the password (\S+)", up.log.read_text())
    assert password is not None
    connection = http.client.HTTPConnection("127.0.0.1", up.port, timeout=30)
    said = json.dumps({"username": "admin", "password": password[1]})
    connection.request("POST", "/api/auth/login", said, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    cookies = "; ".join(value.split(";")[0] for name, value in answer.getheaders() if name.lower() == "set-cookie")
    answer.read()
    connection.request("GET", "/api/jobs/events", headers={"Cookie": cookies})
    stream = connection.getresponse()
    assert stream.readline().startswith(b"retry")
    up.process.send_signal(signal.SIGTERM)
    assert up.process.wait(40) == 0
    assert stream.read().decode().strip().startswith("id:"), "the rest of the first message, and a clean end"
    log = up.log.read_text()
    assert "Exception in ASGI" not in log
    assert "timeout" not in log
    connection.close()


def test_children_do_not_outlive_a_killed_supervisor(up: Up) -> None:
    children = up.children()
    up.process.kill()
    up.process.wait()

    def gone() -> bool:
        return not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children)

    wait_until(gone, "the end of every child", 40)
    assert gone()


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "otolith", "up", "--data", str(tmp_path), "--port", str(port)],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert f"127.0.0.1:{port}" in done.stderr
    assert "--port" in done.stderr
