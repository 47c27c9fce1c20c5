"""What administrators do with users, and what no one may do to the last of them."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi import FastAPI
from sqlalchemy import select, update
from starlette.testclient import TestClient

from otolith.accounts.models import User
from otolith.accounts.people.service import LastAdmin, change_user, create_user
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.errors import AppError
from tests.callers import Callers, add_token, add_user, browser_of, join

GOOD = "lamp orbit velvet canyon"


def only_admin(context: Context, *names: str) -> list[User]:
    """Let nobody be an administrator but new users of these names."""
    with context.database.write(SYSTEM) as session:
        session.execute(update(User).values(role="user"))
    return [add_user(context, name, role="admin") for name in names]


def test_administrators_make_find_and_change_users(callers: Callers) -> None:
    admin = callers["admin"]
    body = {"username": "Ann", "password": GOOD, "email": "Ann@example.org", "display_name": "Ann Lee"}
    made = admin.post("/api/users", json=body)
    assert made.status_code == 201
    assert "password" not in made.text
    found = admin.get("/api/users?search=ANN@").json()
    assert (found["total"], found["items"][0]["username"]) == (1, "Ann")
    path = f"/api/users/{made.json()['id']}"
    changed = admin.patch(path, json={"username": "Anna", "email": None}).json()
    assert (changed["username"], changed["email"], changed["display_name"]) == ("Anna", None, "Ann Lee")
    assert admin.get(path).json() == changed
    assert admin.post("/api/users", json={"username": "ANNA"}).status_code == 409
    assert admin.patch(path, json={"username": None}).status_code == 422
    assert admin.patch(path, json={"username": "admin"}).status_code == 409
    assert admin.delete(path).status_code == 204
    assert admin.get(path).status_code == 404


def test_users_are_paged(callers: Callers, context: Context) -> None:
    admin, names, cursor = callers["admin"], [], ""
    while True:
        page = admin.get(f"/api/users?limit=3{cursor}").json()
        names += [item["username"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert len(names) == len(set(names)) == page["total"]


@pytest.mark.parametrize("kind", ["owner", "readonly", "stranger"])
def test_nobody_else_sees_or_changes_users(callers: Callers, kind: str) -> None:
    assert callers[kind].get("/api/users").status_code == 403
    assert callers[kind].post("/api/users", json={"username": "x", "role": "admin"}).status_code == 403
    assert callers[kind].post("/api/invitations", json={"role": "admin"}).status_code == 403


def test_deactivating_ends_sessions_and_tokens_for_good(app: FastAPI, callers: Callers, context: Context) -> None:
    ann = add_user(context, "Ann")
    browser = browser_of(app, context, ann)
    program = TestClient(app, headers={"X-API-Token": add_token(context, ann)})
    path = f"/api/users/{ann.id}"
    assert (browser.get("/whoami").status_code, program.get("/whoami").status_code) == (200, 200)
    assert callers["admin"].patch(path, json={"active": False}).status_code == 200
    assert (browser.get("/whoami").status_code, program.get("/whoami").status_code) == (401, 401)
    assert callers["admin"].patch(path, json={"active": True}).status_code == 200
    assert (browser.get("/whoami").status_code, program.get("/whoami").status_code) == (401, 401)


def test_deleting_ends_what_the_user_holds(app: FastAPI, callers: Callers, context: Context) -> None:
    ann = add_user(context, "Ann")
    browser = browser_of(app, context, ann)
    assert callers["admin"].delete(f"/api/users/{ann.id}").status_code == 204
    assert browser.get("/whoami").status_code == 401
    again = callers["admin"].post("/api/users", json={"username": "Ann"}).json()
    assert again["id"] != str(ann.id)


def test_the_last_administrator_stays(client: TestClient, context: Context) -> None:
    (boss,) = only_admin(context, "Boss")
    gone = add_user(context, "Gone", role="admin", active=False)
    assert gone.role == "admin"
    for changes in ({"active": False}, {"role": "user"}):
        with pytest.raises(LastAdmin):
            change_user(context, SYSTEM, boss.id, changes)
    assert change_user(context, SYSTEM, boss.id, {"display_name": "The boss"}).display_name == "The boss"


def test_two_administrators_cannot_take_each_other_away(client: TestClient, context: Context) -> None:
    two = only_admin(context, "One", "Two")

    def demote(user: User) -> str:
        try:
            change_user(context, SYSTEM, user.id, {"role": "user"})
        except AppError as error:
            return error.kind()
        return "done"

    with ThreadPoolExecutor(2) as pool:
        outcomes = sorted(pool.map(demote, two))
    assert outcomes == ["done", "last-admin"]
    with context.database.read(SYSTEM) as session:
        assert len(session.scalars(select(User).where(User.role == "admin")).all()) == 1


def test_of_many_who_take_one_name_at_once_one_gets_it(context: Context) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def make(_: int) -> str:
        try:
            create_user(context, SYSTEM, "Ann")
        except AppError as error:
            return error.kind()
        return "done"

    with ThreadPoolExecutor(6) as pool:
        outcomes = sorted(pool.map(make, range(6)))
    assert outcomes == ["done"] + ["name-taken"] * 5


def test_the_only_owner_of_a_workspace_stays(callers: Callers, context: Context) -> None:
    stranger = callers.actors["stranger"].user_id
    refused = callers["admin"].delete(f"/api/users/{stranger}")
    assert refused.status_code == 409
    assert "Elsewhere" in refused.json()["detail"]
    join(context, callers.elsewhere, add_user(context, "Heir"), "owner")
    assert callers["admin"].delete(f"/api/users/{stranger}").status_code == 204


def test_a_password_change_ends_the_other_sessions(app: FastAPI, client: TestClient, context: Context) -> None:
    ann = add_user(context, "Ann", password="the old password")
    here, there = browser_of(app, context, ann), browser_of(app, context, ann)
    change = {"current": "wrong", "password": GOOD}
    assert here.post("/api/account/password", json=change).status_code == 403
    change["current"] = "the old password"
    assert here.post("/api/account/password", json={**change, "password": "password1234"}).status_code == 422
    assert there.get("/whoami").status_code == 200
    assert here.post("/api/account/password", json=change).status_code == 204
    assert (here.get("/whoami").status_code, there.get("/whoami").status_code) == (200, 401)


def test_one_says_how_one_wants_to_be_called(callers: Callers) -> None:
    answer = callers.browsers["viewer"].patch("/api/account", json={"display_name": " Vi "})
    assert answer.json()["display_name"] == "Vi"
    assert callers.browsers["viewer"].patch("/api/account", json={"display_name": "a\nb"}).status_code == 422
