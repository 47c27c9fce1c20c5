"""Single places that changed, taken in without a scan of the whole."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from otolith.core.actor import SYSTEM, Actor
from otolith.core.context import Context
from otolith.jobs.models import Job
from otolith.jobs.service import LANES, submit
from otolith.jobs.slot import Slot
from otolith.library import refreshing
from otolith.library.catalogue.links import Lyrics
from otolith.library.events import REFRESH, RefreshPayload
from otolith.library.models import Scan as ScanRow
from otolith.library.models import Track
from otolith.library.roots import service
from otolith.library.roots.schemas import RootRequest
from otolith.media.models import Media
from tests.library.conftest import Scan, write_tone


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, name in enumerate(("a.wav", "b/c.wav", "b/d.wav")):
        write_tone(tmp_path / "music" / name, hertz=300 + 50 * number)
    return tmp_path / "music"


Refresh = Callable[..., dict[str, Any]]


@pytest.fixture
def refresh(context: Context, workspace: UUID, slot: Slot, folder: Path) -> Refresh:
    """Tell of changed places, and do all that follows; what the job answered."""

    def run(*paths: Path) -> dict[str, Any]:
        payload = RefreshPayload(root=os.fsencode(folder), paths=[os.fsencode(path) for path in paths])
        with context.database.write(SYSTEM) as session:
            job_id = submit(session, REFRESH, payload, workspace=workspace)
        slot.work(LANES)
        with context.database.read(SYSTEM) as session:
            job = session.get_one(Job, job_id)
            assert job.error is None, job.error
            return {name: count for name, count in (job.result or {}).items() if count}

    return run


def library(context: Context) -> dict[str, str]:
    """The files that are there, with the state of their tracks."""
    with context.database.read(SYSTEM) as session:
        rows = session.execute(
            select(Media.name, Track.state).join(Track, Track.media_id == Media.id).where(~Media.missing)
        )
        return dict(rows.tuples().all())


def test_a_new_file_is_taken_in_and_heard(scan: Scan, refresh: Refresh, folder: Path, context: Context) -> None:
    scan(folder)
    assert refresh(write_tone(folder / "new" / "e.wav", hertz=700)) == {"added": 1}
    assert library(context) == dict.fromkeys(("a.wav", "c.wav", "d.wav", "e.wav"), "analysed")


def test_a_folder_that_came_or_went_is_taken_as_a_whole(
    scan: Scan, refresh: Refresh, folder: Path, context: Context
) -> None:
    scan(folder)
    (folder / "b").rename(folder / "z")
    assert refresh(folder / "b", folder / "z") == {"moved": 2}
    shutil.rmtree(folder / "z")
    assert refresh(folder / "z") == {"missing": 2}
    assert set(library(context)) == {"a.wav"}


def test_what_is_as_it_was_costs_a_look(scan: Scan, refresh: Refresh, folder: Path) -> None:
    scan(folder)
    assert refresh(folder / "a.wav", folder / "b") == {"unchanged": 3}


def test_a_file_that_comes_back_is_no_longer_missing(
    scan: Scan, refresh: Refresh, folder: Path, context: Context
) -> None:
    scan(folder)
    (folder / "a.wav").rename(folder.parent / "aside.wav")
    assert refresh(folder / "a.wav") == {"missing": 1}
    (folder.parent / "aside.wav").rename(folder / "a.wav")
    assert refresh(folder / "a.wav") == {"updated": 1}
    assert len(library(context)) == 3


def test_words_beside_a_file_are_read_and_forgotten(
    scan: Scan, refresh: Refresh, folder: Path, context: Context
) -> None:
    scan(folder)

    def words() -> list[str]:
        with context.database.read(SYSTEM) as session:
            return list(session.scalars(select(Lyrics.text).where(Lyrics.source == "file")))

    (folder / "a.lrc").write_text("[00:01.00]One line\n")
    assert refresh(folder / "a.lrc") == {"updated": 1}
    assert ["One line" in text for text in words()] == [True]
    (folder / "a.lrc").unlink()
    assert refresh(folder / "a.lrc") == {"updated": 1}
    assert words() == []
    # What was heard stays true.
    assert library(context)["a.wav"] == "analysed"


def test_an_ignore_file_takes_away_and_its_end_gives_back(
    scan: Scan, refresh: Refresh, folder: Path, context: Context
) -> None:
    scan(folder)
    (folder / "b" / ".nomedia").touch()
    assert refresh(folder / "b" / ".nomedia") == {"missing": 2}
    (folder / "b" / ".nomedia").unlink()
    assert refresh(folder / "b" / ".nomedia") == {"updated": 2}
    (folder / ".otolithignore").write_text("c.*\n")
    assert refresh(folder / ".otolithignore") == {"unchanged": 2, "missing": 1}
    assert set(library(context)) == {"a.wav", "d.wav"}
    # A scan of the whole agrees.
    report = scan(folder)
    assert (report.unchanged, report.missing, report.updated) == (2, 0, 0)


def test_nothing_is_missed_while_the_folder_is_away(
    scan: Scan, folder: Path, context: Context, workspace: UUID, slot: Slot
) -> None:
    scan(folder)
    folder.rename(folder.parent / "aside")
    payload = RefreshPayload(root=os.fsencode(folder), paths=[os.fsencode(folder / "b")])
    with context.database.write(SYSTEM) as session:
        job_id = submit(session, REFRESH, payload, workspace=workspace)
    slot.work(LANES)
    with context.database.read(SYSTEM) as session:
        job = session.get_one(Job, job_id)
    assert (job.state, job.attempt) == ("queued", 0)
    assert "mounted?" in (job.note or "")
    assert len(library(context)) == 3


def test_more_than_a_little_is_left_to_a_scan(
    scan: Scan,
    refresh: Refresh,
    folder: Path,
    context: Context,
    owner: Actor,
    workspace: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(refreshing, "_LARGEST", 2)
    with context.database.write(owner) as session:
        service.add_root(session, context, owner, RootRequest(path=str(folder), scan=False), workspace)
    assert "scan_id" in refresh(folder)
    with context.database.read(SYSTEM) as session:
        assert session.scalar(select(func.count()).select_from(ScanRow)) == 1
    assert len(library(context)) == 3


def test_a_folder_and_a_file_in_it_are_one_change(scan: Scan, refresh: Refresh, folder: Path) -> None:
    scan(folder)
    file = write_tone(folder / "new" / "e.wav", hertz=700)
    assert refresh(file.parent, file, file) == {"added": 1}
