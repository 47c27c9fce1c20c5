"""Folders that change again and again, with two scans at once and with interruptions: the catalogue follows."""

import random
import threading
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from otolith.composition import HANDLERS
from otolith.core.actor import SYSTEM, Actor
from otolith.core.context import Context
from otolith.jobs.inline import run_inline
from otolith.jobs.service import LANES, Draining, Run
from otolith.jobs.slot import Slot
from otolith.library import scanning
from otolith.library.models import Track
from otolith.library.roots import scans
from otolith.media.models import Media
from tests.library.changing import ChangingFiles
from tests.library.conftest import Scan, write_tone


def catalogue(context: Context) -> dict[bytes, str | None]:
    """The files that are there, by path, with the content that was analysed; each must have its analysed track."""
    with context.database.read(SYSTEM) as session:
        rows = session.execute(
            select(Media.path, Media.sha256, Track.state).join(Track, Track.media_id == Media.id).where(~Media.missing)
        ).all()
    assert {row.state for row in rows} <= {"analysed"}
    found = {row.path: row.sha256 for row in rows if row.path is not None}
    assert len(found) == len(rows)
    return found


@pytest.mark.parametrize("seed", range(3))
def test_after_each_scan_the_catalogue_is_the_folder(seed: int, scan: Scan, context: Context, tmp_path: Path) -> None:
    folder = ChangingFiles(tmp_path / "music", seed)
    for _ in range(6):
        report = scan(folder.root)
        assert report.state == "done"
        assert report.failed == []
        assert catalogue(context) == folder.truth()
        folder.step()


def test_interruptions_change_nothing_but_the_time_it_takes(
    context: Context, owner: Actor, workspace: UUID, slot: Slot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = ChangingFiles(tmp_path / "music", 7)
    dice = random.Random(11)
    monkeypatch.setattr(scanning, "_BATCH", 2)
    check = Run.check

    def sometimes_drain(run: Run) -> None:
        check(run)
        if dice.random() < 0.1:
            raise Draining

    for _ in range(4):
        with monkeypatch.context() as patch:
            patch.setattr(Run, "check", sometimes_drain)
            with context.database.write(owner) as session:
                started = scans.start_scan(session, context, owner, folder.root, workspace)
            slot.work(LANES)
        with context.database.read(owner) as session:
            report = scans.scan_report(session, owner, started.scan_id)
        assert report.state == "done"
        assert report.added + report.updated + report.moved + report.unchanged == len(folder.files)
        assert catalogue(context) == folder.truth()
        folder.step()


def test_two_scans_of_overlapping_roots_at_once_double_nothing(
    context: Context, owner: Actor, workspace: UUID, tmp_path: Path
) -> None:
    root = tmp_path / "music"
    for number in range(12):
        write_tone(root / ("deep" if number % 2 else ".") / f"{number}.wav", hertz=200 + 31 * number)
    started = []
    for place in (root, root / "deep"):
        with context.database.write(owner) as session:
            started.append(scans.start_scan(session, context, owner, place, workspace))
    threads = [
        threading.Thread(target=run_inline, args=(context, one.job_id, HANDLERS), kwargs={"threads": 1})
        for one in started
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with context.database.read(owner) as session:
        states = {scans.scan_report(session, owner, one.scan_id).state for one in started}
    assert states == {"done"}
    assert len(catalogue(context)) == 12
