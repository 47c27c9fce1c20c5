"""Which workers are alive: they sign a table every few seconds, and are dead when they stop."""

import datetime as dt
import os
import socket
from collections.abc import Sequence

from sqlalchemy import Table, delete, select
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from otolith import __version__
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.db import Database
from otolith.core.errors import AppError
from otolith.core.settings import Settings
from otolith.jobs.clauses import clock, clock_after
from otolith.jobs.models import Worker

_WORKERS: Table = Worker.__table__  # type: ignore[assignment]

SIGN_SECONDS = 5.0
# Three signatures may be late before a worker counts as dead.
ALIVE_SECONDS = 20.0
FORGET_SECONDS = 24 * 3600.0


def worker_name(wish: str = "") -> str:
    return wish or f"{socket.gethostname()}-{os.getpid()}"


def sign(context: Context, name: str, lanes: Sequence[str], concurrency: int, pid: int) -> None:
    """Say that this worker lives, unless one of its children has just said so."""
    mine = _WORKERS.c.name == name
    with context.database.read(SYSTEM) as session:
        fresh = select(_WORKERS.c.pid).where(mine, _WORKERS.c.seen_at > clock_after(-SIGN_SECONDS * 0.8))
        if session.execute(fresh).scalar() == pid:
            return
    now = clock()
    signature = {
        "host": socket.gethostname(), "pid": pid, "lanes": list(lanes), "concurrency": concurrency,
        "version": __version__, "seen_at": now,
    }  # fmt: skip
    with context.database.write(SYSTEM) as session:
        insert = postgres_insert if not context.database.is_sqlite else sqlite_insert
        statement = insert(_WORKERS).values(name=name, started_at=now, **signature)
        session.execute(statement.on_conflict_do_update(index_elements=["name"], set_=signature))
        session.execute(delete(_WORKERS).where(_WORKERS.c.seen_at < clock_after(-FORGET_SECONDS)))


def sign_off(context: Context, name: str) -> None:
    """Say that this worker has ended."""
    with context.database.write(SYSTEM) as session:
        session.execute(delete(_WORKERS).where(_WORKERS.c.name == name))


def live_workers(session: Session) -> list[Worker]:
    """The workers that gave a sign of life within the last 20 seconds; needs no actor's rights."""
    query = select(Worker).where(Worker.seen_at > clock_after(-ALIVE_SECONDS)).order_by(Worker.name)
    return list(session.execute(query).scalars())


def all_workers(session: Session) -> list[tuple[Worker, dt.datetime]]:
    """Every worker of the last day with the database's present time, to tell how long each has been silent."""
    rows = session.execute(select(Worker, clock()).order_by(Worker.name)).all()
    return [(worker, at) for worker, at in rows]


def probe(settings: Settings, name: str = "") -> tuple[int, str]:
    """Whether a worker of this host (or the one of that name) is alive: an exit code and a sentence."""
    database = Database(settings.effective_database_url, pool_size=1)
    try:
        with database.read(SYSTEM) as session:
            alive = live_workers(session)
    except AppError as error:
        return 1, error.detail
    finally:
        database.dispose()
    wanted = [worker for worker in alive if worker.name == name or (not name and worker.host == socket.gethostname())]
    if wanted:
        return 0, f"Alive: {', '.join(worker.name for worker in wanted)}."
    whom = f"The worker {name}" if name else "A worker of this host"
    return 1, f"{whom} has given no sign of life for {ALIVE_SECONDS:g} s."


__all__ = ["all_workers", "live_workers", "probe", "sign", "sign_off", "worker_name"]
