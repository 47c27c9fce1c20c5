"""What the tests stand on: a migrated database of each kind, a context, and servers that belong to the run."""

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.testclient import TestClient

from otolith.app import create_app
from otolith.composition import build_context
from otolith.core.context import Context
from otolith.core.db import Database
from otolith.core.settings import AccountSettings, AdminSettings, LimitSettings, Settings
from otolith.migrations.migrate import migrate
from tests.callers import Callers, make_callers
from tests.services import PostgresServer, RedisServer

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# How long an example takes says more about the machine than about the code.
hypothesis.settings.register_profile("otolith", deadline=None)
hypothesis.settings.load_profile("otolith")

TEMPLATE = "otolith_template"
ADMIN_PASSWORD = "correct horse battery staple"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long forms to `just soak`."""
    if os.environ.get("OTOLITH_SOAK"):
        return
    long = [item for item in items if item.get_closest_marker("soak")]
    config.hook.pytest_deselected(items=long)
    items[:] = [item for item in items if item not in long]


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL of this test run, with a migrated template database."""
    server = PostgresServer()
    try:
        server.start()
        database = Database(server.create_database(TEMPLATE), pool_size=2)
        migrate(database)
        database.dispose()
        yield server
    finally:
        server.close()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    server = RedisServer()
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy, since migrating for every test would cost more than the tests."""
    path = tmp_path_factory.mktemp("template") / "otolith.db"
    database = Database(f"sqlite:///{path}", pool_size=2)
    migrate(database)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.dispose()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty, migrated database of each kind."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        path = tmp_path / "otolith.db"
        path.write_bytes(template.read_bytes())
        yield f"sqlite:///{path}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = server.lend_database(TEMPLATE)
    yield server.url(name)
    server.take_back(name, TEMPLATE)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    settings = Settings(
        data=tmp_path / "data",
        database_url=database_url,
        workers=0,
        database_pool=8,
        admin=AdminSettings(password=SecretStr(ADMIN_PASSWORD)),
        # The least that the settings allow, since tests sign in often.
        accounts=AccountSettings(hash_memory=19_922_944, hash_rounds=2),
        # Tests ask more in a minute than people do; those of the limits switch them on.
        limits=LimitSettings(enabled=False),
    )
    settings.folder.make()
    return settings


@pytest.fixture
def context(settings: Settings) -> Iterator[Context]:
    context = build_context(settings)
    yield context
    context.close()


@pytest.fixture
def database(context: Context) -> Database:
    return context.database


@pytest.fixture
def app(settings: Settings) -> FastAPI:
    """The whole server over the test's database."""
    return create_app(settings)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    """Somebody who has not signed in, talking to a server that has started."""
    with TestClient(app) as client:
        yield client


@pytest.fixture
def callers(app: FastAPI, client: TestClient, context: Context) -> Callers:
    """Everybody else: viewer, editor, owner, admin, readonly, stranger and those who are refused."""
    return make_callers(app, context)
