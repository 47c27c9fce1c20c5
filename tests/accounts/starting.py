"""Several processes that start on one database in the same moment."""

import io
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

from otolith.accounts.service import home_workspace
from otolith.api import prepare
from otolith.composition import build_context
from otolith.core.actor import SYSTEM
from otolith.core.settings import AccountSettings, Settings

_barrier: Barrier | None = None


def _meet(barrier: Any) -> None:
    # A barrier reaches a process only while it is being made.
    globals()["_barrier"] = barrier


def _start(url: str, data: Path) -> tuple[str, str]:
    """Start as a server does; the Home workspace found, and what was written for the person who starts it."""
    settings = Settings(
        data=data,
        database_url=url,
        workers=0,
        admin={"token": "t" * 40},
        accounts=AccountSettings(hash_memory=19_922_944, hash_rounds=2),
    )
    context = build_context(settings)
    sys.stderr = io.StringIO()
    assert _barrier is not None
    _barrier.wait(60)
    prepare(context)
    with context.database.read(SYSTEM) as session:
        home = str(home_workspace(session).id)
    context.close()
    return home, sys.stderr.getvalue()


def start_together(url: str, data: Path, number: int) -> list[tuple[str, str]]:
    """What each of `number` processes found."""
    forking = multiprocessing.get_context("forkserver")
    forking.set_forkserver_preload(["tests.accounts.starting"])
    barrier = forking.Barrier(number)
    with ProcessPoolExecutor(number, mp_context=forking, initializer=_meet, initargs=(barrier,)) as pool:
        return [future.result(120) for future in [pool.submit(_start, url, data) for _ in range(number)]]
