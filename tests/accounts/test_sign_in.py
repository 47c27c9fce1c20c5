"""Signing in and out, and what a session is worth."""

import datetime as dt

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from otolith.accounts.credentials import digest
from otolith.accounts.models import User, UserSession
from otolith.accounts.sessions.callers import actor_of_session
from otolith.accounts.sessions.signing import WrongPassword
from otolith.accounts.sessions.signing import sign_in as begin_session
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.db import now
from tests.callers import Callers, add_user
from tests.conftest import ADMIN_PASSWORD


def sign_in(client: TestClient, name: str = "admin", password: str = ADMIN_PASSWORD) -> int:
    return client.post("/api/auth/login", json={"username": name, "password": password}).status_code


@pytest.mark.parametrize("name", ["admin", "ADMIN", "ａdmin"])
def test_a_user_signs_in_under_every_writing_of_the_name(client: TestClient, name: str) -> None:
    assert sign_in(client, name) == 200
    assert client.get("/whoami").json()["username"] == "admin"


def test_an_address_signs_in_too(client: TestClient, context: Context) -> None:
    add_user(context, "Ann", password="a long password", email="Ann@Example.org", email_key="ann@example.org")
    assert sign_in(client, "ann@EXAMPLE.org", "a long password") == 200


@pytest.mark.parametrize(
    ("name", "password"),
    [("admin", "wrong"), ("nobody", ADMIN_PASSWORD), ("gone", "its own"), ("adm\x00in", ADMIN_PASSWORD)],
)
def test_every_failure_reads_the_same(client: TestClient, context: Context, name: str, password: str) -> None:
    add_user(context, "gone", password="its own", active=False)
    answer = client.post("/api/auth/login", json={"username": name, "password": password})
    assert answer.status_code == 401
    assert answer.json()["detail"] == "The user name or the password is not right."
    assert "set-cookie" not in answer.headers


