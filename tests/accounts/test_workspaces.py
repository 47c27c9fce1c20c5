"""Workspaces, who sees them, and that a forgotten filter leaks nothing."""

import pytest
from sqlalchemy import inspect, select, text
from starlette.testclient import TestClient

from otolith.accounts.models import ApiToken, Membership, UserSession, Workspace
from otolith.accounts.workspaces import queries
from otolith.core.actor import ANONYMOUS, SYSTEM
from otolith.core.context import Context
from otolith.core.db import Database
from otolith.core.ids import new_id
from otolith.migrations.tables import METADATA
from tests.callers import Callers

FORCED = """
    SELECT relname, relrowsecurity AND relforcerowsecurity AS forced FROM pg_class
    WHERE relkind = 'r' AND relname = ANY(:names)
"""
IN_HOME = ("viewer", "editor", "owner", "admin", "readonly")


@pytest.mark.parametrize("kind", IN_HOME)
def test_members_see_their_workspace_and_no_other(callers: Callers, kind: str) -> None:
    seen = callers[kind].get("/api/workspaces").json()
    assert [item["name"] for item in seen["items"]] == ["Home"]
    assert seen["total"] == 1
    members = callers[kind].get(f"/api/workspaces/{callers.home}/members").json()
    assert {"admin", "the viewer", "the editor"} <= {item["username"] for item in members["items"]}
    assert callers[kind].get(f"/api/workspaces/{callers.elsewhere}/members").status_code == 404


def test_a_stranger_sees_only_the_other_workspace(callers: Callers) -> None:
    assert [item["name"] for item in callers["stranger"].get("/api/workspaces").json()["items"]] == ["Elsewhere"]
    assert callers["stranger"].get(f"/api/workspaces/{callers.home}/members").status_code == 404


def test_whoever_makes_a_workspace_owns_it(callers: Callers) -> None:
    made = callers["viewer"].post("/api/workspaces", json={"name": " Studio "})
    assert made.status_code == 201
    assert made.json()["name"] == "Studio"
    assert made.json()["role"] == "owner"
    assert "Studio" in callers["viewer"].get("/api/workspaces").text
    assert "Studio" not in callers["owner"].get("/api/workspaces").text


def test_readers_make_no_workspace(callers: Callers) -> None:
    assert callers["readonly"].post("/api/workspaces", json={"name": "x"}).status_code == 403


def test_nobody_reaches_anything_without_a_credential(client: TestClient) -> None:
    for path in ("/api/workspaces", "/api/tokens", "/api/whoami", f"/api/workspaces/{new_id()}/members"):
        assert client.get(path).status_code == 401


def test_the_filters_show_each_only_their_own(callers: Callers, context: Context) -> None:
    for actor, names in ((callers.actors["viewer"], ["Home"]), (ANONYMOUS, []), (SYSTEM, ["Home", "Elsewhere"])):
        with context.database.read(actor) as session:
            assert [workspace.name for workspace in queries.visible_workspaces(session, actor)] == names


def postgres_only(database: Database) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite has no row-level security; the filters are what protects there.")


def tenant_tables() -> list[str]:
    """Every table that says whose its rows are, by workspace or by user."""
    owned = {"workspaces"}
    for table in METADATA.sorted_tables:
        if {"workspace_id", "user_id"} & set(table.columns.keys()):
            owned.add(table.name)
    return sorted(owned)


def test_every_tenant_table_is_under_forced_row_security(database: Database) -> None:
    postgres_only(database)
    with database.read(SYSTEM) as session:
        rows = session.execute(
            text(FORCED),
            {"names": tenant_tables()},
        ).all()
    assert {row.relname: row.forced for row in rows} == dict.fromkeys(tenant_tables(), True)


def test_the_tests_run_as_a_role_that_row_security_binds(database: Database) -> None:
    postgres_only(database)
    with database.read(SYSTEM) as session:
        above = session.scalar(text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"))
    assert above is False


def test_a_forgotten_filter_leaks_nothing(callers: Callers, context: Context) -> None:
    postgres_only(context.database)
    stranger = callers.actors["stranger"]
    with context.database.read(stranger) as session:
        assert session.scalars(select(Workspace.id)).all() == [callers.elsewhere]
        assert {row.workspace_id for row in session.scalars(select(Membership))} == {callers.elsewhere}
        assert {row.user_id for row in session.scalars(select(ApiToken))} == {stranger.user_id}
        assert {row.user_id for row in session.scalars(select(UserSession))} == {stranger.user_id}
    with context.database.read(ANONYMOUS) as session:
        for table in tenant_tables():
            assert session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() == 0, table  # noqa: S608


def test_a_write_for_another_tenant_is_refused(callers: Callers, context: Context) -> None:
    postgres_only(context.database)
    from sqlalchemy.exc import ProgrammingError

    stranger = callers.actors["stranger"]
    assert stranger.user_id is not None
    with (
        pytest.raises(ProgrammingError, match="row-level security"),
        context.database.write(stranger) as session,
    ):
        session.add(Membership(workspace_id=callers.home, user_id=stranger.user_id, role="owner"))


def test_tokens_and_sessions_are_found_by_index(callers: Callers, context: Context) -> None:
    indexes = {}
    with context.database.read(SYSTEM) as session:
        looking = inspect(session.connection())
        for table in ("sessions", "api_tokens"):
            indexes[table] = {tuple(unique["column_names"]) for unique in looking.get_unique_constraints(table)}
    assert indexes == {"sessions": {("secret_hash",), ("refresh_hash",)}, "api_tokens": {("secret_hash",)}}
