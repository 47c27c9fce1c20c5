"""The record over HTTP and on the command line, and what signing in writes into it."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient
from typer.testing import CliRunner

from otolith.accounts.audit import service as audit
from otolith.cli import app as commands
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from tests.callers import Callers
from tests.conftest import ADMIN_PASSWORD


def sign_in(client: TestClient, password: str = ADMIN_PASSWORD) -> int:
    return client.post("/api/auth/login", json={"username": "admin", "password": password}).status_code


def test_signing_in_is_written_down_and_so_is_a_wrong_password(client: TestClient, callers: Callers) -> None:
    assert (sign_in(client, "wrong"), sign_in(client)) == (401, 200)
    client.cookies.clear()
    assert client.post("/api/auth/login", json={"username": "a typed secret", "password": "x"}).status_code == 401
    items = callers["admin"].get("/api/audit", params={"action": "session"}).json()["items"]
    (done,) = (entry for entry in items if entry["action"] == "session.begin" and entry["user_name"] == "admin")
    stranger, refused = (entry for entry in items if entry["action"] == "session.refuse")
    assert (done["action"], done["user_name"], done["actor"]) == ("session.begin", "admin", "user")
    assert (refused["action"], refused["actor"]) == ("session.refuse", "anonymous")
    assert refused["object_id"] == done["user_id"]
    # What was typed as a name may be a password in the wrong field.
    assert (stranger["object_id"], stranger["user_name"]) == ("unknown", "")
    assert done["address"] == "testclient"
    assert ADMIN_PASSWORD not in json.dumps(items)
    assert "typed secret" not in json.dumps(items)


def write(context: Context, *actions: str, **told_of: Any) -> None:
    with context.database.write(SYSTEM) as session:
        for action in actions:
            audit.record(session, SYSTEM, action, **told_of)


def test_the_list_is_narrowed_and_paged(context: Context, callers: Callers) -> None:
    write(context, "test.one", "test.two", "test.three", "other.one")
    first = callers["admin"].get("/api/audit", params={"action": "test", "limit": 2}).json()
    rest = callers["admin"].get("/api/audit", params={"action": "test", "limit": 2, "cursor": first["next"]}).json()
    assert [entry["action"] for entry in first["items"] + rest["items"]] == ["test.three", "test.two", "test.one"]
    assert rest["next"] is None
    assert "test.one" in callers["admin"].get("/api/audit/actions").json()["items"]


def test_an_owner_reads_the_own_workspace(context: Context, callers: Callers) -> None:
    write(context, "test.home", workspace_id=callers.home)
    write(context, "test.elsewhere", workspace_id=callers.elsewhere)
    for kind, seen in (("owner", ["test.home"]), ("stranger", ["test.elsewhere"])):
        answer = callers[kind].get("/api/audit", params={"action": "test"})
        assert [entry["action"] for entry in answer.json()["items"]] == seen


@pytest.mark.parametrize("path", ["/api/audit", "/api/audit/actions", "/api/audit/verify", "/api/audit/export"])
def test_others_may_not_read_it(callers: Callers, path: str) -> None:
    assert callers["admin"].get(path).status_code == 200
    for kind, status in (("anonymous", 401), ("viewer", 403), ("editor", 403), ("readonly", 403)):
        assert callers[kind].get(path).status_code == status


@pytest.mark.parametrize("path", ["/api/audit/verify", "/api/audit/export"])
def test_the_whole_of_it_is_for_administrators(callers: Callers, path: str) -> None:
    assert callers["owner"].get(path).status_code == 403


def test_the_export_is_all_of_it_in_its_order(context: Context, callers: Callers) -> None:
    write(context, *(f"test.number{number}" for number in range(5)))
    lines = [json.loads(line) for line in callers["admin"].get("/api/audit/export").text.splitlines()]
    assert [entry["seq"] for entry in lines] == list(range(1, len(lines) + 1))
    assert [entry["action"] for entry in lines][-5:] == [f"test.number{number}" for number in range(5)]


@pytest.fixture
def folder(context: Context, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder of a server that has started, whose database commands find in the environment."""
    del client
    monkeypatch.setenv("OTOLITH_DATABASE_URL", context.settings.database_url)
    monkeypatch.setenv("OTOLITH_ADMIN_PASSWORD", ADMIN_PASSWORD)
    monkeypatch.setenv("OTOLITH_ACCOUNTS_HASH_MEMORY", "19MiB")
    return context.settings.data


def run(*arguments: str) -> Any:
    return CliRunner().invoke(commands, ["audit", *arguments])


def test_the_command_lists_and_exports(context: Context, folder: Path) -> None:
    write(context, "test.one", on=("thing", 7))
    listed = run("list", "--data", str(folder), "--action", "test")
    assert listed.exit_code == 0, listed.output
    assert "system  test.one thing 7" in listed.stdout
    document = json.loads(run("list", "--data", str(folder), "--action", "test", "--json").stdout)
    assert [entry["action"] for entry in document["items"]] == ["test.one"]
    exported = run("export", "--data", str(folder)).stdout.splitlines()
    assert json.loads(exported[-1])["action"] == "test.one"


def test_the_command_finds_what_was_tampered_with(context: Context, folder: Path) -> None:
    write(context, "test.one", "test.two")
    assert run("verify", "--data", str(folder)).exit_code == 0
    with context.database.write(SYSTEM) as session:
        if context.database.is_sqlite:
            session.execute(text("DROP TRIGGER audit_entries_unchanged"))
        else:
            session.execute(text("ALTER TABLE audit_entries DISABLE TRIGGER USER"))
        session.execute(text("UPDATE audit_entries SET action = 'test.nothing' WHERE action = 'test.one'"))
    broken = run("verify", "--data", str(folder), "--json")
    assert broken.exit_code == 1
    assert json.loads(broken.stdout)["fault"].endswith("or follows another one than it did.")
