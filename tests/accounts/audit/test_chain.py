"""The record of what was done: written with the change or not at all, and nothing taken out of it goes unseen."""

import datetime as dt
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from otolith.accounts.audit import service as audit
from otolith.accounts.audit.chaining import HIDDEN, told
from otolith.accounts.audit.models import AuditChain, AuditEntry
from otolith.accounts.models import Workspace
from otolith.core.actor import SYSTEM, Actor
from otolith.core.context import Context
from otolith.core.db import Database, now
from otolith.core.ids import new_id
from otolith.core.origin import coming_from
from tests.callers import Callers

ANN = Actor(kind="user", user_id=new_id(), user_name="Ann", role="user", token_id=new_id())


def write(database: Database, *actions: str, actor: Actor = ANN, **told_of: Any) -> None:
    with database.write(actor) as session:
        for action in actions:
            audit.record(session, actor, action, **told_of)


def written(database: Database) -> list[AuditEntry]:
    with database.read(SYSTEM) as session:
        return list(session.query(AuditEntry).order_by(AuditEntry.seq))


def verdict(database: Database) -> audit.Verdict:
    with database.read(SYSTEM) as session:
        return audit.verify(session)


def tamper(database: Database, change: Callable[[Session], Any]) -> None:
    """What somebody with all rights in the database could do."""
    with database.write(SYSTEM) as session:
        if database.is_sqlite:
            session.execute(text("DROP TRIGGER audit_entries_unchanged"))
            session.execute(text("DROP TRIGGER audit_entries_kept"))
        else:
            session.execute(text("ALTER TABLE audit_entries DISABLE TRIGGER USER"))
        change(session)


def test_an_entry_says_who_did_what_on_what_from_where(database: Database) -> None:
    with coming_from("203.0.113.9"):
        write(database, "token.create", on=("token", 7), before={"name": "old"}, after={"name": "new"})
    (entry,) = written(database)
    assert (entry.seq, entry.action, entry.actor, entry.user_name) == (1, "token.create", "user", "Ann")
    assert (entry.user_id, entry.token_id, entry.address) == (ANN.user_id, ANN.token_id, "203.0.113.9")
    assert (entry.object_type, entry.object_id) == ("token", "7")
    assert (entry.before, entry.after) == ({"name": "old"}, {"name": "new"})


def test_what_is_undone_leaves_no_entry(database: Database) -> None:
    def failing() -> None:
        with database.write(ANN) as session:
            audit.record(session, ANN, "token.create")
            raise LookupError

    with pytest.raises(LookupError):
        failing()
    assert written(database) == []
    assert verdict(database).holds


def test_the_entry_and_the_change_are_one_transaction(database: Database) -> None:
    workspace = new_id()
    with database.write(SYSTEM) as session:
        session.add(Workspace(id=workspace, name="Attic"))
        audit.record(session, SYSTEM, "workspace.create", on=("workspace", workspace), workspace_id=workspace)
    with database.read(SYSTEM) as session:
        assert session.get(Workspace, workspace) is not None
    assert [entry.workspace_id for entry in written(database)] == [workspace]


def test_many_writers_make_one_chain(database: Database) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: write(database, f"test.one{number}", "test.two"), range(24)))
    assert [entry.seq for entry in written(database)] == list(range(1, 49))
    assert verdict(database).entries == 48
    assert verdict(database).holds


def test_values_come_back_as_they_were_hashed(database: Database) -> None:
    after = {"id": new_id(), "at": now(), "half": "\ud800", "many": list(range(200)), "odd": 0.1, "in": {"é": None}}
    write(database, "test.values", after=after)
    assert verdict(database).holds
    (entry,) = written(database)
    assert entry.after is not None
    assert entry.after["odd"] == 0.1
    assert entry.after["many"][-1] == "and 100 more"


@pytest.mark.parametrize(
    "name", ["password", "new_password", "secret_hash", "token", "csrf_token", "api_key", "recovery_codes", "Cookie"]
)
def test_secrets_are_taken_out_by_their_names(name: str) -> None:
    assert told({name: "very secret", "inner": {name: "very secret"}}) == {name: HIDDEN, "inner": {name: HIDDEN}}


@pytest.mark.parametrize("name", ["name", "token_id", "keyword", "musical_key_of", "scopes"])
def test_what_is_no_secret_is_told(name: str) -> None:
    assert told({name: "x"}) == {name: "x"}


@pytest.mark.parametrize("statement", ["UPDATE audit_entries SET action = 'x'", "DELETE FROM audit_entries"])
def test_the_database_refuses_to_change_or_remove_entries(database: Database, statement: str) -> None:
    write(database, "test.one")
    with pytest.raises(DBAPIError, match="audit entries are"), database.write(SYSTEM) as session:
        session.execute(text(statement))
    assert [entry.action for entry in written(database)] == ["test.one"]


