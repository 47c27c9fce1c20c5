"""Health, readiness and metrics, also while parts are missing or hang."""

import threading
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from otolith.composition import build_context
from otolith.core import health
from otolith.core.context import Context
from otolith.core.health import NO_ANSWER, Probe, Unfit
from otolith.core.settings import MediaSettings, Settings


def ready_under(settings: Settings, probe: Probe | None = None) -> tuple[int, dict[str, Any]]:
    """What `/ready` says of a server that runs under these settings."""
    context = build_context(settings)
    app = FastAPI()
    app.state.context = context
    app.state.probe = probe or Probe()
    app.include_router(health.router)
    with TestClient(app) as client:
        answer = client.get("/ready")
    context.close()
    return answer.status_code, answer.json()


@pytest.mark.parametrize("path", ["/health", "/api/health"])
def test_health_says_that_the_process_lives(client: TestClient, path: str) -> None:
    assert client.get(path).json() == {"status": "ok"}


@pytest.mark.parametrize("path", ["/ready", "/api/ready"])
def test_ready_names_every_part(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    found = answer.json()
    assert found.pop("timestamp").endswith("Z")
    assert found == {
        "status": "healthy",
        "database": "connected",
        "broker": "connected",
        "storage": "ok",
        "disk": "ok",
    }


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        ("database", {"database_url": "postgresql://otolith:hunter2@127.0.0.1:1/none"}),
        ("broker", {"broker_url": "redis://:hunter2@127.0.0.1:1/0"}),
        ("broker", {"broker_url": "amqp://user:hunter2@127.0.0.1:1//"}),
        ("disk", {"media": MediaSettings(min_free=10**18)}),
    ],
)
def test_a_missing_part_is_named_and_the_rest_is_well(tmp_path: Path, part: str, changes: dict[str, Any]) -> None:
    settings = Settings(data=tmp_path, workers=0).model_copy(update=changes)
    status, found = ready_under(settings)
    assert status == 503
    assert found["status"] == "unhealthy"
    assert found[part] not in ("connected", "ok")
    others = {"database", "broker", "storage", "disk"} - {part}
    assert {found[other] for other in others} <= {"connected", "ok"}
    assert "hunter2" not in str(found)


def test_a_part_that_hangs_costs_one_thread_and_two_seconds(tmp_path: Path) -> None:
    asked: list[int] = []
    release = threading.Event()

    def hanging(_context: Context) -> str:
        asked.append(1)
        release.wait(30)
        return "connected"

    def broken(_context: Context) -> str:
        reason = "out of order"
        raise Unfit(reason)

    checks = {"database": hanging, "broker": broken, "storage": lambda _: "ok", "disk": lambda _: "ok"}
    probe = Probe(checks, patience=0.05, fresh=-1)
    settings = Settings(data=tmp_path, workers=0)
    for _ in range(3):
        status, found = ready_under(settings, probe)
        assert status == 503
        assert found["database"] == NO_ANSWER
        assert found["broker"] == "out of order"
        assert found["storage"] == "ok"
    assert len(asked) == 1
    release.set()


def test_callers_within_a_second_share_one_answer(tmp_path: Path) -> None:
    asked: list[int] = []

    def answering(_context: Context) -> str:
        asked.append(1)
        return "ok"

    checks = dict.fromkeys(("database", "broker", "storage", "disk"), answering)
    probe = Probe(checks, fresh=60)
    settings = Settings(data=tmp_path, workers=0)
    ready_under(settings, probe)
    ready_under(settings, probe)
    assert len(asked) == len(checks)


@pytest.mark.parametrize("path", ["/metrics", "/api/metrics"])
def test_metrics_are_for_prometheus_and_name_nobody(client: TestClient, path: str) -> None:
    client.get("/whoami?token=hunter2", headers={"X-API-Token": "hunter2"})
    answer = client.get(path)
    assert answer.headers["content-type"].startswith("text/plain")
    assert 'otolith_http_requests_total{method="GET",route="/whoami",status="401"}' in answer.text
    assert "otolith_http_request_duration_seconds_bucket" in answer.text
    assert "otolith_database_errors_total" in answer.text
    assert "otolith_job_worker_children 0.0" in answer.text
    assert "hunter2" not in answer.text
