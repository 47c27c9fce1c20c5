"""On PostgreSQL another tenant's rows stay invisible when every filter of the program is switched off."""

import datetime as dt
import itertools
import sys
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Table,
    TypeDecorator,
    create_engine,
    insert,
    select,
    text,
    true,
    update,
)
from sqlalchemy.exc import DBAPIError
from starlette.testclient import TestClient

from otolith.core import actor as actors
from otolith.core.actor import ANONYMOUS, SYSTEM, Actor
from otolith.core.context import Context
from otolith.core.db import now
from otolith.core.ids import new_id
from otolith.migrations.tables import METADATA
from tests.accounts.permissions.conftest import CALLERS
from tests.accounts.permissions.test_matrix import ask, table
from tests.accounts.permissions.world import World, nothing_stays
from tests.services import PostgresServer

# What belongs to no workspace and no user, and why that is no leak.
NOBODYS = {
    "users": "names of people; what they have is in tables of their own",
    "analyses": "what was heard in a content, reached from media that one may see",
    "covers": "pictures by content, reached likewise",
    "fingerprints": "reached likewise",
    "fingerprint_sketches": "reached likewise",
    "text_vectors": "meanings by the digest of a text",
    "waveforms": "reached from media that one may see",
    "stored_contents": "files in the storage, which several workspaces may share",
    "job_lane_pauses": "the state of the workers",
    "job_schedules": "the state of the workers",
    "job_sweeps": "the state of the workers",
    "job_workers": "the state of the workers",
    "guess_counters": "how often was guessed, by digests",
    "rate_counters": "how often was asked, by digests",
    "quotas": "limits, by the id of a user or a workspace",
    "quota_uses": "what was used of them, by the hour",
}
_OWNERS = ("workspace_id", "user_id")
# Whose rows follow from another column, or are the system's alone.
OTHERWISE = {"workspaces", "audit_chain", "spent_refreshes"}
_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def postgres_only(context: Context) -> None:
    if context.database.is_sqlite:
        pytest.skip("SQLite has no row-level security; the filters are what protects there.")


def tenant_tables() -> list[Table]:
    return [one for one in METADATA.sorted_tables if one.name == "workspaces" or set(_OWNERS) & set(one.columns.keys())]


def owner_column(one: Table) -> Column[Any]:
    if one.name == "workspaces":
        return one.c.id
    if one.name == "api_tokens":
        # They are their user's, who may bind them to any workspace and sees none the better for it.
        return one.c.user_id
    return next(one.c[name] for name in _OWNERS if name in one.c)


def value_for(column: Column[Any]) -> Any:
    """Something that the column can hold; constraints between columns are taken away before."""
    if isinstance(column.type, JSON):
        return {}
    kind: type = (column.type.impl_instance if isinstance(column.type, TypeDecorator) else column.type).python_type
    if kind is bytes:
        return next(_numbers).to_bytes(32, "big")
    made: dict[type, Callable[[], Any]] = {UUID: new_id, dt.datetime: now, bool: lambda: False}
    return made[kind]() if kind in made else kind(next(_numbers))


def row_for(one: Table, workspace: UUID, user: UUID) -> dict[str, Any]:
    row = {column.name: value_for(column) for column in one.columns if not column.nullable}
    row |= {name: owner for name, owner in (("workspace_id", workspace), ("user_id", user)) if name in one.c}
    if one.name == "workspaces":
        row["id"] = workspace
    return row


@pytest.fixture
def above(context: Context, postgres: PostgresServer) -> Iterator[Connection]:
    """The database without constraints, as a superuser, whom row-level security does not bind."""
    name = context.database.engine.url.database
    assert name is not None
    with psycopg.connect(postgres.admin_url(name)) as admin:
        for kind in ("f", "c"):
            found = admin.execute(
                "SELECT conrelid::regclass, conname FROM pg_constraint WHERE contype = %s AND conrelid <> 0 "
                "AND connamespace = 'public'::regnamespace",
                [kind],
            ).fetchall()
            for relation, constraint in found:
                admin.execute(f'ALTER TABLE {relation} DROP CONSTRAINT "{constraint}"')
    engine = create_engine(postgres.admin_url(name).replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def test_every_table_has_a_tenant_or_a_reason_to_have_none() -> None:
    without = {one.name for one in METADATA.sorted_tables if not set(_OWNERS) & set(one.columns.keys())}
    assert without - OTHERWISE == NOBODYS.keys()


def test_no_query_without_a_filter_shows_another_tenants_row(context: Context, above: Connection) -> None:
    mine, me, theirs, they = new_id(), new_id(), new_id(), new_id()
    for one in tenant_tables():
        above.execute(insert(one), row_for(one, mine, me))
        above.execute(insert(one), row_for(one, theirs, they))
    above.commit()
    somebody = Actor(kind="user", user_id=me, memberships={mine: "owner"})
    every, own, none = (_owners_seen(context, actor) for actor in (SYSTEM, somebody, ANONYMOUS))
    assert {name for name, owners in every.items() if len(owners) < 2} == set()
    assert {name for name, owners in own.items() if owners & {theirs, they}} == set()
    assert {name for name, owners in none.items() if owners} == set()
    # Policies that hide everything from everybody would pass the rest of this test.
    assert {"tracks", "media", "jobs", "api_tokens", "shares"} <= {name for name, owners in own.items() if owners}


def _owners_seen(context: Context, actor: Actor) -> dict[str, set[UUID]]:
    with context.database.read(actor) as session:
        return {one.name: set(session.scalars(select(owner_column(one)))) for one in tenant_tables()}


def test_no_row_can_be_handed_to_another_tenant(context: Context, above: Connection) -> None:
    mine, theirs, me = new_id(), new_id(), new_id()
    for one in tenant_tables():
        above.execute(insert(one), row_for(one, mine, me))
    above.commit()
    somebody = Actor(kind="user", user_id=me, memberships={mine: "owner"})
    stolen = [one.name for one in tenant_tables() if _changes_hands(context, somebody, one, theirs)]
    assert stolen == []


def _changes_hands(context: Context, actor: Actor, one: Table, to: UUID) -> bool:
    try:
        with nothing_stays(), context.database.write(actor) as session:
            return bool(session.execute(update(one).values({owner_column(one): to}).returning(text("1"))).all())
    except DBAPIError as error:
        # The record of what was done refuses by itself.
        return "row-level security" not in str(error) and "never changed" not in str(error)


@pytest.fixture
def unfiltered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program as if every query forgot to ask whose rows it reads."""
    kept = actors.visible_to
    for module in [module for module in sys.modules.values() if getattr(module, "visible_to", None) is kept]:
        monkeypatch.setattr(module, "visible_to", lambda _actor, _column: true())


@pytest.mark.usefixtures("unfiltered")
def test_without_filters_a_stranger_gets_the_same_answers(clients: dict[str, TestClient], world: World) -> None:
    stranger, place = clients["stranger"], CALLERS.index("stranger")
    expected = {asked: answers[place] for asked, answers in table().items() if not asked[1].endswith("/events")}
    assert {asked: ask(stranger, world, *asked) for asked in expected} == expected
    hidden = {value for name, value in world.values.items() if len(value) == 36 and name != "workspace_id"}
    lists = [
        path for (method, path), answer in expected.items() if (method, answer) == ("GET", "200") and "{" not in path
    ]
    pages = {path: stranger.get(path).text for path in lists}
    assert {path: value for path, page in pages.items() for value in hidden if value in page} == {}