def test_postgresql_refuses_to_empty_the_table(database: Database) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite has no TRUNCATE.")
    write(database, "test.one")
    with pytest.raises(DBAPIError, match="audit entries are"), database.write(SYSTEM) as session:
        session.execute(text("TRUNCATE audit_entries"))
    assert len(written(database)) == 1


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (update(AuditEntry).where(AuditEntry.seq == 3).values(user_name="Ben"), "Entry 3 is not what was written"),
        (delete(AuditEntry).where(AuditEntry.seq == 3), "Entry 3 is missing"),
        (delete(AuditEntry).where(AuditEntry.seq > 3), "The entries after 3 are missing"),
        (delete(AuditEntry), "The entries after 0 are missing"),
        (update(AuditEntry).where(AuditEntry.seq == 5).values(hash=bytes(32)), "Entry 5 is not what was written"),
        (update(AuditChain).values(hash=bytes(32)), "The last entry is not the one"),
    ],
    ids=["changed", "removed", "newest removed", "emptied", "rehashed", "end moved"],
)
def test_what_was_tampered_with_shows(database: Database, change: Any, fault: str) -> None:
    for number in range(5):
        write(database, f"test.number{number}")
    assert verdict(database).holds
    tamper(database, lambda session: session.execute(change))
    found = verdict(database)
    assert not found.holds
    assert found.fault is not None
    assert fault in found.fault


def test_the_retention_shortens_the_chain_and_says_so(database: Database) -> None:
    for number in range(4):
        write(database, f"test.number{number}")
    with database.write(SYSTEM) as session:
        assert audit.prune(session, 1, at=now() + dt.timedelta(hours=23)) == 0
    with database.write(SYSTEM) as session:
        assert audit.prune(session, 1, at=now() + dt.timedelta(days=2)) == 4
    (entry,) = written(database)
    assert (entry.action, entry.seq) == ("audit.prune", 5)
    assert entry.after == {"up_to": 4, "removed": 4, "keep_days": 1}
    assert verdict(database).holds
    assert verdict(database).pruned_seq == 4
    write(database, "test.later")
    assert verdict(database).holds


def test_who_may_read_what(context: Context, callers: Callers) -> None:
    database = context.database
    write(database, "test.home", actor=callers.actors["owner"], workspace_id=callers.home)
    write(database, "test.elsewhere", actor=callers.actors["stranger"], workspace_id=callers.elsewhere)
    write(database, "test.server", actor=SYSTEM)

    def seen(kind: str) -> set[str]:
        items, _ = audit.entries(context, callers.actors[kind], audit.Asked(action="test"))
        return {entry.action for entry in items}

    assert seen("admin") == {"test.home", "test.elsewhere", "test.server"}
    assert seen("owner") == {"test.home"}
    assert seen("stranger") == {"test.elsewhere"}
    for kind in ("viewer", "editor", "readonly"):
        with pytest.raises(audit.AuditClosed):
            seen(kind)


def test_another_workspace_is_hidden_by_the_database_too(database: Database, callers: Callers) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite has no row security.")
    write(database, "test.home", actor=callers.actors["owner"], workspace_id=callers.home)
    with database.read(callers.actors["stranger"]) as session:
        assert session.query(AuditEntry).filter(AuditEntry.workspace_id == callers.home).count() == 0
    with database.read(callers.actors["owner"]) as session:
        assert session.query(AuditEntry).filter(AuditEntry.action == "test.home").count() == 1


def test_pages_are_newest_first_and_narrowed(context: Context, callers: Callers) -> None:
    for number in range(7):
        write(context.database, "test.even" if number % 2 == 0 else "test.odd", on=("number", number), actor=SYSTEM)
    admin = callers.actors["admin"]
    first, cursor = audit.entries(context, admin, audit.Asked(action="test"), limit=4)
    rest, end = audit.entries(context, admin, audit.Asked(action="test"), cursor=cursor, limit=4)
    assert [entry.object_id for entry in [*first, *rest]] == ["6", "5", "4", "3", "2", "1", "0"]
    assert end is None
    odd, _ = audit.entries(context, admin, audit.Asked(action="test.odd"))
    assert [entry.object_id for entry in odd] == ["5", "3", "1"]
    one, _ = audit.entries(context, admin, audit.Asked(object_type="number", object_id="4"))
    assert [entry.object_id for entry in one] == ["4"]
    none, _ = audit.entries(context, admin, audit.Asked(action="test", until=now() - dt.timedelta(days=1)))
    assert none == []
