"""API tokens: made, shown once, used, and ended."""

import datetime as dt

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from otolith.accounts.credentials import digest
from otolith.accounts.models import ApiToken, Membership
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.db import now
from tests.callers import REFUSED, Callers, add_token, add_user, join


def use(client: TestClient, token: str, path: str = "/whoami") -> int:
    return client.get(path, headers={"Authorization": f"Bearer {token}", "X-API-Token": ""}).status_code


@pytest.mark.parametrize("header", ["X-API-Token", "Authorization"])
def test_a_token_is_shown_once_and_works_by_both_headers(callers: Callers, client: TestClient, header: str) -> None:
    made = callers.browsers["editor"].post("/api/tokens", json={"name": "backup script"})
    assert made.status_code == 201
    token = made.json()["token"]
    assert token.startswith(made.json()["prefix"])
    value = token if header == "X-API-Token" else f"bearer {token}"
    assert client.get("/whoami", headers={header: value}).json()["credential"] == "token"
    listed = callers.browsers["editor"].get("/api/tokens").json()
    assert token not in str(listed)
    assert [item["name"] for item in listed["items"]] == ["backup script", "test"]


def test_only_the_hash_of_a_token_is_stored(callers: Callers, context: Context) -> None:
    token = callers.browsers["editor"].post("/api/tokens", json={"name": "x"}).json()["token"]
    with context.database.read(SYSTEM) as session:
        row = session.execute(select(ApiToken.__table__).where(ApiToken.secret_hash == digest(token))).one()
    assert token not in [value for value in row if isinstance(value, str)]


def test_a_token_in_the_url_counts_for_nothing(callers: Callers, client: TestClient) -> None:
    token = callers.browsers["editor"].post("/api/tokens", json={"name": "x"}).json()["token"]
    for name in ("token", "api_token", "access_token", "X-API-Token"):
        assert client.get("/whoami", params={name: token}).status_code == 401


@pytest.mark.parametrize("kind", REFUSED)
def test_those_who_are_refused_get_401_and_a_challenge(callers: Callers, kind: str) -> None:
    answer = callers[kind].get("/api/whoami")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_revoked_token_is_refused_at_once(callers: Callers, client: TestClient) -> None:
    made = callers.browsers["editor"].post("/api/tokens", json={"name": "x"}).json()
    assert use(client, made["token"]) == 200
    assert callers.browsers["editor"].delete(f"/api/tokens/{made['id']}").json()["revoked_at"]
    assert use(client, made["token"]) == 401


@pytest.mark.parametrize("kind", ["owner", "admin", "stranger"])
def test_nobody_sees_or_ends_the_token_of_somebody_else(callers: Callers, client: TestClient, kind: str) -> None:
    made = callers.browsers["editor"].post("/api/tokens", json={"name": "x"}).json()
    assert callers.browsers[kind].delete(f"/api/tokens/{made['id']}").status_code == 404
    assert made["id"] not in callers[kind].get("/api/tokens").text
    assert use(client, made["token"]) == 200


@pytest.mark.parametrize(
    ("scopes", "role"), [(["read"], "readonly"), (["read", "write"], "user"), (["admin"], "admin"), ([], "readonly")]
)
def test_a_token_does_no_more_than_its_scopes_and_its_user(
    callers: Callers, context: Context, client: TestClient, scopes: list[str], role: str
) -> None:
    ranks = ["readonly", "user", "admin"]
    for user_role in ("readonly", "user", "admin"):
        user = add_user(context, f"one {user_role}", role=user_role)
        answer = client.get("/whoami", headers={"X-API-Token": add_token(context, user, scopes=scopes)})
        assert ranks.index(answer.json()["role"]) == min(ranks.index(role), ranks.index(user_role))


def test_scopes_above_ones_own_role_are_refused(callers: Callers) -> None:
    for kind, scope, status in (("readonly", "write", 403), ("editor", "admin", 403), ("admin", "admin", 201)):
        assert callers.browsers[kind].post("/api/tokens", json={"name": "x", "scopes": [scope]}).status_code == status


def test_a_token_without_the_admin_scope_makes_no_tokens(callers: Callers, context: Context) -> None:
    admin = add_user(context, "another", role="admin")
    narrow = {"X-API-Token": add_token(context, admin, scopes=["read", "write"])}
    made = callers["anonymous"].post("/api/tokens", json={"name": "x"}, headers=narrow)
    assert made.status_code == 403
    assert "admin scope" in made.json()["detail"]


def test_a_token_bound_to_a_workspace_sees_no_other(callers: Callers, context: Context, client: TestClient) -> None:
    both = add_user(context, "both")
    join(context, callers.home, both, "editor")
    join(context, callers.elsewhere, both, "owner")
    token = add_token(context, both, workspace_id=callers.elsewhere)
    seen = client.get("/whoami", headers={"X-API-Token": token}).json()["workspaces"]
    assert [(workspace["name"], workspace["role"]) for workspace in seen] == [("Elsewhere", "owner")]
    path = f"/api/workspaces/{callers.home}/members"
    assert client.get(path, headers={"X-API-Token": token}).status_code == 404


def test_leaving_a_workspace_takes_it_from_ones_tokens(callers: Callers, context: Context, client: TestClient) -> None:
    user = add_user(context, "leaving")
    join(context, callers.elsewhere, user, "viewer")
    token = add_token(context, user, workspace_id=callers.elsewhere)
    with context.database.write(SYSTEM) as session:
        session.delete(session.get_one(Membership, (callers.elsewhere, user.id)))
    assert client.get("/whoami", headers={"X-API-Token": token}).json()["workspaces"] == []


def test_tokens_for_workspaces_of_others_are_refused(callers: Callers) -> None:
    body = {"name": "x", "workspace_id": str(callers.elsewhere)}
    assert callers["admin"].post("/api/tokens", json=body).status_code == 404
    bound = {"name": "x", "workspace_id": str(callers.home), "scopes": ["admin"]}
    assert callers["admin"].post("/api/tokens", json=bound).status_code == 403


def test_use_is_noted_once_a_minute(callers: Callers, context: Context, client: TestClient) -> None:
    token = callers.browsers["editor"].post("/api/tokens", json={"name": "x"}).json()["token"]

    def used() -> dt.datetime | None:
        with context.database.read(SYSTEM) as session:
            return session.scalars(select(ApiToken.used_at).where(ApiToken.secret_hash == digest(token))).one()

    assert used() is None
    use(client, token)
    first = used()
    use(client, token)
    assert first is not None
    assert used() == first
    with context.database.write(SYSTEM) as session:
        session.execute(update(ApiToken).values(used_at=now() - dt.timedelta(minutes=2)))
    use(client, token)
    after = used()
    assert after is not None
    assert after >= first


@pytest.mark.parametrize(
    "body",
    [
        {"name": ""},
        {"name": "   "},
        {"name": "x" * 101},
        {"name": "a\x00b"},
        {"name": "two\nlines"},
        {"name": "x", "scopes": []},
        {"name": "x", "scopes": ["everything"]},
        {"name": "x", "expires_at": "2030-01-01T00:00:00"},
        {"name": "x", "expires_at": "9999-12-31T23:59:59-12:00"},
        {"name": "x", "expires_at": "0001-01-01T00:00:00+12:00"},
    ],
)
def test_tokens_that_make_no_sense_are_refused(callers: Callers, body: dict[str, object]) -> None:
    answer = callers["admin"].post("/api/tokens", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"]
