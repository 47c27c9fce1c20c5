"""PostgreSQL, Redis and RabbitMQ servers that belong to the tests: unprivileged, on ports of their own, killable."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import redis
from psycopg.types.json import Jsonb


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def require(program: str, *candidates: Path) -> Path:
    """The program's path; where it is missing the test is skipped, and in CI it fails."""
    found = shutil.which(program)
    for path in [Path(found)] if found else sorted(candidates, reverse=True):
        if path.exists():
            return path
    reason = f"{program} is not installed (Debian: see .ci/run)"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def wait_until(check: Callable[[], bool], what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            message = f"{what} did not happen within {seconds} s"
            raise TimeoutError(message)
        time.sleep(0.02)


class Server:
    """One server process, with the life that a test wants to give it."""

    process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        raise TypeError

    def ready(self) -> bool:
        raise TypeError

    def identity(self) -> int | None:
        """The user to run as, where the server refuses to run as root."""
        return None

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=self.identity(),
            start_new_session=True,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": "/tmp"},
        )
        wait_until(self.ready, f"start of {type(self).__name__}")

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGINT)

    def _end(self, number: signal.Signals) -> None:
        if self.process is None:
            return
        if self.process.poll() is not None:
            # It ended by itself, and its number may by now be another program's.
            self.process = None
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process = None

    def restart(self, *, hard: bool = False) -> None:
        (self.kill if hard else self.stop)()
        self.start()


