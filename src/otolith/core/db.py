"""The database: one transaction a request or job step, the actor set on it, and the only commit of the house."""

import datetime as dt
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from prometheus_client import Counter
from sqlalchemy import (
    Connection,
    DateTime,
    Dialect,
    Engine,
    MetaData,
    create_engine,
    event,
    make_url,
    text,
)
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, DisconnectionError, OperationalError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

from otolith.core.actor import SYSTEM, Actor
from otolith.core.errors import AppError, NotAcceptable, NotAvailable
from otolith.core.settings import BadSettings

log = structlog.get_logger(__name__)

DATABASE_ERRORS = Counter("otolith_database_errors", "Failed database operations.", ["kind"])

UNFIT_URL = (
    "The database's URL cannot be used. It is postgresql://user:password@host:5432/name, with special characters of "
    "the password percent-encoded, or sqlite:////path/of/a/file; look at OTOLITH_DATABASE_URL."
)

AfterCommit = Callable[[], None]
_AFTER_COMMIT = "otolith.after_commit"
_WRITES = "otolith_writes"
_RESTED_SINCE = "otolith_rested_since"
_REST_SECONDS = 1.0
# A process that is frozen inside a transaction holds its rows against everybody; PostgreSQL then ends it. No
# transaction of ours waits nearly as long between two statements.
_IDLE_IN_TRANSACTION = "30s"


class DatabaseFull(AppError):
    """The disk of the database is full. The request changed nothing; make room on it and try again."""

    status = 507


class DatabaseReadOnly(NotAvailable):
    """The database may not be written to: its disk is read-only, or its files are not ours. See `otolith doctor`."""


class ValueRefused(NotAcceptable):
    """A value in this request is one that the database cannot hold, such as a number or a date out of all bounds."""


class UtcDateTime(TypeDecorator[dt.datetime]):
    """A moment in time: always aware and in UTC, on both databases."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            message = "A moment needs a time zone."
            raise ValueError(message)
        value = value.astimezone(dt.UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: dt.datetime | None, _dialect: Dialect) -> dt.datetime | None:
        if value is None or value.tzinfo is not None:
            return value if value is None else value.astimezone(dt.UTC)
        return value.replace(tzinfo=dt.UTC)


class Base(DeclarativeBase):
    """The base of every table; constraint names are fixed so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def normalise_url(url: str) -> str:
    """`postgres://` and `postgresql://` mean psycopg 3; every query part (`sslmode`, …) is kept."""
    for prefix in ("postgres://", "postgresql://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url


def _on_sqlite_connect(connection: Any, _entry: ConnectionPoolEntry) -> None:
    # Transactions are begun by _begin_sqlite alone: the driver's own would start too late and as readers.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "busy_timeout=15000",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "temp_store=MEMORY",
        "cache_size=-16000",
        # Copied back every 32 MB instead of every 4: small transactions write the same few pages again and again.
        "wal_autocheckpoint=8000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _set_postgres_actor(connection: Connection, actor: Actor) -> None:
    """Tell the row-level policies who is asking; `true` ends it with the transaction (safe behind PgBouncer)."""
    name = "system" if actor.is_system else str(actor.user_id or "anonymous")
    workspaces = "{" + ",".join(str(workspace) for workspace in actor.workspaces) + "}"
    connection.execute(
        text(
            "SELECT set_config('otolith.actor', :actor, true), set_config('otolith.workspaces', :workspaces, true), "
            "set_config('idle_in_transaction_session_timeout', :idle, true)"
        ),
        {"actor": name, "workspaces": workspaces, "idle": _IDLE_IN_TRANSACTION},
    )


def _refuse_writes(session: Session, _context: Any, _instances: Any) -> None:
    if session.new or session.dirty or session.deleted:
        message = "This session only reads; open it with Database.write."
        raise RuntimeError(message)


def _make_engine(url: str, pool_size: int) -> Engine:
    # Values stay out of the messages of errors, which end up in the log: hashes of passwords and tokens are among them.
    if make_url(url).get_backend_name() == "sqlite":
        engine = create_engine(
            url, connect_args={"check_same_thread": False}, pool_size=pool_size, hide_parameters=True
        )
        event.listen(engine, "connect", _on_sqlite_connect)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    # Statements are not prepared on the server, because PgBouncer in transaction mode would lose them.
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_recycle=1800,
        hide_parameters=True,
        connect_args={"prepare_threshold": None, "connect_timeout": 10},
    )
    event.listen(engine, "checkin", _note_rest)
    event.listen(engine, "checkout", _ping_after_rest)
    return engine


def _note_rest(_connection: Any, entry: ConnectionPoolEntry) -> None:
    entry.info[_RESTED_SINCE] = time.monotonic()


def _ping_after_rest(connection: Any, entry: ConnectionPoolEntry, _proxy: Any) -> None:
    """Try a connection that has rested before it is used; one in steady use needs no round trip more for that."""
    since = entry.info.get(_RESTED_SINCE)
    if since is None or time.monotonic() - since < _REST_SECONDS:
        return
    try:
        connection.execute("SELECT 1")
        connection.rollback()
    except Exception as error:
        # The pool then opens another one in its place.
        raise DisconnectionError from error


