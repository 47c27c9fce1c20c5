"""Requests over HTTP against their limits: who is counted for what, what is not, and how refusals look."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.testclient import TestClient

from otolith.accounts.limits.guarding import UNCOUNTED, LimitedDoor, RequestLimits
from otolith.composition import build_context
from otolith.core.context import Context
from otolith.core.settings import LimitSettings, Settings
from tests.callers import Callers, add_token, add_user, browser_of
from tests.conftest import ADMIN_PASSWORD

LIMITS = LimitSettings(token="8/minute", session="12/minute", anonymous="4/minute")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"limits": LIMITS, "trusted_proxies": "10.0.0.0/8"})


@pytest.fixture
def context(settings: Settings) -> Iterator[Context]:
    context = build_context(settings)
    yield context
    context.close()


def statuses(client: TestClient, times: int, path: str = "/api/whoami", **options: Any) -> list[int]:
    return [client.get(path, **options).status_code for _ in range(times)]


def test_a_token_has_its_own_limit(client: TestClient, app: FastAPI, context: Context) -> None:
    user = add_user(context, "Ann")
    for token in (add_token(context, user), add_token(context, user)):
        program = TestClient(app, headers={"Authorization": f"Bearer {token}"})
        assert statuses(program, 10) == [200] * 8 + [429] * 2


def test_the_browsers_of_a_user_share_one_limit(client: TestClient, app: FastAPI, context: Context) -> None:
    user = add_user(context, "Ann")
    browsers = [browser_of(app, context, user) for _ in range(2)]
    assert [status for browser in browsers for status in statuses(browser, 7)] == [200] * 12 + [429] * 2


def test_answers_tell_what_is_left_and_refusals_when_to_come_back(callers: Callers) -> None:
    first, *_, last = [callers["viewer"].get("/api/whoami") for _ in range(9)]
    assert first.headers["RateLimit-Policy"] == "8;w=60"
    assert (first.headers["RateLimit-Limit"], first.headers["RateLimit-Remaining"]) == ("8", "7")
    assert last.status_code == 429
    assert last.headers["content-type"] == "application/problem+json"
    assert last.json()["type"] == "urn:otolith:problem:too-many-requests"
    assert last.headers["RateLimit-Remaining"] == "0"
    assert 0 < int(last.headers["Retry-After"]) <= 60


def test_callers_may_ask_what_is_left(callers: Callers) -> None:
    left = callers["viewer"].get("/api/whoami").json()["requests"]
    assert (left["limit"], left["window"], left["remaining"]) == (8, 60, 7)
    assert 0 < left["reset"] <= 60
    assert callers.browsers["viewer"].get("/api/whoami").json()["requests"]["limit"] == 12


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer oto_wrong"}], ids=["nobody", "wrong token"])
def test_who_shows_no_valid_credential_counts_for_the_network(client: TestClient, headers: dict[str, str]) -> None:
    assert statuses(client, 6, headers=headers) == [401] * 4 + [429] * 2


def test_a_wrong_token_each_time_is_no_way_around(client: TestClient) -> None:
    answers = [client.get("/api/whoami", headers={"X-API-Token": f"oto_{number}"}) for number in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 4 + [429] * 2


def test_the_network_is_what_the_trusted_proxy_tells(app: FastAPI, client: TestClient) -> None:
    proxy = TestClient(app, client=("10.0.0.1", 1))
    for number in range(6):
        # Written by the client itself, further left than what the proxy saw.
        told = f"198.51.100.{number}, 203.0.113.9"
        answer = proxy.get("/api/whoami", headers={"X-Forwarded-For": told})
        assert answer.status_code == (401 if number < 4 else 429)
    assert proxy.get("/api/whoami", headers={"X-Forwarded-For": "203.0.113.10"}).status_code == 401


@pytest.mark.parametrize("proxies", [1, 2])
def test_no_header_of_the_client_s_own_makes_a_new_network_behind_proxies(
    app: FastAPI, client: TestClient, proxies: int
) -> None:
    proxy = TestClient(app, client=("10.0.0.2", 1))
    # Each proxy adds on the right whom it saw: the client, and behind a second one the first.
    seen = ["203.0.113.9", "10.0.0.1"][:proxies]
    for number in range(6):
        chain = ", ".join([f"198.51.100.{number}", *seen])
        told = {"X-Forwarded-For": chain, "X-Real-IP": f"198.51.100.{number}", "Forwarded": f"for=198.51.100.{number}"}
        assert proxy.get("/api/whoami", headers=told).status_code == (401 if number < 4 else 429)


def test_headers_of_strangers_make_no_new_network(app: FastAPI, client: TestClient) -> None:
    stranger = TestClient(app, client=("203.0.113.66", 1))
    answers = [stranger.get("/api/whoami", headers={"X-Forwarded-For": f"198.51.100.{n}"}) for n in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 4 + [429] * 2


def test_an_ipv6_subscriber_is_one_network(app: FastAPI, client: TestClient) -> None:
    answers = [
        TestClient(app, client=(f"2001:db8:1:2::{number:x}", 1)).get("/api/whoami").status_code for number in range(6)
    ]
    assert answers == [401] * 4 + [429] * 2
    assert TestClient(app, client=("2001:db8:1:3::1", 1)).get("/api/whoami").status_code == 401


def test_probes_and_what_pages_ask_by_themselves_are_not_counted(callers: Callers) -> None:
    caller = callers["viewer"]
    nothing = "00000000-0000-0000-0000-000000000000"
    for path in ("/health", f"/api/media/{nothing}/stream", f"/api/media/{nothing}/waveform"):
        assert 429 not in statuses(caller, 12, path)
    assert statuses(caller, 1) == [200]


def test_every_stream_and_picture_has_its_place_among_the_uncounted(app: FastAPI) -> None:
    paths = {str(one.path_format) for one in iter_route_contexts(app.state.api.routes) if one.methods}
    many = {path for path in paths if re.search(r"stream|waveform|cover$|image$|events$", path)}
    assert many
    assert {path for path in paths if UNCOUNTED.fullmatch(path)} == many


@pytest.mark.parametrize("path", ["/api/auth/login", "/sign-in"])
def test_signing_in_is_five_a_minute_for_a_network(client: TestClient, path: str) -> None:
    right = {"username": "admin", "password": ADMIN_PASSWORD}
    kind = "data" if path == "/sign-in" else "json"
    options: dict[str, Any] = {kind: right, "follow_redirects": False}
    answers = [client.post(path, **options) for _ in range(6)]
    assert [answer.status_code for answer in answers][-1] == 429
    assert 429 not in [answer.status_code for answer in answers[:5]]
    assert "Retry-After" in answers[-1].headers


@pytest.mark.parametrize("path", ["/api/auth/forgot", "/api/auth/confirm", "/forgot", "/register", "/account/password"])
def test_whatever_takes_a_secret_or_sends_mail_is_as_limited(client: TestClient, path: str) -> None:
    answers = [client.post(path, json={}).status_code for _ in range(6)]
    assert answers[-1] == 429
    assert 429 not in answers[:5]


def test_signing_out_guesses_nothing(client: TestClient) -> None:
    assert {client.post("/api/auth/logout").status_code for _ in range(8)} == {204}


def test_ten_thousand_attempts_over_many_addresses_are_few_for_each_network(
    sqlite_template: Path, tmp_path: Path
) -> None:
    """The door alone, since what is behind it would hash passwords."""
    passed: list[str] = []
    settings = Settings(data=tmp_path)
    settings.folder.database.write_bytes(sqlite_template.read_bytes())
    context = build_context(settings)

    async def behind(scope: Any, _receive: Any, _send: Any) -> None:
        passed.append(scope["client"][0])

    door = LimitedDoor(behind, RequestLimits(context))

    async def attack() -> None:
        async def dropped(_message: Any) -> None:
            pass

        for number in range(10_000):
            # Forty subscribers with a network of 64 bits each, a new address every time.
            address = f"2001:db8:0:{number % 40:x}::{number:x}"
            scope = {"type": "http", "method": "POST", "path": "/auth/login", "headers": [], "client": (address, 1)}
            await door(scope, None, dropped)  # type: ignore[arg-type]

    anyio.run(attack)
    context.close()
    assert len(passed) == 40 * 5


def test_limits_that_are_off_count_nothing(settings: Settings) -> None:
    context = build_context(settings.model_copy(update={"limits": LimitSettings(enabled=False)}))
    limits = RequestLimits(context)
    assert [limits.take("sign_in", "203.0.113.9") for _ in range(50)] == [None] * 50
    context.close()