class PostgresServer(Server):
    """A PostgreSQL cluster in a temporary folder, with a role that is neither superuser nor above row security."""

    ROLE = "otolith_app"

    def __init__(self, *, fsync: bool = False) -> None:
        versions = Path("/usr/lib/postgresql").glob("*/bin/postgres")
        self.binary = require("postgres", *versions)
        self.port = free_port()
        self.fsync = fsync
        self.folder = Path(tempfile.mkdtemp(prefix="otolith-pg-", dir="/tmp"))
        self._idle: list[str] = []
        self._build: tuple[Any, ...] | None = None
        self._rows: dict[str, Any] = {}
        self._initialise()

    def identity(self) -> int | None:
        if os.geteuid() != 0:
            return None
        import pwd

        return pwd.getpwnam("postgres").pw_uid

    def _initialise(self) -> None:
        user = self.identity()
        if user is not None:
            os.chown(self.folder, user, user)
        subprocess.run(
            [
                str(self.binary.with_name("initdb")),
                "-D",
                str(self.folder / "data"),
                "-U",
                "postgres",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--no-locale",
                "--no-sync",
            ],
            check=True,
            capture_output=True,
            user=user,
            cwd=self.folder,
        )

    def command(self) -> list[str]:
        options = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self.folder,
            "fsync": "on" if self.fsync else "off",
            "shared_buffers": "64MB",
            "max_connections": 200,
        }
        if not self.fsync:
            # Nobody brings it back after a crash, and a database for every test is a fifth cheaper so.
            options |= {"full_page_writes": "off", "wal_level": "minimal", "max_wal_senders": 0}
        flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return [str(self.binary), "-D", str(self.folder / "data"), *flags]

    def ready(self) -> bool:
        try:
            with psycopg.connect(self.admin_url("postgres"), connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False

    def stop(self) -> None:
        """A fast shutdown: SIGINT to the postmaster alone, whose children are its own to end."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(30)
            self.process = None

    def admin_url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def url(self, database: str) -> str:
        return f"postgresql://{self.ROLE}@127.0.0.1:{self.port}/{database}"

    def create_database(self, name: str, template: str = "template1") -> str:
        """A database owned by the application's role; its URL for that role."""
        with psycopg.connect(self.admin_url("postgres"), autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [self.ROLE]).fetchone()
            if not found:
                connection.execute(f"CREATE ROLE {self.ROLE} LOGIN NOSUPERUSER NOBYPASSRLS")
            connection.execute(f'CREATE DATABASE "{name}" OWNER {self.ROLE} TEMPLATE "{template}"')
        return self.url(name)

    def lend_database(self, template: str) -> str:
        """The name of a database like the template: one that a test gave back, or else a new one."""
        if self._idle:
            return self._idle.pop()
        name = f"test_{uuid4().hex}"
        self.create_database(name, template)
        return name

    def take_back(self, name: str, template: str) -> None:
        """Empty a database that a test is done with, for the next one; where its tables were changed, it goes."""
        with psycopg.connect(self.admin_url("postgres"), autocommit=True) as connection:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        if self._build is None:
            with psycopg.connect(self.admin_url(template)) as connection:
                self._build = connection.execute(_BUILD).fetchone()
                for (table,) in connection.execute(_TABLES).fetchall():
                    (rows,) = connection.execute(_ROWS.format(table)).fetchone() or (None,)
                    if rows is not None:
                        self._rows[table] = Jsonb(rows)
        with psycopg.connect(self.admin_url(name)) as connection:
            as_made = connection.execute(_BUILD).fetchone() == self._build
            if as_made:
                connection.execute(_EMPTY)
                for table, rows in self._rows.items():
                    connection.execute(_REFILL.format(table), [rows])
        if as_made:
            self._idle.append(name)
        else:
            self.drop_database(name)

    def drop_database(self, name: str) -> None:
        with psycopg.connect(self.admin_url("postgres"), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


# What a test could have changed of a database beside its rows.
_BUILD = """
SELECT md5(string_agg(told, ' ' ORDER BY told)) FROM (
    SELECT concat(relname, relkind, relacl, relrowsecurity, relforcerowsecurity, relnatts, relchecks) AS told
    FROM pg_class WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT concat(attrelid::regclass, attname, atttypid, attnotnull) FROM pg_attribute
    WHERE attnum > 0 AND attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
    UNION ALL SELECT concat(conname, contype, convalidated) FROM pg_constraint
    UNION ALL SELECT concat(tgname, tgenabled) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT concat(proname, prosrc) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT concat(tablename, policyname, roles, cmd, qual, with_check) FROM pg_policies
    UNION ALL SELECT concat(nspname, nspacl) FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp_'
    UNION ALL SELECT concat(setrole, setconfig) FROM pg_db_role_setting
) AS everything
"""
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
_ROWS = "SELECT jsonb_agg(one) FROM (SELECT * FROM {}) AS one"
_REFILL = "INSERT INTO {0} SELECT * FROM jsonb_populate_recordset(NULL::{0}, %s)"
# As a replica would, past the triggers that forbid it and without asking about references. Nothing learnt of the
# rows stays either, or the plans of the next test would be those of this one.
_EMPTY = """
SET LOCAL session_replication_role = replica;
SET LOCAL allow_system_table_mods = on;
DELETE FROM pg_statistic WHERE starelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace);
DO $$
DECLARE one record;
BEGIN
    FOR one IN SELECT relname AS name, reltuples > 0 OR pg_relation_size(oid) > 65536 AS known
        FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
    LOOP
        EXECUTE format(CASE WHEN one.known THEN 'TRUNCATE %I CASCADE' ELSE 'DELETE FROM %I' END, one.name);
    END LOOP;
    FOR one IN SELECT sequencename AS name, start_value AS first FROM pg_sequences WHERE schemaname = 'public' LOOP
        PERFORM setval(one.name::regclass, one.first, false);
    END LOOP;
END $$
"""


class RedisServer(Server):
    """A Redis that keeps nothing on disk: a restart loses every bell, as the worst case does."""

    def __init__(self) -> None:
        self.binary = require("redis-server")
        self.port = free_port()

    def command(self) -> list[str]:
        return [
            str(self.binary),
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
            "--dir",
            "/tmp",
        ]

    def ready(self) -> bool:
        client = redis.Redis(port=self.port, socket_connect_timeout=1)
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False
        finally:
            client.close()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def close(self) -> None:
        self.kill()
