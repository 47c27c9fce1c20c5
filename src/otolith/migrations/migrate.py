"""Bringing a database to the newest schema, once, however many processes start together."""

from importlib.resources import files

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from otolith.core.actor import SYSTEM
from otolith.core.db import Database
from otolith.core.errors import AppError

log = structlog.get_logger(__name__)

# Any number will do, as long as no other program takes the same advisory lock in this database.
_ADVISORY_LOCK = 0x6F746F6C


class SchemaTooNew(AppError):
    """This database was written by a newer Otolith; upgrade the program, or restore an older backup."""

    status = 500


class SchemaTooOld(AppError):
    """This database has an older schema; run `otolith migrate`."""

    status = 500


def alembic_config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("otolith.migrations")))
    config.attributes["connection"] = connection
    return config


def head() -> str:
    """The revision that this program was written for."""
    revision = ScriptDirectory.from_config(alembic_config()).get_current_head()
    assert revision is not None  # noqa: S101 -- The package always ships at least one revision.
    return revision


def _known(revision: str) -> bool:
    script = ScriptDirectory.from_config(alembic_config())
    return any(known.revision == revision for known in script.walk_revisions())


def current(database: Database) -> str | None:
    """The revision that the database is at, or None where it is empty."""
    with database.read(SYSTEM) as session:
        return MigrationContext.configure(session.connection()).get_current_revision()


def migrate(database: Database) -> bool:
    """Bring `database` to the newest schema; whether there was anything to do.

    The whole step is one transaction under a lock, so of several processes that start together one migrates and the
    others find it done, and a failure leaves the schema as it was.
    """
    if current(database) == head():
        return False
    with database.restructure(SYSTEM) as session:
        connection = session.connection()
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        before = MigrationContext.configure(connection).get_current_revision()
        if before == head():
            return False
        if before is not None and not _known(before):
            raise SchemaTooNew
        command.upgrade(alembic_config(connection), "head")
    log.info("db.migrate.done", before=before, after=head())
    return True
