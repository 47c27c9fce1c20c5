"""Who comes in: hosts that are ours, TLS where it is asked for, and readers of the description and the metrics."""

import pytest
from starlette.testclient import TestClient

from otolith.app import create_app
from otolith.core.context import Context
from otolith.core.settings import Settings
from tests.callers import Callers, make_callers


def client_of(settings: Settings, **changes: object) -> TestClient:
    return TestClient(create_app(settings.model_copy(update=changes)), follow_redirects=False)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("otolith.example", 401),
        ("OTOLITH.example:8443", 401),
        ("a.b.otolith.example", 401),
        ("evil.example", 400),
        ("otolith.example.evil.example", 400),
        ("notolith.example", 400),
        ("", 400),
    ],
)
def test_only_hosts_of_ours_are_answered(settings: Settings, host: str, status: int) -> None:
    with client_of(settings, allowed_hosts="otolith.example, *.otolith.example") as client:
        answer = client.get("/api/whoami", headers={"Host": host})
        assert answer.status_code == status
        # A load balancer asks by address.
        assert client.get("/health", headers={"Host": "10.0.0.7:8000"}).status_code == 200


def test_any_host_is_answered_where_none_is_named(client: TestClient) -> None:
    assert client.get("/api/whoami", headers={"Host": "any.example"}).status_code == 401


def test_requests_without_tls_are_sent_on(settings: Settings) -> None:
    with client_of(settings, https_redirect=True) as client:
        answer = client.post("/api/tokens?x=1", headers={"Host": "otolith.example:8080"})
        assert (answer.status_code, answer.headers["location"]) == (308, "https://otolith.example/api/tokens?x=1")
        assert client.get("/health").status_code == 200
        assert client.get("/ready").status_code in (200, 503)
        told = {"X-Forwarded-Proto": "https"}
        # Believed from a trusted proxy alone, which this caller is not.
        assert client.get("/api/whoami", headers=told).status_code == 308
    app = create_app(settings.model_copy(update={"https_redirect": True}))
    with TestClient(app, client=("127.0.0.1", 1)) as proxy:
        assert proxy.get("/api/whoami", headers=told).status_code == 401


PATHS = {"docs_access": ("/docs", "/api/docs", "/api/openapi.json", "/openapi.json"), "metrics_access": ("/metrics",)}


@pytest.mark.parametrize("setting", PATHS)
@pytest.mark.parametrize(
    ("level", "nobody", "viewer", "admin"),
    [
        ("everybody", 200, 200, 200),
        ("users", 401, 200, 200),
        ("admins", 401, 403, 200),
        ("nobody", 404, 404, 404),
    ],
)
def test_the_description_and_the_metrics_are_for_whom_the_settings_name(
    settings: Settings, context: Context, setting: str, level: str, nobody: int, viewer: int, admin: int
) -> None:
    app = create_app(settings.model_copy(update={setting: level}))
    with TestClient(app):
        callers: Callers = make_callers(app, context)
        for path in PATHS[setting]:
            got = [callers[kind].get(path).status_code for kind in ("anonymous", "viewer", "admin")]
            assert (path, *got) == (path, nobody, viewer, admin)


@pytest.mark.parametrize("path", ["/api/metrics%0A", "/api/docs%0A", "/api/openapi.json%0A", "/health%00", "/a%7Fb"])
def test_no_character_that_is_not_seen_leads_past_a_guard(settings: Settings, path: str) -> None:
    with client_of(settings, metrics_access="nobody", docs_access="nobody") as client:
        answer = client.get(path)
        assert (answer.status_code, answer.json()["type"]) == (400, "urn:otolith:problem:unfit-address")
