"""The migrations make what the models say, on both databases, and can be taken back."""

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import inspect, text
from starlette.testclient import TestClient

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.db import Database
from otolith.migrations.migrate import SchemaTooNew, alembic_config, current, head, migrate
from otolith.migrations.tables import METADATA
from tests.callers import Callers
from tests.conftest import ADMIN_PASSWORD


def test_the_migrations_agree_with_the_models(database: Database) -> None:
    with database.write(SYSTEM) as session:
        command.check(alembic_config(session.connection()))


def test_migrating_again_changes_nothing(database: Database) -> None:
    assert current(database) == head()
    assert migrate(database) is False


def test_every_step_can_be_taken_back_and_made_again(database: Database) -> None:
    with database.write(SYSTEM) as session:
        command.downgrade(alembic_config(session.connection()), "base")
    with database.read(SYSTEM) as session:
        left = set(inspect(session.connection()).get_table_names()) - {"alembic_version"}
    assert left == set()
    assert migrate(database) is True
    with database.read(SYSTEM) as session:
        assert set(METADATA.tables) <= set(inspect(session.connection()).get_table_names())


def test_a_failing_step_leaves_the_schema_as_it_was(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with database.write(SYSTEM) as session:
        command.downgrade(alembic_config(session.connection()), "0001")
    upgrade = command.upgrade

    def failing(config: Config, revision: str) -> None:
        upgrade(config, revision)
        message = "the power went"
        raise RuntimeError(message)

    monkeypatch.setattr(command, "upgrade", failing)
    with pytest.raises(RuntimeError, match="power"):
        migrate(database)
    assert current(database) == "0001"
    with database.read(SYSTEM) as session:
        assert "jobs" not in inspect(session.connection()).get_table_names()


def test_a_database_of_a_newer_version_is_refused(database: Database) -> None:
    with database.write(SYSTEM) as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaTooNew, match="newer"):
        migrate(database)


def test_people_and_their_tokens_outlive_an_upgrade(callers: Callers, client: TestClient, context: Context) -> None:
    before = callers["editor"].get("/whoami").json()
    with context.database.write(SYSTEM) as session:
        command.downgrade(alembic_config(session.connection()), "0008")
    assert migrate(context.database) is True
    after = callers["editor"].get("/whoami").json()
    kept = ("user_id", "username", "role", "workspaces")
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    assert after["token"]["networks"] == []
    # Sessions have another form since: whoever was signed in signs in again.
    assert callers.browsers["editor"].get("/api/whoami").status_code == 401
    signed_in = client.post("/api/auth/login", json={"username": "admin", "password": ADMIN_PASSWORD})
    assert signed_in.status_code == 200
