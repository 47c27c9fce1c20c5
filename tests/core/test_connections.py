"""Pooled connections of PostgreSQL that died while nobody used them."""

import pytest
from sqlalchemy import text

from otolith.core import db
from otolith.core.actor import SYSTEM
from otolith.core.db import Database
from tests.services import PostgresServer


def number_of(database: Database) -> int:
    with database.read(SYSTEM) as session:
        return int(session.execute(text("SELECT pg_backend_pid()")).scalar_one())


def end(server: PostgresServer, number: int) -> None:
    admin = Database(server.admin_url("postgres"), pool_size=1)
    with admin.read(SYSTEM) as session:
        session.execute(text("SELECT pg_terminate_backend(:number)"), {"number": number})
    admin.dispose()


def test_a_connection_that_died_at_rest_is_replaced(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "_REST_SECONDS", 0.0)
    database = Database(postgres.url("otolith_template"), pool_size=1)
    first = number_of(database)
    assert number_of(database) == first
    end(postgres, first)
    assert number_of(database) != first
    database.dispose()
