"""A scan in whose middle the database is restarted, hard and softly: nothing is lost, and nothing doubled."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from otolith.accounts.models import Workspace
from otolith.composition import HANDLERS, build_context
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.errors import AppError
from otolith.core.ids import new_id
from otolith.core.settings import JobSettings, Settings
from otolith.jobs.contracts import Handlers
from otolith.jobs.service import LANES
from otolith.jobs.slot import Slot
from otolith.jobs.sweep import sweep
from otolith.library import scanning
from otolith.library.models import Track
from otolith.library.roots import scans
from otolith.migrations.migrate import migrate
from tests.library.conftest import write_tone
from tests.services import PostgresServer, wait_until

FILES = 60


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    server = PostgresServer(fsync=True)
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture
def context(server: PostgresServer, tmp_path: Path) -> Iterator[Context]:
    jobs = JobSettings(lease_seconds=2, heartbeat_seconds=0.5, sweep_seconds=0.2, retry_seconds=0.2)
    context = build_context(
        Settings(data=tmp_path / "data", database_url=server.create_database("music"), jobs=jobs, database_pool=8)
    )
    migrate(context.database)
    yield context
    context.close()


def work(context: Context, stop: threading.Event) -> None:
    """A worker that takes a database out of reach as what it is."""
    slot = Slot(context, Handlers(HANDLERS), "test")
    while not stop.is_set():
        try:
            sweep(context, (), always=True)
            slot.work(LANES, seconds=1.0)
        except (SQLAlchemyError, AppError):
            stop.wait(0.2)
        stop.wait(0.05)
    slot.close()


@pytest.mark.services
def test_a_database_that_is_restarted_loses_and_doubles_nothing(
    context: Context, server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanning, "_BATCH", 10)
    monkeypatch.setattr(scanning, "_CHUNK", 5)
    for number in range(FILES):
        write_tone(tmp_path / "music" / f"{number}.wav", hertz=200 + 11 * number, seconds=0.1)
    home = Workspace(id=new_id(), name="Home")
    with context.database.write(SYSTEM) as session:
        session.add(home)
    with context.database.write(SYSTEM) as session:
        started = scans.start_scan(session, context, SYSTEM, tmp_path / "music", home.id)

    def stored() -> int:
        try:
            with context.database.read(SYSTEM) as session:
                return session.scalar(select(func.count()).select_from(Track)) or 0
        except (SQLAlchemyError, AppError):
            return 0

    stop = threading.Event()
    worker = threading.Thread(target=work, args=(context, stop))
    worker.start()
    try:
        wait_until(lambda: stored() > 10, "the first tracks", 60)
        server.restart(hard=True)
        wait_until(lambda: stored() > 30, "more tracks", 90)
        server.restart()

        def over() -> bool:
            try:
                with context.database.read(SYSTEM) as session:
                    return scans.get_scan(session, SYSTEM, started.scan_id).state not in {"running", "paused"}
            except (SQLAlchemyError, AppError):
                return False

        wait_until(over, "the end of the scan", 180)
    finally:
        stop.set()
        worker.join()
    with context.database.read(SYSTEM) as session:
        report = scans.scan_report(session, SYSTEM, started.scan_id)
        states = dict(session.execute(select(Track.state, func.count()).group_by(Track.state)).tuples().all())
    assert (report.state, report.added, report.failed) == ("done", FILES, [])
    assert states == {"analysed": FILES}
    assert {
        phase.name: phase.done for phase in report.phases if phase.name in {"walk", "store", "analyse"}
    } == dict.fromkeys(("walk", "store", "analyse"), FILES)
