"""Every route of the API against those who may not: a route that forgets to ask who calls fails here."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from otolith.api import SIGN_IN_PATHS
from otolith.core.api_page import operations_of
from tests.callers import Callers

# What anybody may ask, and why.
OPEN = {
    ("GET", "/health"): "a supervisor has no account",
    ("GET", "/ready"): "nor has a load balancer",
    ("GET", "/metrics"): "nor has Prometheus; no name is in it",
    ("POST", "/auth/login"): "here one becomes somebody",
    ("POST", "/auth/login/code"): "the challenge says who knew the password",
    ("POST", "/auth/forgot"): "whoever forgot the password cannot sign in",
    ("POST", "/auth/register"): "nor can whoever has no account yet",
    ("POST", "/auth/confirm"): "the link says whose it is",
    ("POST", "/auth/refresh"): "it asks for a secret of its own",
    ("POST", "/auth/logout"): "signing out twice is no error",
    ("OPTIONS", "/media/uploads"): "tells what the upload protocol can do",
    ("GET", "/shared/{secret}"): "for whoever holds the link",
    ("GET", "/shared/{secret}/stream"): "likewise",
    ("HEAD", "/shared/{secret}/stream"): "likewise",
}
ID = "01920000-0000-7000-8000-000000000000"


def routes(client: TestClient) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for method, path, operation in operations_of(client.get("/api/openapi.json").json()):
        yield method, path, dict(operation)


def filled(path: str) -> str:
    """The path with an id in every place for one."""
    return "/api" + "/".join(ID if part.startswith("{") else part for part in path.split("/"))


def test_the_description_says_the_same(callers: Callers) -> None:
    said = {(method, path): bool(operation.get("security")) for method, path, operation in routes(callers["anonymous"])}
    assert {asked for asked, needed in said.items() if not needed} == OPEN.keys() & said.keys()


@pytest.mark.parametrize(
    "lock", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"X-CSRF-Token": "wrong"}]
)
def test_no_foreign_page_changes_anything_by_any_route(callers: Callers, lock: dict[str, str]) -> None:
    browser = callers.browsers["admin"]
    answered = {
        (method, path): browser.request(method, filled(path), headers=lock).status_code
        for method, path, _ in routes(callers["anonymous"])
        if method not in ("GET", "HEAD", "OPTIONS")
        if not (path in SIGN_IN_PATHS and "X-CSRF-Token" in lock)
    }
    assert {asked: status for asked, status in answered.items() if status != 403} == {}
    assert browser.get("/whoami").status_code == 200


@pytest.mark.parametrize("kind", ["viewer", "readonly", "stranger", "editor", "admin"])
def test_nothing_crashes_on_ids_that_lead_nowhere(callers: Callers, kind: str) -> None:
    for method, path, operation in routes(callers["anonymous"]):
        if path in ("/jobs/events", "/auth/logout"):
            continue
        for address in (filled(path), filled(path).replace(ID, "not-an-id")):
            answer = callers.browsers[kind].request(method, address)
            assert answer.status_code < 500, f"{method} {address}: {answer.text}"
            assert str(answer.status_code) in operation["responses"], f"{method} {address}: {answer.status_code}"
