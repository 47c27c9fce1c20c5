"""Where one is signed in, and ending it there, with what is open."""

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from otolith.accounts.sessions.service import end_device
from otolith.accounts.sessions.signing import sign_in
from otolith.core.actor import SYSTEM, Actor
from otolith.core.context import Context
from otolith.jobs.contracts import Contract
from otolith.jobs.service import submit
from tests.callers import Callers, add_token, add_user, browser_of
from tests.conftest import ADMIN_PASSWORD


def test_one_sees_where_one_is_signed_in(client: TestClient, context: Context) -> None:
    elsewhere = sign_in(context, "admin", ADMIN_PASSWORD, user_agent="A phone", address="192.0.2.7", remember=True)
    client.post("/api/auth/login", json={"username": "admin", "password": ADMIN_PASSWORD})
    listed = client.get("/api/sessions").json()
    assert listed["total"] == 2
    assert [item["current"] for item in listed["items"]] == [True, False]
    other = listed["items"][1]
    assert (other["id"], other["user_agent"], other["address"]) == (str(elsewhere.session_id), "A phone", "192.0.2.7")
    assert other["remembered"] is True


def test_one_ends_another_device(client: TestClient, context: Context, app: FastAPI) -> None:
    elsewhere = sign_in(context, "admin", ADMIN_PASSWORD)
    token = client.post("/api/auth/login", json={"username": "admin", "password": ADMIN_PASSWORD}).json()["csrf_token"]
    other = TestClient(app, cookies={"otolith_session": elsewhere.secret, "otolith_refresh": elsewhere.refresh})
    assert other.get("/whoami").status_code == 200
    path = f"/api/sessions/{elsewhere.session_id}"
    assert client.delete(path, headers={"X-CSRF-Token": token}).status_code == 204
    assert other.get("/whoami").status_code == 401
    assert client.delete(path, headers={"X-CSRF-Token": token}).status_code == 404
    assert client.get("/whoami").status_code == 200


def test_nobody_ends_the_devices_of_others(callers: Callers, context: Context, client: TestClient) -> None:
    mine = sign_in(context, "admin", ADMIN_PASSWORD)
    assert callers.browsers["admin"].delete(f"/api/sessions/{mine.session_id}").status_code == 404
    assert client.get("/whoami", headers={"Cookie": f"otolith_session={mine.secret}"}).status_code == 200


def test_signing_out_everywhere_else_leaves_this_browser(app: FastAPI, client: TestClient, context: Context) -> None:
    ann = add_user(context, "Ann")
    here, there = browser_of(app, context, ann), browser_of(app, context, ann)
    assert here.delete("/api/sessions").status_code == 204
    assert (here.get("/whoami").status_code, there.get("/whoami").status_code) == (200, 401)


def test_a_token_that_only_reads_ends_no_session(app: FastAPI, client: TestClient, context: Context) -> None:
    ann = add_user(context, "Ann")
    browser = browser_of(app, context, ann)
    program = TestClient(app, headers={"X-API-Token": add_token(context, ann, scopes=["read", "write"])})
    assert program.delete("/api/sessions").status_code == 403
    assert browser.get("/whoami").status_code == 200


def test_what_a_device_follows_ends_with_it(app: FastAPI, client: TestClient, context: Context) -> None:
    from pydantic import BaseModel

    class Nothing(BaseModel):
        """No payload."""

    signed_in = sign_in(context, "admin", ADMIN_PASSWORD)
    with context.database.write(SYSTEM) as session:
        job = submit(session, Contract("test.sleep", version=1, payload=Nothing, lane="maintenance"), Nothing())
    cookies = {"otolith_session": signed_in.secret, "otolith_refresh": signed_in.refresh}
    other = TestClient(app, cookies=cookies)
    owner = Actor(kind="user", user_id=signed_in.user_id)
    with other.websocket_connect(f"/ws/jobs/{job}") as socket:
        assert socket.receive_json()["id"] == str(job)
        end_device(context, owner, signed_in.session_id)
        with pytest.raises(WebSocketDisconnect):
            socket.receive_json()