def test_strangers_cost_as_much_as_users(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    from argon2 import PasswordHasher

    asked: list[str] = []
    verify = PasswordHasher.verify

    def counting(self: PasswordHasher, hashed: str, password: str) -> bool:
        asked.append(hashed.rpartition("$")[0].rpartition("$")[0])
        return bool(verify(self, hashed, password))

    monkeypatch.setattr(PasswordHasher, "verify", counting)
    for name in ("admin", "nobody at all"):
        sign_in(client, name, "wrong")
    assert len(asked) == 2
    assert asked[0] == asked[1]  # The same algorithm under the same parameters.


def test_the_cookies_are_what_browsers_are_to_get(client: TestClient) -> None:
    answer = client.post("/api/auth/login", json={"username": "admin", "password": ADMIN_PASSWORD})
    browser, session, refresh, csrf = answer.headers.get_list("set-cookie")
    assert browser.startswith("otolith_browser=")
    assert "HttpOnly" in browser
    assert session.startswith("otolith_session=")
    assert refresh.startswith("otolith_refresh=")
    assert "HttpOnly" in session
    assert "HttpOnly" in refresh
    assert csrf.startswith(f"otolith_csrf={answer.json()['csrf_token']};")
    assert "HttpOnly" not in csrf
    for cookie in (browser, session, refresh, csrf):
        assert "SameSite=lax" in cookie
        assert "Secure" not in cookie


def test_the_secret_is_stored_only_as_its_hash(client: TestClient, context: Context) -> None:
    sign_in(client)
    secret = client.cookies["otolith_session"]
    with context.database.read(SYSTEM) as session:
        row = session.execute(select(UserSession.__table__)).one()
    assert digest(secret) in row
    assert secret not in {value for value in row if isinstance(value, str)}


def test_signing_in_again_ends_the_session_before(client: TestClient) -> None:
    sign_in(client)
    before = client.cookies["otolith_session"]
    sign_in(client)
    assert client.cookies["otolith_session"] != before
    client.cookies.clear()
    assert client.get("/whoami", headers={"Cookie": f"otolith_session={before}"}).status_code == 401


def test_a_planted_cookie_does_not_become_the_session(client: TestClient) -> None:
    planted = {"Cookie": "otolith_session=planted"}
    answer = client.post("/api/auth/login", json={"username": "admin", "password": ADMIN_PASSWORD}, headers=planted)
    assert answer.status_code == 200
    assert answer.cookies["otolith_session"] != "planted"
    client.cookies.clear()
    assert client.get("/whoami", headers={"Cookie": "otolith_session=planted"}).status_code == 401


def test_signing_out_ends_the_session_on_the_server(client: TestClient) -> None:
    sign_in(client)
    secret, csrf = client.cookies["otolith_session"], client.cookies["otolith_csrf"]
    answer = client.post("/api/auth/logout", headers={"X-CSRF-Token": csrf})
    assert answer.status_code == 204
    assert "otolith_session" not in client.cookies
    assert client.get("/whoami", headers={"Cookie": f"otolith_session={secret}"}).status_code == 401


def test_a_page_that_lost_the_csrf_cookie_gets_the_token_again(client: TestClient) -> None:
    sign_in(client)
    token = client.get("/api/auth/csrf").json()["csrf_token"]
    assert token == client.cookies["otolith_csrf"]
    assert client.post("/api/workspaces", json={"name": "x"}, headers={"X-CSRF-Token": token}).status_code == 201


def test_an_api_token_gets_no_csrf_token(callers: Callers) -> None:
    assert callers["admin"].get("/api/auth/csrf").status_code == 401


def test_a_session_ends_by_itself(client: TestClient, context: Context) -> None:
    sign_in(client)
    with context.database.write(SYSTEM) as session:
        session.execute(update(UserSession).values(expires_at=now() - dt.timedelta(seconds=1)))
    assert client.get("/whoami").status_code == 401


def test_expired_sessions_are_forgotten(client: TestClient, context: Context) -> None:
    sign_in(client)
    with context.database.write(SYSTEM) as session:
        session.execute(update(UserSession).values(expires_at=now() - dt.timedelta(days=1)))
    sign_in(client)
    with context.database.read(SYSTEM) as session:
        assert len(session.scalars(select(UserSession)).all()) == 1


def test_deactivating_a_user_ends_what_they_hold(client: TestClient, context: Context) -> None:
    sign_in(client)
    with context.database.write(SYSTEM) as session:
        session.execute(update(User).values(active=False))
    assert client.get("/whoami").status_code == 401


def test_the_last_sign_of_life_is_written_once_a_minute(client: TestClient, context: Context) -> None:
    sign_in(client)

    def seen() -> dt.datetime:
        with context.database.read(SYSTEM) as session:
            return session.scalars(select(UserSession.seen_at)).one()

    first = seen()
    client.get("/whoami")
    assert seen() == first
    with context.database.write(SYSTEM) as session:
        session.execute(update(UserSession).values(seen_at=first - dt.timedelta(minutes=2)))
    client.get("/whoami")
    assert seen() >= first


def test_an_old_hash_is_made_anew_at_the_next_sign_in(context: Context) -> None:
    from argon2 import PasswordHasher

    weak = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash("a long password")
    user = add_user(context, "Ann")
    with context.database.write(SYSTEM) as session:
        session.execute(update(User).where(User.id == user.id).values(password_hash=weak))
    begin_session(context, "Ann", "a long password")
    with context.database.read(SYSTEM) as session:
        stored = session.scalars(select(User.password_hash).where(User.id == user.id)).one()
    assert stored is not None
    assert stored != weak
    assert "m=19456,t=2" in stored
    begin_session(context, "Ann", "a long password")


def test_a_user_without_a_password_cannot_sign_in(context: Context) -> None:
    add_user(context, "program")
    with pytest.raises(WrongPassword):
        begin_session(context, "program", "")


def test_a_session_knows_its_user_and_workspaces(client: TestClient, context: Context) -> None:
    signed_in = begin_session(context, "admin", ADMIN_PASSWORD)
    actor = actor_of_session(context, signed_in.secret)
    assert actor.user_id == signed_in.user_id
    assert actor.session_id == signed_in.session_id
    assert list(actor.memberships.values()) == ["owner"]
    assert actor.is_admin


def test_every_character_of_a_long_password_counts(client: TestClient, context: Context) -> None:
    add_user(context, "Ann", password="x" * 1100)
    assert client.post("/sign-in", data={"username": "Ann", "password": "x" * 1024}).status_code == 401
    assert client.post("/sign-in", data={"username": "Ann", "password": "x" * 1100 + "y"}).status_code == 401
    signed_in = client.post("/sign-in", data={"username": "Ann", "password": "x" * 1100}, follow_redirects=False)
    assert signed_in.status_code == 303
