"""Request ids, the line in the log, the metrics, and the answer to a crash."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI, Request
from prometheus_client import REGISTRY
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from otolith.core import errors
from otolith.core.errors import NotFound
from otolith.core.requests import RequestLog
from otolith.core.settings import OtelSettings
from otolith.core.tracing import Tracing


@pytest.fixture
def client() -> Iterator[TestClient]:
    app = FastAPI()
    errors.install(app)

    @app.get("/things/{number}")
    def thing(number: int) -> int:
        return number

    @app.get("/missing")
    def missing() -> None:
        raise NotFound

    @app.get("/crash")
    def crash(request: Request) -> None:
        message = "a secret: hunter2"
        raise RuntimeError(message)

    app.add_middleware(RequestLog, tracing=Tracing(OtelSettings()))
    with TestClient(app) as client:
        yield client


def lines(logs: list[Any], event: str = "http.request.done") -> list[Any]:
    return [line for line in logs if line["event"] == event]


def test_a_request_id_comes_back_and_stands_in_the_problem(client: TestClient) -> None:
    answer = client.get("/missing", headers={"X-Request-ID": "given-by-a-proxy.1"})
    assert answer.headers["x-request-id"] == "given-by-a-proxy.1"
    assert answer.json()["request_id"] == "given-by-a-proxy.1"


@pytest.mark.parametrize("given", ["", "short", "x" * 65, "with spaces in it", "line\tbreak-in", "ünicode-id"])
def test_an_unfit_request_id_is_replaced(client: TestClient, given: str) -> None:
    answer = client.get("/things/1", headers={b"X-Request-ID": given.encode()})
    assert answer.headers["x-request-id"] != given
    assert len(answer.headers["x-request-id"]) == 32


def test_the_log_has_the_template_and_never_the_query(client: TestClient) -> None:
    with capture_logs() as logs:
        client.get("/things/7?token=hunter2")
    (line,) = lines(logs)
    assert (line["method"], line["path"], line["status"]) == ("GET", "/things/{number}", 200)
    assert "hunter2" not in str(logs)
    assert line["ms"] >= 0


def test_an_address_that_leads_nowhere_is_logged_as_asked_but_counted_as_one(client: TestClient) -> None:
    with capture_logs() as logs:
        client.get("/nowhere")
    assert lines(logs)[0]["path"] == "/nowhere"
    labels = {"method": "GET", "route": "(none)", "status": "404"}
    before = REGISTRY.get_sample_value("otolith_http_requests_total", labels) or 0
    client.get("/elsewhere")
    assert REGISTRY.get_sample_value("otolith_http_requests_total", labels) == before + 1


def test_requests_are_counted_and_timed_by_template(client: TestClient) -> None:
    labels = {"method": "GET", "route": "/things/{number}"}

    def seen() -> tuple[float, float]:
        count = REGISTRY.get_sample_value("otolith_http_requests_total", {**labels, "status": "200"}) or 0
        return count, REGISTRY.get_sample_value("otolith_http_request_duration_seconds_count", labels) or 0

    before = seen()
    client.get("/things/1")
    client.get("/things/2")
    assert seen() == (before[0] + 2, before[1] + 2)


def test_a_crash_is_answered_without_telling_why(client: TestClient) -> None:
    with capture_logs() as logs:
        answer = client.get("/crash")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"] == answer.json()["request_id"]
    assert "hunter2" not in answer.text
    assert lines(logs, "http.request.crashed")[0]["exc_info"]
    assert lines(logs)[0]["status"] == 500


def test_methods_that_nobody_knows_make_no_new_series(client: TestClient) -> None:
    client.request("BREW", "/things/1")
    labels = {"method": "OTHER", "route": "/things/{number}", "status": "405"}
    assert (REGISTRY.get_sample_value("otolith_http_requests_total", labels) or 0) >= 1
