"""Transactions: committed at their end, undone when they fail, and plain words when the database cannot."""

import datetime as dt
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from otolith.accounts.models import User
from otolith.core.actor import SYSTEM
from otolith.core.db import Database, DatabaseFull, DatabaseReadOnly, UtcDateTime, after_commit, normalise_url
from otolith.core.errors import AppError, NotAcceptable, NotAvailable
from otolith.core.ids import new_id
from otolith.core.settings import BadSettings


def user(name: str) -> User:
    return User(id=new_id(), name=name, name_key=name)


def count(database: Database) -> int:
    with database.read(SYSTEM) as session:
        return session.scalar(select(func.count()).select_from(User)) or 0


def errors(kind: str) -> float:
    return REGISTRY.get_sample_value("otolith_database_errors_total", {"kind": kind}) or 0


def test_what_is_written_is_committed_at_the_end_and_then_told(database: Database) -> None:
    told: list[int] = []
    with database.write(SYSTEM) as session:
        session.add(user("ann"))
        after_commit(session, lambda: told.append(count(database)))
        assert told == []
    assert told == [1]


def test_what_fails_is_undone_and_told_to_nobody(database: Database) -> None:
    told: list[int] = []

    def write_and_fail() -> None:
        with database.write(SYSTEM) as session:
            session.add(user("ann"))
            session.flush()
            after_commit(session, lambda: told.append(1))
            raise KeyError

    with pytest.raises(KeyError):
        write_and_fail()
    assert count(database) == 0
    assert told == []


def test_a_reader_writes_nothing(database: Database) -> None:
    with database.read(SYSTEM) as session:
        session.add(user("ann"))
        with pytest.raises(RuntimeError, match="only reads"):
            session.flush()


def test_a_failing_listener_does_not_fail_the_write(database: Database) -> None:
    def broken() -> None:
        raise OSError

    with database.write(SYSTEM) as session:
        session.add(user("ann"))
        after_commit(session, broken)
    assert count(database) == 1


def test_times_come_back_aware_and_in_utc(database: Database) -> None:
    there = dt.datetime(2026, 7, 1, 12, 0, 0, 123456, tzinfo=dt.timezone(dt.timedelta(hours=5)))
    with database.write(SYSTEM) as session:
        session.add(User(id=new_id(), name="ann", name_key="ann", signed_in_at=there))
    with database.read(SYSTEM) as session:
        back = session.scalars(select(User.signed_in_at)).one()
    assert back == there
    assert back is not None
    assert back.utcoffset() == dt.timedelta(0)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        UtcDateTime().process_bind_param(dt.datetime(2026, 1, 1), Database("sqlite://").engine.dialect)  # noqa: DTZ001


def test_a_value_that_the_database_cannot_hold_is_the_callers_fault(database: Database) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite holds what PostgreSQL refuses.")
    with pytest.raises(NotAcceptable), database.read(SYSTEM) as session:
        session.scalars(select(User).where(User.name_key == "a\x00b")).all()
    assert errors("data") >= 1


def test_a_moment_outside_the_calendar_is_the_callers_fault(database: Database) -> None:
    before_all = dt.datetime(1, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=23)))
    with pytest.raises(NotAcceptable), database.read(SYSTEM) as session:
        session.scalars(select(User).where(User.created_at > before_all)).all()


def test_a_database_that_is_not_there_is_told_plainly() -> None:
    database = Database("postgresql://nobody:hunter2@127.0.0.1:1/none")
    before = errors("connection")
    with pytest.raises(NotAvailable) as refusal, database.read(SYSTEM):
        pass
    assert "hunter2" not in refusal.value.detail
    assert refusal.value.headers["Retry-After"] == "5"
    assert errors("connection") == before + 1


@pytest.mark.parametrize(
    ("pragma", "refusal"), [("max_page_count=1", DatabaseFull), ("query_only=ON", DatabaseReadOnly)]
)
def test_a_disk_that_takes_no_more_is_told_plainly(tmp_path: Path, pragma: str, refusal: type[AppError]) -> None:
    database = Database(f"sqlite:///{tmp_path / 'full.db'}")

    def write() -> None:
        with database.write(SYSTEM) as session:
            session.execute(text(f"PRAGMA {pragma}"))
            session.execute(text("CREATE TABLE notes (word TEXT)"))

    with pytest.raises(refusal):
        write()
    database.dispose()


def test_waiting_for_a_connection_has_an_end(database: Database) -> None:
    small = Database(database.url, pool_size=1)
    small.engine.pool._timeout = 0.01  # type: ignore[attr-defined]  # Half a minute would be long for a test.
    small.engine.pool._max_overflow = 0  # type: ignore[attr-defined]
    with small.read(SYSTEM) as session:
        session.execute(text("SELECT 1"))
        with pytest.raises(NotAvailable, match="in use"):
            count(small)
    small.dispose()


def test_the_actor_ends_with_the_transaction(database: Database) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite knows no actor.")
    with database.read(SYSTEM) as session:
        assert session.scalar(text("SELECT current_setting('otolith.actor', true)")) == "system"
    with database.engine.connect() as connection:
        assert connection.scalar(text("SELECT current_setting('otolith.actor', true)")) in (None, "")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("postgres://u@h/d?sslmode=require", "postgresql+psycopg://u@h/d?sslmode=require"),
        ("postgresql://u@h/d", "postgresql+psycopg://u@h/d"),
        ("postgresql+psycopg://u@h/d", "postgresql+psycopg://u@h/d"),
        ("sqlite:////data/x.db", "sqlite:////data/x.db"),
    ],
)
def test_urls_mean_psycopg_however_they_are_written(given: str, meant: str) -> None:
    assert normalise_url(given) == meant


def test_an_error_names_no_value(database: Database) -> None:
    def add_twice() -> None:
        with database.write(SYSTEM) as session:
            session.add_all([user("ann"), User(id=new_id(), name="b", name_key="ann", password_hash="hunter2")])

    with pytest.raises(IntegrityError) as raised:
        add_twice()
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    ["", "hunter2", "postgresql://otolith:p@ss:hunter2@host:port/db", "mysql://u:hunter2@host/db"],
)
def test_a_url_that_is_none_is_told_without_its_password(url: str) -> None:
    with pytest.raises(BadSettings, match="OTOLITH_DATABASE_URL") as raised:
        Database(url)
    assert "hunter2" not in raised.value.detail
