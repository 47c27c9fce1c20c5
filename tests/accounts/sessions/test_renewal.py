"""How a session's secrets follow one another, and what a copy of an old one is worth."""

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi import FastAPI
from sqlalchemy import select, update
from starlette.testclient import TestClient

from otolith.accounts.credentials import digest
from otolith.accounts.models import SpentRefresh, UserSession
from otolith.accounts.sessions.secrets import SignedIn, first_pair, successor
from otolith.accounts.sessions.service import GRACE, renew
from otolith.accounts.sessions.signing import sign_in
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.db import now
from otolith.core.settings import Settings
from tests.callers import add_user
from tests.conftest import ADMIN_PASSWORD

# Where the test client keeps the cookies that it is given by the server.
HOST = "testserver.local"
COOKIES = ("otolith_session", "otolith_refresh", "otolith_csrf")


def begun(context: Context, *, remember: bool = False) -> SignedIn:
    return sign_in(context, "admin", ADMIN_PASSWORD, remember=remember)


def enter(client: TestClient, signed_in: SignedIn, *, access: bool = True) -> None:
    """Let the client hold the session's cookies; without `access` as a browser does an hour later."""
    client.cookies.clear()
    if access:
        client.cookies.set("otolith_session", signed_in.secret, domain=HOST)
    client.cookies.set("otolith_refresh", signed_in.refresh, domain=HOST)


def let_pass(context: Context, time: dt.timedelta) -> None:
    """Move everything that was spent into the past."""
    with context.database.write(SYSTEM) as session:
        for spent in session.scalars(select(SpentRefresh)):
            spent.spent_at -= time


def expire_access(context: Context) -> None:
    with context.database.write(SYSTEM) as session:
        session.execute(update(UserSession).values(access_until=now() - dt.timedelta(seconds=1)))


def test_a_session_that_has_to_be_renewed_is_renewed_by_any_request(client: TestClient, context: Context) -> None:
    first = begun(context)
    expire_access(context)
    enter(client, first)
    answer = client.get("/whoami")
    assert answer.status_code == 200
    cookies = {cookie.partition("=")[0]: cookie for cookie in answer.headers.get_list("set-cookie")}
    assert tuple(cookies) == COOKIES
    assert client.cookies["otolith_session"] != first.secret
    assert client.cookies["otolith_refresh"] != first.refresh
    assert client.cookies["otolith_csrf"] == first.csrf_token
    again = client.get("/whoami")
    assert (again.status_code, again.headers.get("set-cookie")) == (200, None)


def test_what_was_renewed_is_brought_even_by_an_error(client: TestClient, context: Context) -> None:
    enter(client, begun(context), access=False)
    answer = client.get("/api/jobs/0190c5d0-0000-7000-8000-000000000000")
    assert answer.status_code == 404
    assert "otolith_refresh=" in answer.headers["set-cookie"]


def test_a_page_renews_as_well_and_its_form_goes_on(client: TestClient, context: Context) -> None:
    first = begun(context)
    enter(client, first, access=False)
    page = client.get("/activity")
    assert f'name="csrf_token" value="{first.csrf_token}"' in page.text
    renewed = client.cookies["otolith_refresh"]
    client.cookies.delete("otolith_session")
    sent = client.post("/preferences", data={"csrf_token": first.csrf_token, "theme": "dark"}, follow_redirects=False)
    assert sent.status_code == 303
    assert client.cookies["otolith_refresh"] == renewed  # This page asks for nobody, so nothing was spent.


def test_programs_renew_when_they_like(client: TestClient, context: Context) -> None:
    first = begun(context)
    enter(client, first)
    assert client.post("/api/auth/refresh").status_code == 403
    answer = client.post("/api/auth/refresh", headers={"X-CSRF-Token": first.csrf_token})
    assert answer.status_code == 200
    assert answer.json()["csrf_token"] == first.csrf_token
    assert client.get("/whoami").status_code == 200
    client.cookies.clear()
    assert client.post("/api/auth/refresh").status_code == 401


def test_requests_that_were_under_way_together_get_the_same_successor(context: Context, client: TestClient) -> None:
    first = begun(context)
    second = renew(context, first.refresh)
    assert second is not None
    assert renew(context, first.refresh) == second
    third = renew(context, second.refresh)
    assert third is not None
    assert renew(context, first.refresh) == third  # Not the second, which is spent by now.


def test_parallel_renewals_agree(context: Context, client: TestClient) -> None:
    first = begun(context)
    together = threading.Barrier(6)

    def race() -> SignedIn | None:
        together.wait(30)
        return renew(context, first.refresh)

    with ThreadPoolExecutor(6) as pool:
        found = {future.result(60) for future in [pool.submit(race) for _ in range(6)]}
    assert len(found) == 1
    assert None not in found
    with context.database.read(SYSTEM) as session:
        assert len(session.scalars(select(SpentRefresh)).all()) == 1


def test_a_stolen_secret_ends_the_session_for_thief_and_owner(context: Context, client: TestClient) -> None:
    first = begun(context)
    second = renew(context, first.refresh)
    assert second is not None
    let_pass(context, GRACE + dt.timedelta(seconds=1))
    enter(client, second)
    assert client.get("/whoami").status_code == 200
    assert renew(context, first.refresh) is None
    assert client.get("/whoami").status_code == 401
    assert renew(context, second.refresh) is None


