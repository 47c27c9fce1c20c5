"""Folders of a library inside others that are away, and folders that leave while they are scanned."""

import os
import shutil
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
from otolith.library.events import REFRESH, RefreshPayload
from otolith.library.models import Track
from otolith.library.roots import scans, service
from otolith.library.roots.schemas import RootRequest
from otolith.media.listening import Listener
from otolith.media.models import Media
from tests.library.conftest import Scan, write_tone


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(2):
        write_tone(tmp_path / "music" / f"{number}.wav", hertz=300 + 50 * number)
    return tmp_path / "music"


def test_what_is_away_inside_a_folder_is_said_and_forgotten_when_it_is_back(
    context: Context, workspace: UUID, owner: Actor, slot: Slot, scan: Scan, folder: Path
) -> None:
    write_tone(folder / "share" / "a.wav", hertz=900)
    with context.database.write(owner) as session:
        wish = RootRequest(path=str(folder / "share"), watched=False, every=None)
        root = service.add_root(session, context, owner, wish, workspace)
    slot.work(LANES)
    scan(folder)
    (folder / "share").rename(folder.parent / "aside")
    (folder / "share").mkdir()
    away = scan(folder)
    ((path, error),) = [(one.path, one.error) for one in away.failed]
    assert path.endswith("share/")
    assert "mounted?" in error
    (folder / "share").rmdir()
    (folder.parent / "aside").rename(folder / "share")
    assert scan(folder).failed == []
    with context.database.read(owner) as session:
        back = service.get_root(session, owner, root.id)
    assert (back.away_since, back.away_why) == (None, None)


def test_a_copy_of_a_file_on_a_share_that_is_away_is_no_move(
    context: Context, workspace: UUID, owner: Actor, slot: Slot, scan: Scan, folder: Path
) -> None:
    on_share = write_tone(folder / "share" / "a.wav", hertz=900)
    with context.database.write(owner) as session:
        wish = RootRequest(path=str(folder / "share"), watched=False, every=None)
        service.add_root(session, context, owner, wish, workspace)
    slot.work(LANES)
    scan(folder)
    shutil.copy(on_share, folder / "copy.wav")
    shutil.rmtree(folder / "share")
    (folder / "share").mkdir()
    report = scan(folder)
    assert (report.added, report.moved, report.missing) == (1, 0, 0)
    with context.database.read(SYSTEM) as session:
        assert session.scalar(select(func.count()).select_from(Media).where(Media.missing)) == 0


@pytest.mark.parametrize("mark_missing", [True, False])
def test_a_folder_that_leaves_ends_its_scan_which_stores_nothing_more(
    mark_missing: bool,
    context: Context,
    owner: Actor,
    workspace: UUID,
    slot: Slot,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with context.database.write(owner) as session:
        root = service.add_root(session, context, owner, RootRequest(path=str(folder)), workspace)
    assert root.scan is not None
    tags_many = Listener.tags_many
    removed: list[Any] = []

    def remove_first(listener: Listener, *rest: Any, **more: Any) -> Any:
        if not removed:
            with context.database.write(owner) as session:
                removed.append(service.remove_root(session, owner, root.id, mark_missing=mark_missing))
        return tags_many(listener, *rest, **more)

    monkeypatch.setattr(Listener, "tags_many", remove_first)
    slot.work(LANES)
    assert len(removed) == 1
    with context.database.read(SYSTEM) as session:
        assert scans.scan_report(session, SYSTEM, root.scan.scan_id).state == "cancelled"
        assert session.scalar(select(func.count()).select_from(Track)) == 0
        assert set(session.scalars(select(Job.state))) == {"cancelled"}


def test_a_change_in_a_folder_that_has_left_meanwhile_is_not_taken_in(
    context: Context, owner: Actor, workspace: UUID, slot: Slot, folder: Path
) -> None:
    with context.database.write(owner) as session:
        root = service.add_root(session, context, owner, RootRequest(path=str(folder), scan=False), workspace)
    payload = RefreshPayload(root=os.fsencode(folder), root_id=root.id, paths=[os.fsencode(folder / "0.wav")])
    with context.database.write(SYSTEM) as session:
        submit(session, REFRESH, payload, workspace=workspace)
    with context.database.write(owner) as session:
        service.remove_root(session, owner, root.id)
    slot.work(LANES)
    with context.database.read(SYSTEM) as session:
        assert session.scalar(select(func.count()).select_from(Track)) == 0
        assert list(session.scalars(select(Job.state))) == ["cancelled"]
