"""A real Otolith and a real Chromium."""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

from tests.browser.sounds import write_tune

PASSWORD = "correct horse battery staple"
CHROMIUM = os.environ.get("OTOLITH_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
HOME_NAME = "otolith.home"
# Debian's Chromium as root in a container, talking to nobody but the server under test.
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--mute-audio",
    # Under this name the server has no secure context, as in a network at home.
    f"--host-resolver-rules=MAP {HOME_NAME} 127.0.0.1",
]
START_SECONDS = 60


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@dataclass(frozen=True)
class House:
    """A running Otolith, and a tune to give it."""

    url: str
    folder: Path
    tune: Path


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        connection.close()


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if _answers(port):
            return
        time.sleep(0.1)
    pytest.fail(f"The server did not start:\n{log.read_text()[-4000:]}")


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """`otolith up` on a data folder of its own, as a person would start it."""
    folder = tmp_path_factory.mktemp("house")
    port = _free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTOLITH_")} | {
        # All browsers of the tests sign in from one address.
        "OTOLITH_LIMITS_ENABLED": "false",
        "OTOLITH_ADMIN_PASSWORD": PASSWORD,
        "OTOLITH_MEDIA_UPLOAD_LIMIT": "200mb",
        "OTOLITH_JOBS_CONCURRENCY": "2",
        "OMP_NUM_THREADS": "1",
    }
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "otolith", "up", "--data", str(folder / "data"), "--port", str(port)],
            env=environment,
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_for(port, process, log)
        yield House(f"http://127.0.0.1:{port}", folder, write_tune(folder / "Tidal Room.wav"))
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


# Ended with this package: while it runs, no test of the same process can run an event loop of its own.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("There is no Chromium; on Debian: apt install chromium.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


Visit = Callable[..., Page]


@pytest.fixture
def visit(chromium: Browser, house: House) -> Iterator[Visit]:
    """A page of a fresh browser; what goes wrong in its scripts fails the test."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def open_page(
        *,
        javascript: bool = True,
        language: str = "en",
        colours: str = "light",
        width: int = 1280,
        signed_in: bool = True,
    ) -> Page:
        context = chromium.new_context(
            base_url=house.url,
            java_script_enabled=javascript,
            locale=language,
            color_scheme="dark" if colours == "dark" else "light",
            viewport=ViewportSize(width=width, height=800),
        )
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text) if _is_fault(message.text) else None)
        if signed_in:
            sign_in(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []


def _is_fault(text: str) -> bool:
    return any(part in text for part in ("Content Security Policy", "Uncaught", "htmx:error"))


def sign_in(page: Page) -> None:
    page.goto("/sign-in")
    page.fill("#username", "admin")
    page.fill("#password", PASSWORD)
    page.click("button.first")
    page.wait_for_selector("#account")