def test_an_older_secret_than_the_last_ends_the_session_too(context: Context, client: TestClient) -> None:
    first = begun(context)
    second = renew(context, first.refresh)
    assert second is not None
    let_pass(context, dt.timedelta(hours=1))
    third = renew(context, second.refresh)
    assert third is not None
    assert renew(context, first.refresh) is None
    assert renew(context, third.refresh) is None


def test_other_sessions_of_the_user_stay(context: Context, client: TestClient) -> None:
    first, other = begun(context), begun(context)
    renew(context, first.refresh)
    let_pass(context, dt.timedelta(hours=1))
    assert renew(context, first.refresh) is None
    enter(client, other)
    assert client.get("/whoami").status_code == 200


def test_neither_a_cookie_nor_the_table_alone_leads_to_the_successor(context: Context, client: TestClient) -> None:
    first = begun(context)
    second = renew(context, first.refresh)
    with context.database.read(SYSTEM) as session:
        spent = session.scalars(select(SpentRefresh)).one()
    assert second is not None
    assert successor(first.refresh, spent.nonce).refresh == second.refresh
    assert successor(first.refresh, b"x" * 32).refresh != second.refresh
    assert successor(first_pair().refresh, spent.nonce).refresh != second.refresh
    assert spent.refresh_hash == digest(first.refresh)


@pytest.mark.parametrize(("remember", "days"), [(False, 7), (True, 30)])
def test_how_long_a_browser_may_stay_away(context: Context, client: TestClient, remember: bool, days: int) -> None:
    signed_in = begun(context, remember=remember)
    away = signed_in.expires_at - now()
    assert dt.timedelta(days=days, minutes=-1) < away <= dt.timedelta(days=days)
    renewed = renew(context, signed_in.refresh)
    assert renewed is not None
    assert renewed.expires_at > signed_in.expires_at
    hour = renewed.access_until - now()
    assert dt.timedelta(minutes=59) < hour <= dt.timedelta(hours=1)


def test_no_session_outlives_the_longest_that_there_may_be(context: Context, client: TestClient) -> None:
    signed_in = begun(context)
    began = now() - dt.timedelta(days=context.settings.accounts.longest_days - 1)
    with context.database.write(SYSTEM) as session:
        session.execute(update(UserSession).values(created_at=began))
    renewed = renew(context, signed_in.refresh)
    assert renewed is not None
    assert renewed.expires_at < now() + dt.timedelta(days=1)


def test_a_deactivated_user_renews_nothing(context: Context, client: TestClient) -> None:
    add_user(context, "Ann", password="a long password")
    signed_in = sign_in(context, "Ann", "a long password")
    from otolith.accounts.models import User

    with context.database.write(SYSTEM) as session:
        session.execute(update(User).where(User.name == "Ann").values(active=False))
    assert renew(context, signed_in.refresh) is None


def test_a_refresh_secret_alone_is_no_way_around_the_csrf_token(client: TestClient, context: Context) -> None:
    first = begun(context)
    enter(client, first, access=False)
    assert client.post("/api/workspaces", json={"name": "x"}).status_code == 403
    told = client.post("/api/workspaces", json={"name": "x"}, headers={"X-CSRF-Token": first.csrf_token})
    assert told.status_code == 201


def test_a_planted_refresh_cookie_spoils_the_token_and_gives_nothing(client: TestClient, context: Context) -> None:
    first = begun(context)
    enter(client, first)
    client.cookies.set("otolith_refresh", first_pair().refresh, domain=HOST)
    refused = client.post("/api/workspaces", json={"name": "x"}, headers={"X-CSRF-Token": first.csrf_token})
    assert refused.status_code == 403


def test_signing_out_ends_a_session_that_only_its_refresh_secret_is_left_of(
    client: TestClient, context: Context
) -> None:
    first = begun(context)
    renewed = renew(context, first.refresh)
    assert renewed is not None
    enter(client, first, access=False)
    assert client.post("/api/auth/logout", headers={"X-CSRF-Token": first.csrf_token}).status_code == 204
    enter(client, renewed)
    assert client.get("/whoami").status_code == 401


def test_production_cookies_are_strict_and_live_as_long_as_what_they_carry(app: FastAPI, settings: Settings) -> None:
    from starlette.responses import Response

    from otolith.accounts.credentials import set_cookies
    from otolith.core.ids import new_id

    at = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    pair = first_pair()
    held = SignedIn(
        new_id(), "Ann", new_id(), pair.access, pair.refresh, at + dt.timedelta(hours=1), at + dt.timedelta(days=7)
    )
    response = Response()
    set_cookies(response, settings.model_copy(update={"production_mode": True}), held)
    session, refresh, csrf = response.headers.getlist("set-cookie")
    for cookie in (session, refresh, csrf):
        assert "SameSite=strict" in cookie
        assert "Secure" in cookie
    assert ["HttpOnly" in cookie for cookie in (session, refresh, csrf)] == [True, True, False]
    assert "01:00:00 GMT" in session
    assert "08 Jan 2026" in refresh
    assert "08 Jan 2026" in csrf
