"""What browsers are told to allow, in development and in production."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from starlette.responses import Response
from starlette.testclient import TestClient

from otolith.core.security_headers import SecurityHeaders


def server(*, production: bool) -> FastAPI:
    app = FastAPI()

    @app.get("/json")
    def json() -> str:
        return "x"

    @app.get("/page")
    def page() -> HTMLResponse:
        return HTMLResponse("<p>x</p>")

    @app.get("/static")
    def static() -> Response:
        return Response("x", headers={"Cache-Control": "max-age=3600", "Content-Security-Policy": "sandbox"})

    app.add_middleware(SecurityHeaders, production=production)
    return app


@pytest.fixture(params=[False, True], ids=["development", "production"])
def production(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(params=["http", "https"])
def client(request: pytest.FixtureRequest, production: bool) -> Iterator[TestClient]:
    with TestClient(server(production=production), base_url=f"{request.param}://testserver") as client:
        yield client


@pytest.mark.parametrize("path", ["/json", "/page", "/nothing"])
def test_every_answer_is_armoured(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"


def test_tls_is_made_binding_only_in_production_over_tls(client: TestClient, production: bool) -> None:
    told = "strict-transport-security" in client.get("/page").headers
    assert told == (production and client.base_url.scheme == "https")


def test_answers_with_data_are_not_kept_but_a_route_may_decide(client: TestClient) -> None:
    assert client.get("/json").headers["cache-control"] == "no-store"
    assert client.get("/page").headers["cache-control"] == "private, no-cache"
    static = client.get("/static").headers
    assert static["cache-control"] == "max-age=3600"
    assert static["content-security-policy"] == "sandbox"