class Database:
    """One database, and the two ways into it: `read` and `write`, each a transaction of one actor."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.url = normalise_url(url)
        try:
            self.engine = _make_engine(self.url, pool_size)
        except (ArgumentError, ValueError, ImportError):
            # What is wrong may quote a part of the password, so the cause is not told.
            raise BadSettings(UNFIT_URL) from None
        self._writer = self.engine.execution_options(**{_WRITES: True})
        self.pool_size = pool_size
        # Called with the session as the last of a transaction that writes; what they raise undoes it.
        self.before_commit: list[Callable[[Session], None]] = []
        # Called after each commit with what the session's users noted in `Session.info`.
        self.on_commit: list[Callable[[dict[Any, Any]], None]] = []
        self.on_dispose: list[Callable[[], None]] = []

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @property
    def file(self) -> Path | None:
        """The database's file, where it is one."""
        name = self.engine.url.database
        return Path(name) if self.is_sqlite and name and name != ":memory:" else None

    @contextmanager
    def read(self, actor: Actor) -> Iterator[Session]:
        """A transaction that sees one state of the data and changes nothing."""
        with self._session(self.engine, actor) as session:
            event.listen(session, "before_flush", _refuse_writes)
            yield session

    @contextmanager
    def write(self, actor: Actor) -> Iterator[Session]:
        """A transaction that is committed when the block ends and rolled back when it raises."""
        with self._session(self._writer, actor) as session:
            yield session
            for check in self.before_commit:
                check(session)
            session.commit()
        for callback in session.info.pop(_AFTER_COMMIT, []):
            _run_after_commit(callback)
        for listener in self.on_commit:
            _run_after_commit(partial(listener, session.info))

    @contextmanager
    def restructure(self, actor: Actor) -> Iterator[Session]:
        """As `write`, for changes of tables: on SQLite some copy a table, which else deletes all that refers to it."""
        if not self.is_sqlite:
            with self.write(actor) as session:
                yield session
            return
        with self._writer.connect() as connection:
            # Within a transaction this would change nothing.
            driver: Any = connection.connection.driver_connection
            driver.execute("PRAGMA foreign_keys=OFF")
            try:
                with self._session(connection, actor) as session:
                    yield session
                    session.commit()
            finally:
                driver.execute("PRAGMA foreign_keys=ON")

    @contextmanager
    def _session(self, engine: Engine | Connection, actor: Actor) -> Iterator[Session]:
        try:
            with Session(engine, expire_on_commit=False, info={"actor": actor}) as session:
                if not self.is_sqlite:
                    _set_postgres_actor(session.connection(), actor)
                yield session
        except DBAPIError as error:
            DATABASE_ERRORS.labels(kind=_kind_of(error)).inc()
            if refused := _refusal_of(error):
                log.warning("db.write.refused", error=type(refused).__name__)
                raise refused from error
            if error.connection_invalidated or _is_unreachable(error):
                log.warning("db.connection.failed", error=type(error.orig).__name__)
                detail = "The database does not answer. The request changed nothing; try again in a moment."
                raise NotAvailable(detail, headers={"Retry-After": "5"}) from error
            if isinstance(error, DataError):
                # Such as a text with NUL in it; what it was stays out of the answer and the log.
                raise ValueRefused from error
            raise
        except StatementError as error:
            # A moment whose time zone leads out of the calendar never reached the database.
            if isinstance(error.orig, OverflowError):
                raise ValueRefused from error
            raise
        except PoolTimeout as error:
            DATABASE_ERRORS.labels(kind="pool").inc()
            detail = "All database connections are in use. The request changed nothing; try again in a moment."
            raise NotAvailable(detail, headers={"Retry-After": "5"}) from error

    def dispose(self) -> None:
        """Close the pooled connections, as a process does at its end."""
        for callback in self.on_dispose:
            callback()
        self.engine.dispose()


def as_system(session: Session) -> None:
    """Let the rest of this transaction be the system's: for the last of it, after what the actor did was flushed."""
    if session.get_bind().dialect.name != "sqlite":
        _set_postgres_actor(session.connection(), SYSTEM)


def after_commit(session: Session, callback: AfterCommit) -> None:
    """Run `callback` once `session`'s transaction is committed; never when it is rolled back."""
    session.info.setdefault(_AFTER_COMMIT, []).append(callback)


def _run_after_commit(callback: AfterCommit) -> None:
    # What follows a commit only hastens work that the ledger already holds, so its failure must not look like one.
    try:
        callback()
    except Exception:
        log.warning("db.after_commit.failed", exc_info=True)


def _refusal_of(error: DBAPIError) -> AppError | None:
    """What a disk that takes no more means for whoever asked."""
    if isinstance(error.orig, sqlite3.OperationalError):
        said = str(error.orig)
        if "disk is full" in said:
            return DatabaseFull()
        return DatabaseReadOnly() if "readonly database" in said else None
    return DatabaseFull() if getattr(error.orig, "sqlstate", None) == "53100" else None


def _is_unreachable(error: DBAPIError) -> bool:
    if isinstance(error.orig, sqlite3.OperationalError):
        return "locked" in str(error.orig) or "unable to open" in str(error.orig)
    sqlstate = getattr(error.orig, "sqlstate", None) or ""
    # 08: connection exceptions; 57P: the server is shutting down or starting; 53: out of resources.
    return isinstance(error, OperationalError) and (
        not sqlstate or sqlstate[:2] in {"08", "53"} or sqlstate[:3] == "57P"
    )


def _kind_of(error: DBAPIError) -> str:
    if error.connection_invalidated or _is_unreachable(error):
        return "connection"
    return type(error).__name__.removesuffix("Error").lower() or "other"


def system_clock(session: Session) -> dt.datetime:
    """The database's own time, which leases and schedules go by, so that hosts need not agree on theirs."""
    dialect = session.get_bind().dialect.name
    if dialect == "sqlite":
        return now()
    moment = session.execute(text("SELECT clock_timestamp()")).scalar_one()
    return moment if isinstance(moment, dt.datetime) else now()
