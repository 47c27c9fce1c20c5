"""The two apps: what they answer where, and how servers start them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.testclient import TestClient

from otolith import api
from otolith.app import create_app
from otolith.composition import build_context
from otolith.core.db import Database
from otolith.core.errors import NotAvailable
from otolith.core.settings import AccountSettings, AdminSettings, LimitSettings, Settings
from otolith.migrations.migrate import migrate
from tests.callers import Callers
from tests.conftest import ADMIN_PASSWORD
from tests.services import free_port, wait_until

CHECK_POINTS = ("/health", "/ready", "/metrics", "/whoami", "/docs", "/openapi.json")


def settings_in(folder: Path) -> Settings:
    """Settings over a database of their own, for tests that are not about what is stored."""
    return Settings(
        data=folder,
        workers=0,
        admin=AdminSettings(password=SecretStr(ADMIN_PASSWORD)),
        accounts=AccountSettings(hash_memory=19_922_944, hash_rounds=2),
        limits=LimitSettings(enabled=False),
    )


@pytest.fixture
def plain(tmp_path: Path) -> Settings:
    return settings_in(tmp_path / "data")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Somebody who has not signed in, before the whole server."""
    with TestClient(create_app(settings_in(tmp_path_factory.mktemp("data")))) as server:
        yield server


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Somebody who has not signed in, before the API alone."""
    with TestClient(api.create_app(settings_in(tmp_path_factory.mktemp("data")))) as backend:
        yield backend


def answer_of(server: TestClient, path: str) -> tuple[int, str]:
    answer = server.get(path)
    return answer.status_code, answer.headers["content-type"]


@pytest.mark.parametrize("path", CHECK_POINTS)
def test_the_check_points_answer_with_and_without_the_prefix(server: TestClient, path: str) -> None:
    assert answer_of(server, path) == answer_of(server, f"/api{path}")
    assert answer_of(server, path)[0] in (200, 401)


def test_the_backend_answers_every_route_at_both_paths(backend: TestClient) -> None:
    nowhere = backend.get("/nowhere").json()["detail"]
    for path, operations in backend.get("/openapi.json").json()["paths"].items():
        filled = path.replace("{", "").replace("}", "")
        for method in operations:
            one, other = (backend.request(method, f"{prefix}{filled}") for prefix in ("", "/api"))
            assert one.status_code == other.status_code, f"{method} {path}"
            assert one.status_code != 404 or method == "head" or one.json()["detail"] != nowhere, f"{method} {path}"


def test_the_description_tells_where_the_api_lies(server: TestClient, backend: TestClient) -> None:
    assert server.get("/api/openapi.json").json()["servers"] == [{"url": "/api"}]
    assert backend.get("/api/openapi.json").json()["servers"] == [{"url": "/api"}]
    assert "servers" not in backend.get("/openapi.json").json()


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/nothing", "/api/api/health", "/health/x", "/jobs/1"])
@pytest.mark.parametrize("accept", ["text/html", "application/json", "*/*"])
def test_programs_get_problem_documents_whatever_they_accept(server: TestClient, path: str, accept: str) -> None:
    if path == "/health/x" and accept == "text/html":
        pytest.skip("Not an address of the API.")
    answer = server.get(path, headers={"Accept": accept})
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.status_code in (401, 404)
    assert answer.json()["status"] == answer.status_code


def test_people_get_pages_when_something_is_not_there(server: TestClient) -> None:
    answer = server.get("/nothing", headers={"Accept": "text/html,*/*;q=0.8", "Accept-Language": "fr"})
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert '<html lang="fr"' in answer.text


def test_people_who_have_not_signed_in_are_led_there(server: TestClient) -> None:
    answer = server.get("/", headers={"Accept": "text/html"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/")


def test_a_session_serves_pages_and_api_alike(client: TestClient) -> None:
    client.post("/sign-in", data={"username": "admin", "password": ADMIN_PASSWORD})
    assert client.get("/api/whoami").json()["username"] == "admin"
    assert client.get("/", headers={"Accept": "text/html"}).status_code == 200


@pytest.mark.parametrize("path", ["/api/tokens", "/api/workspaces", "/api/auth/logout", "/sign-out", "/upload"])
def test_a_foreign_page_changes_nothing(callers: Callers, path: str) -> None:
    browser = callers.browsers["admin"]
    for headers in ({"Origin": "https://evil.example"}, {"X-CSRF-Token": "wrong"}):
        assert browser.post(path, headers=headers, json={"name": "x"}).status_code == 403
    assert browser.get("/whoami").status_code == 200


@pytest.mark.parametrize("path", ["/api/auth/login", "/sign-in"])
def test_a_foreign_page_cannot_sign_a_browser_in(server: TestClient, path: str) -> None:
    body = {"username": "admin", "password": ADMIN_PASSWORD}
    answer = server.post(path, headers={"Origin": "https://evil.example"}, json=body)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_a_body_too_long_is_refused_before_the_caller_is_known(server: TestClient) -> None:
    assert server.post("/api/auth/login", content=b"x" * 2_000_000).status_code == 413


def test_production_makes_the_cookies_strict(plain: Settings) -> None:
    settings = Settings(
        **{**plain.model_dump(), "production_mode": True, "admin": {"password": "a much longer passphrase"}}
    )
    with TestClient(api.create_app(settings), base_url="https://testserver") as client:
        body = {"username": "admin", "password": "a much longer passphrase"}
        answer = client.post("/auth/login", json=body)
        for cookie in answer.headers.get_list("set-cookie"):
            assert "Secure" in cookie
            assert "SameSite=strict" in cookie
        assert answer.headers["strict-transport-security"].startswith("max-age=")


def test_only_named_origins_may_call_from_a_browser(plain: Settings) -> None:
    settings = plain.model_copy(update={"allowed_origins": "https://friend.example, https://other.example/"})
    with TestClient(api.create_app(settings)) as client:
        for origin, allowed in (("https://friend.example", True), ("https://evil.example", False)):
            asking = {"Origin": origin, "Access-Control-Request-Method": "POST"}
            answer = client.options("/api/tokens", headers=asking)
            assert ("access-control-allow-origin" in answer.headers) == allowed
        named = client.get("/health", headers={"Origin": "https://other.example"}).headers
        assert named["access-control-allow-origin"] == "https://other.example"
        assert named["access-control-allow-credentials"] == "true"


def test_an_origin_that_is_everybody_does_not_lend_its_cookies(plain: Settings) -> None:
    with TestClient(create_app(plain.model_copy(update={"allowed_origins": "*"}))) as client:
        headers = {"Origin": "https://evil.example", "Cookie": "otolith_session=x"}
        answer = client.get("/api/whoami", headers=headers)
    assert answer.headers["access-control-allow-origin"] in ("*", "https://evil.example")
    assert "access-control-allow-credentials" not in answer.headers


def test_without_named_origins_no_foreign_page_reads_anything(backend: TestClient) -> None:
    answer = backend.get("/health", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers


def test_as_many_threads_as_connections(plain: Settings) -> None:
    from anyio import to_thread

    app = api.create_app(plain.model_copy(update={"database_pool": 3}))

    @app.get("/threads")
    async def threads() -> float:
        return to_thread.current_default_thread_limiter().total_tokens

    with TestClient(app) as client:
        assert client.get("/threads").json() == 3


def test_a_server_waits_for_a_database_that_starts_beside_it(plain: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []

    def late(database: Database) -> bool:
        tries.append(1)
        if len(tries) < 3:
            raise NotAvailable
        return migrate(database)

    monkeypatch.setattr(api, "migrate", late)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    context = build_context(plain)
    api.prepare(context)
    assert len(tries) == 3
    monkeypatch.setattr(api, "START_PATIENCE", -1.0)
    tries.clear()
    with pytest.raises(NotAvailable):
        api.prepare(context)
    context.close()


def test_the_first_password_is_written_for_the_person_and_not_into_the_log(
    plain: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    context = build_context(plain.model_copy(update={"admin": AdminSettings()}))
    api.prepare(context)
    context.close()
    written = capsys.readouterr()
    password = written.err.split("with the password ")[1].split()[0]
    assert len(password) >= 20
    assert password not in written.out


@contextmanager
def served(data: Path, *command: str) -> Iterator[str]:
    """The address of a server that a command of somebody else's program started."""
    port = free_port()
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(data),
        "OTOLITH_DATA": str(data),
        "OTOLITH_WORKERS": "0",
        "OTOLITH_ADMIN_TOKEN": "t" * 40,
        "OTOLITH_ACCOUNTS_HASH_MEMORY": "19MiB",
        "OTOLITH_ACCOUNTS_HASH_ROUNDS": "2",
    }
    arguments = [part.replace("{port}", str(port)) for part in command]
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments], env=environ, cwd=data, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: process.poll() is not None or answers(address), f"start of {command[0]}", 60)
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=30)
    assert b"Traceback" not in output, output.decode()[-3000:]
    started = [json.loads(line) for line in output.splitlines() if b"Application startup complete" in line]
    assert all(line["logger"] == "uvicorn.error" for line in started)
    assert started
    assert output.count(b"First start: sign in") == 1, output.decode()[-3000:]


def answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health", timeout=2).status_code == 200
    except httpx.TransportError:
        time.sleep(0.1)
        return False


@pytest.mark.parametrize(
    ("command", "pages"),
    [
        (("uvicorn", "otolith.app:app", "--port", "{port}"), True),
        (("uvicorn", "otolith.api:app", "--port", "{port}", "--workers", "4"), False),
        (("gunicorn", "otolith.app:app", "-k", "uvicorn.workers.UvicornWorker", "-b", "127.0.0.1:{port}"), True),
    ],
    ids=["uvicorn", "uvicorn with four workers", "gunicorn"],
)
def test_servers_start_the_apps_from_the_environment(tmp_path: Path, command: tuple[str, ...], pages: bool) -> None:
    with served(tmp_path, *command) as address:
        token = {"X-API-Token": "t" * 40}
        for _ in range(8):
            assert httpx.get(f"{address}/api/whoami", headers=token).json()["username"] == "admin"
        assert httpx.get(f"{address}/ready").json()["status"] == "healthy"
        page = httpx.get(f"{address}/sign-in", headers={"Accept": "text/html"})
        assert page.status_code == (200 if pages else 404)


def test_an_import_alone_does_nothing(tmp_path: Path) -> None:
    program = "import otolith.app, otolith.api; print('app' in vars(otolith.app))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "False"
    assert list(tmp_path.iterdir()) == []


def test_unfit_settings_end_a_server_in_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "uvicorn", "otolith.app:app", "--port", "0"],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "ENVIRONMENT": "production", "DEBUG": "true"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "debug is on in production mode" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("path", ["/health", "/ready", "/api/health"])
def test_probes_may_ask_for_the_head_alone(server: TestClient, path: str) -> None:
    answer = server.head(path)
    assert answer.status_code == 200
    assert answer.content == b""


def test_only_the_app_is_made_by_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AttributeError):
        api.__getattr__("nothing")
    assert isinstance(api.create_app, object)
    assert not isinstance(vars(api).get("app"), FastAPI)
