"""Tokens that are bound to networks, get new secrets, and are looked after by the owners of their workspace."""

from collections.abc import Callable

import pytest
from fastapi import FastAPI
from sqlalchemy import event, update
from starlette.testclient import TestClient

from otolith.accounts.audit.models import AuditEntry
from otolith.accounts.models import ApiToken
from otolith.accounts.networks import allows
from otolith.accounts.sessions.callers import actor_of_session
from otolith.accounts.tokens.service import actor_of_token
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from tests.callers import Callers, add_token, add_user, join


@pytest.mark.parametrize(
    ("networks", "host", "allowed"),
    [
        ([], "", True),
        (["192.0.2.0/24"], "192.0.2.255", True),
        (["192.0.2.0/24"], "192.0.3.1", False),
        (["192.0.2.0/24"], "::ffff:192.0.2.7", True),
        (["2001:db8::/48"], "2001:db8:0:9::1", True),
        (["2001:db8::/48"], "2001:db9::1", False),
        (["fe80::/10"], "fe80::1%eth0", True),
        (["0.0.0.0/0"], "", False),
        (["0.0.0.0/0"], "somewhere", False),
    ],
)
def test_an_address_is_in_one_of_the_networks_or_is_not(networks: list[str], host: str, allowed: bool) -> None:
    assert allows(networks, host) == allowed


def test_a_token_is_refused_from_elsewhere(app: FastAPI, callers: Callers) -> None:
    wish = {"name": "at home", "networks": ["192.0.2.7/24", "2001:db8::1"]}
    made = callers.browsers["editor"].post("/api/tokens", json=wish).json()
    assert made["networks"] == ["192.0.2.0/24", "2001:db8::1/128"]
    headers = {"X-API-Token": made["token"]}
    for host, status in (("192.0.2.9", 200), ("2001:db8::1", 200), ("198.51.100.1", 401)):
        answer = TestClient(app, client=(host, 50_000)).get("/whoami", headers=headers)
        assert answer.status_code == status, host
    assert answer.json()["type"] == "urn:otolith:problem:wrong-network"


@pytest.mark.parametrize("networks", [["here"], ["192.0.2.0/33"], ["192.0.2.0/24"] * 33])
def test_networks_that_are_none_are_refused(callers: Callers, networks: list[str]) -> None:
    answer = callers.browsers["editor"].post("/api/tokens", json={"name": "x", "networks": networks})
    assert answer.status_code == 422


def test_a_new_secret_replaces_the_one_before_and_nothing_else(callers: Callers, client: TestClient) -> None:
    editor = callers.browsers["editor"]
    made = editor.post("/api/tokens", json={"name": "nightly", "scopes": ["read"]}).json()
    again = editor.post(f"/api/tokens/{made['id']}/rotate").json()
    kept = ("id", "name", "scopes", "features", "networks", "created_at")
    assert {name: again[name] for name in kept} == {name: made[name] for name in kept}
    assert client.get("/whoami", headers={"X-API-Token": made["token"]}).status_code == 401
    assert client.get("/whoami", headers={"X-API-Token": again["token"]}).json()["token"]["id"] == made["id"]


def test_what_is_over_or_the_settings_own_gets_no_new_secret(callers: Callers, context: Context) -> None:
    editor = callers.browsers["editor"]
    made = editor.post("/api/tokens", json={"name": "x"}).json()
    editor.delete(f"/api/tokens/{made['id']}")
    assert editor.post(f"/api/tokens/{made['id']}/rotate").status_code == 409
    seeded = editor.post("/api/tokens", json={"name": "y"}).json()
    with context.database.write(SYSTEM) as session:
        session.execute(update(ApiToken).where(ApiToken.name == "y").values(seeded=True))
    answer = editor.post(f"/api/tokens/{seeded['id']}/rotate")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:otolith:problem:token-of-settings")


def test_owners_see_and_end_the_tokens_of_their_workspace_alone(
    callers: Callers, context: Context, client: TestClient
) -> None:
    guest = add_user(context, "a guest")
    join(context, callers.home, guest, "editor")
    join(context, callers.elsewhere, guest, "editor")
    here = add_token(context, guest, workspace_id=callers.home)
    there = add_token(context, guest, workspace_id=callers.elsewhere)
    free = add_token(context, guest)
    place = f"/api/workspaces/{callers.home}/tokens"
    (held,) = callers.browsers["owner"].get(place).json()["items"]
    assert held["username"] == "a guest"
    assert here not in str(held)
    assert callers.browsers["owner"].delete(f"{place}/{held['id']}").json()["revoked_at"]
    (other,) = callers.browsers["stranger"].get(f"/api/workspaces/{callers.elsewhere}/tokens").json()["items"]
    assert callers.browsers["owner"].delete(f"{place}/{other['id']}").status_code == 404
    used = [client.get("/whoami", headers={"X-API-Token": one}).status_code for one in (here, there, free)]
    assert used == [401, 200, 200]


def test_what_becomes_of_a_token_is_on_record_without_its_secret(callers: Callers, context: Context) -> None:
    editor = callers.browsers["editor"]
    made = editor.post("/api/tokens", json={"name": "told of", "scopes": ["read"]}).json()
    again = editor.post(f"/api/tokens/{made['id']}/rotate").json()
    editor.delete(f"/api/tokens/{made['id']}")
    with context.database.read(SYSTEM) as session:
        told = session.query(AuditEntry).filter(AuditEntry.object_id == made["id"]).order_by(AuditEntry.seq).all()
    assert [entry.action for entry in told] == ["token.create", "token.rotate", "token.revoke"]
    assert {entry.user_name for entry in told} == {"the editor"}
    everything = str([entry.__dict__ for entry in told])
    assert "told of" in everything
    assert made["token"] not in everything
    assert again["token"] not in everything


def selects(context: Context, deed: Callable[[], object]) -> list[str]:
    """What is asked of the database while something is done, but for who asks."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if statement.startswith("SELECT") and "set_config" not in statement:
            seen.append(statement)

    event.listen(context.database.engine, "before_cursor_execute", note)
    try:
        deed()
    finally:
        event.remove(context.database.engine, "before_cursor_execute", note)
    return seen


def test_who_calls_is_found_by_one_query_over_an_index(callers: Callers, context: Context) -> None:
    user = add_user(context, "busy")
    join(context, callers.home, user, "editor")
    join(context, callers.elsewhere, user, "editor")
    for _ in range(30):
        secret = add_token(context, user)
    session = callers.browsers["editor"].cookies["otolith_session"]
    asked: dict[str, Callable[[], object]] = {
        "token": lambda: actor_of_token(context, secret),
        "session": lambda: actor_of_session(context, session),
    }
    for deed in asked.values():
        # The first use is noted down.
        deed()
        (statement,) = selects(context, deed)
        if context.database.is_sqlite:
            with context.database.read(SYSTEM) as reading:
                values = tuple(b"" for _ in range(statement.count("?")))
                plan = reading.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
            assert [row for row in plan if "SCAN" in str(row)] == []


def test_a_token_that_is_bound_to_a_workspace_makes_no_other(app: FastAPI, callers: Callers) -> None:
    for workspace_id, status in ((None, 201), (str(callers.home), 403)):
        made = callers.browsers["editor"].post("/api/tokens", json={"name": "x", "workspace_id": workspace_id}).json()
        program = TestClient(app, headers={"X-API-Token": made["token"]})
        assert program.post("/api/workspaces", json={"name": "Another"}).status_code == status
