"""Scans that rest, go on, end, and wait for folders that are away."""

import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, func, select, update

from otolith.core.actor import SYSTEM, Actor
from otolith.core.context import Context
from otolith.core.errors import NotAllowed
from otolith.core.ids import new_id
from otolith.jobs.models import Job
from otolith.jobs.service import LANES
from otolith.jobs.slot import Slot
from otolith.library import comparing, scanning
from otolith.library.health import purging
from otolith.library.models import Track
from otolith.library.roots import scans, service
from otolith.library.roots.scans import ScanOver
from otolith.library.roots.schemas import RootRequest, ScanReport
from otolith.media.listening import Listener
from otolith.media.models import Media
from tests.library.conftest import Scan, write_tone


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(6):
        write_tone(tmp_path / "music" / f"{number}.wav", hertz=300 + 50 * number)
    return tmp_path / "music"


@pytest.fixture
def report(context: Context, owner: Actor) -> Callable[[UUID], ScanReport]:
    def read(scan_id: UUID) -> ScanReport:
        with context.database.read(owner) as session:
            return scans.scan_report(session, owner, scan_id)

    return read


def wake(context: Context) -> None:
    """Let the time of everything that was postponed come."""
    with context.database.write(SYSTEM) as session:
        session.execute(update(Job).where(Job.finished_at.is_(None)).values(due_at=None))


def started(context: Context, owner: Actor, workspace: UUID, folder: Path) -> UUID:
    with context.database.write(owner) as session:
        return scans.start_scan(session, context, owner, folder, workspace).scan_id


def do(context: Context, actor: Actor, deed: Any, scan_id: UUID) -> str:
    with context.database.write(actor) as session:
        state: str = deed(session, actor, scan_id).state
        return state


def test_a_paused_scan_begins_nothing_more_and_goes_on_where_it_was(
    context: Context, owner: Actor, workspace: UUID, slot: Slot, folder: Path, report: Callable[[UUID], ScanReport]
) -> None:
    scan_id = started(context, owner, workspace, folder)
    # The walk and the tags, and nothing heard yet.
    slot.work(["index"])
    assert do(context, owner, scans.pause_scan, scan_id) == "paused"
    assert slot.work(LANES)[0] == 0
    paused = report(scan_id)
    assert (paused.state, paused.added, paused.paused) == ("paused", 6, scans.BY_A_PERSON)
    assert do(context, owner, scans.pause_scan, scan_id) == "paused"
    assert do(context, owner, scans.resume_scan, scan_id) == "running"
    slot.work(LANES)
    done = report(scan_id)
    assert (done.state, done.added, done.failed) == ("done", 6, [])
    assert {phase.state for phase in done.phases} == {"done"}
    assert {phase.name: phase.done for phase in done.phases if phase.done} == {
        **dict.fromkeys(("walk", "compare", "read", "store", "covers", "analyse"), 6),
        # Nothing was stored when the walk was over.
    }


def test_what_runs_when_a_scan_is_paused_gives_its_job_back(
    context: Context,
    owner: Actor,
    workspace: UUID,
    slot: Slot,
    folder: Path,
    report: Callable[[UUID], ScanReport],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scan_id = started(context, owner, workspace, folder)
    monkeypatch.setattr(scanning, "_BATCH", 2)
    tags_many = Listener.tags_many
    read: list[int] = []

    def pause_while_reading(listener: Listener, paths: Any, *rest: Any, **more: Any) -> Any:
        read.append(len(paths))
        if len(read) == 1:
            do(context, owner, scans.pause_scan, scan_id)
        return tags_many(listener, paths, *rest, **more)

    monkeypatch.setattr(Listener, "tags_many", pause_while_reading)
    slot.work(LANES)
    # What was being read is stored, and what that asked for rests as well.
    assert read == [2]
    assert report(scan_id).added == 2
    wake(context)
    slot.work(LANES)
    assert read == [2]
    do(context, owner, scans.resume_scan, scan_id)
    wake(context)
    slot.work(LANES)
    assert (report(scan_id).state, report(scan_id).added) == ("done", 6)


def test_a_request_for_the_same_folder_lets_a_paused_scan_go_on(
    context: Context, owner: Actor, workspace: UUID, folder: Path, report: Callable[[UUID], ScanReport]
) -> None:
    scan_id = started(context, owner, workspace, folder)
    do(context, owner, scans.pause_scan, scan_id)
    assert started(context, owner, workspace, folder) == scan_id
    assert report(scan_id).state == "running"


def test_a_cancelled_scan_keeps_what_it_stored(
    context: Context, owner: Actor, workspace: UUID, slot: Slot, folder: Path, report: Callable[[UUID], ScanReport]
) -> None:
    scan_id = started(context, owner, workspace, folder)
    slot.work(["index"])
    do(context, owner, scans.pause_scan, scan_id)
    assert do(context, owner, scans.cancel_scan, scan_id) == "cancelled"
    assert slot.work(["audio"])[0] == 0
    assert report(scan_id).added == 6
    for deed in (scans.pause_scan, scans.resume_scan, scans.cancel_scan):
        with pytest.raises(ScanOver):
            do(context, owner, deed, scan_id)
    # What it left unheard is taken up by the next one.
    again = started(context, owner, workspace, folder)
    assert again != scan_id
    slot.work(LANES)
    with context.database.read(SYSTEM) as session:
        assert session.scalar(select(func.count()).where(Track.state == "analysed")) == 6


def test_who_may_only_see_a_scan_may_not_steer_it(
    context: Context, owner: Actor, workspace: UUID, folder: Path
) -> None:
    scan_id = started(context, owner, workspace, folder)
    viewer = Actor(kind="user", user_id=new_id(), role="user", memberships={workspace: "viewer"})
    stranger = Actor(kind="user", user_id=new_id(), role="admin", memberships={})
    for deed in (scans.pause_scan, scans.resume_scan, scans.cancel_scan):
        with pytest.raises(NotAllowed):
            do(context, viewer, deed, scan_id)
        with pytest.raises(scans.ScanNotFound):
            do(context, stranger, deed, scan_id)


def missing(context: Context) -> int:
    with context.database.read(SYSTEM) as session:
        return session.scalar(select(func.count()).where(Media.missing)) or 0


@pytest.mark.parametrize("emptied", [True, False])
def test_a_library_folder_that_is_away_pauses_its_scan_and_loses_nothing(
    emptied: bool,
    context: Context,
    owner: Actor,
    workspace: UUID,
    scan: Scan,
    slot: Slot,
    folder: Path,
    report: Callable[[UUID], ScanReport],
) -> None:
    scan(folder)
    with context.database.write(owner) as session:
        root = service.add_root(session, context, owner, RootRequest(path=str(folder), scan=False), workspace)
    folder.rename(folder.parent / "aside")
    if emptied:
        folder.mkdir()
    scan_id = started(context, owner, workspace, folder)
    slot.work(LANES)
    away = report(scan_id)
    assert away.state == "paused"
    assert "mounted?" in (away.paused or "")
    with context.database.read(owner) as session:
        assert service.get_root(session, owner, root.id).away_why == away.paused
    assert missing(context) == 0
    wake(context)
    slot.work(LANES)
    assert report(scan_id).state == "paused"
    if emptied:
        folder.rmdir()
    (folder.parent / "aside").rename(folder)
    (folder / "0.wav").unlink()
    wake(context)
    slot.work(LANES)
    back = report(scan_id)
    assert (back.state, back.unchanged, back.missing, back.paused) == ("done", 5, 1, None)
    with context.database.read(owner) as session:
        shown = service.get_root(session, owner, root.id)
        assert (shown.away_since, shown.away_why) == (None, None)
        assert shown.scanned_at is not None


def test_a_folder_that_goes_away_in_the_middle_pauses_any_scan(
    context: Context,
    owner: Actor,
    workspace: UUID,
    scan: Scan,
    slot: Slot,
    folder: Path,
    report: Callable[[UUID], ScanReport],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scan(folder)
    gone_among = comparing.gone_among
    asides: list[Path] = []

    def unmount_first(*arguments: Any) -> Any:
        if not asides:
            asides.append(folder.rename(folder.parent / "aside"))
            folder.mkdir()
        return gone_among(*arguments)

    monkeypatch.setattr(scanning, "gone_among", unmount_first)
    scan_id = started(context, owner, workspace, folder)
    slot.work(LANES)
    assert report(scan_id).state == "paused"
    assert missing(context) == 0
    folder.rmdir()
    asides[0].rename(folder)
    wake(context)
    slot.work(LANES)
    assert (report(scan_id).state, report(scan_id).missing) == ("done", 0)
    assert missing(context) == 0


def test_files_that_cannot_be_read_because_the_disk_went_away_wait_for_it(
    context: Context,
    owner: Actor,
    workspace: UUID,
    slot: Slot,
    folder: Path,
    report: Callable[[UUID], ScanReport],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scan_id = started(context, owner, workspace, folder)
    tags_many = Listener.tags_many
    asides: list[Path] = []

    def unmount_first(listener: Listener, *rest: Any, **more: Any) -> Any:
        if not asides:
            asides.append(folder.rename(folder.parent / "aside"))
        return tags_many(listener, *rest, **more)

    monkeypatch.setattr(Listener, "tags_many", unmount_first)
    slot.work(LANES)
    assert (report(scan_id).state, report(scan_id).failures) == ("paused", 0)
    asides[0].rename(folder)
    wake(context)
    slot.work(LANES)
    done = report(scan_id)
    assert (done.state, done.added, done.failed, done.paused) == ("done", 6, [], None)


def test_a_folder_of_no_library_that_never_was_there_is_refused(
    context: Context, owner: Actor, workspace: UUID, slot: Slot, folder: Path, report: Callable[[UUID], ScanReport]
) -> None:
    shutil.rmtree(folder)
    scan_id = started(context, owner, workspace, folder)
    slot.work(LANES)
    assert report(scan_id).state == "failed"


def test_what_waits_to_be_heard_is_asked_for_again_while_another_folder_is_scanned(
    context: Context, workspace: UUID, owner: Actor, slot: Slot, scan: Scan, folder: Path, tmp_path: Path
) -> None:
    write_tone(tmp_path / "more" / "a.wav", hertz=900)
    scan(folder)
    with context.database.write(SYSTEM) as session:
        # As a scan leaves them that was cancelled before they were heard.
        session.execute(update(Track).values(state="waiting"))
    for place in (folder, tmp_path / "more"):
        started(context, owner, workspace, place)
    slot.work(LANES)
    with context.database.read(SYSTEM) as session:
        assert set(session.scalars(select(Track.state))) == {"analysed"}


def test_a_step_takes_its_scan_before_any_job_as_whoever_pauses_it_does(
    context: Context, scan: Scan, folder: Path
) -> None:
    taken: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        taken.extend(name for name in ("UPDATE scans", "UPDATE jobs") if statement.startswith(name))

    event.listen(context.database.engine, "before_cursor_execute", note)
    event.listen(context.database.engine, "begin", lambda _: taken.append("begin"))
    write_tone(folder / "sub" / "7.wav")
    (folder / "cover.jpg").write_bytes(b"no picture")
    scan(folder)
    turned = [pair for pair in pairwise(taken) if pair == ("UPDATE jobs", "UPDATE scans")]
    assert "UPDATE scans" in taken
    assert turned == []


def test_a_file_that_is_purged_while_a_scan_brings_it_back_is_new(
    context: Context, workspace: UUID, owner: Actor, scan: Scan, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan(folder)
    file = folder / "0.wav"
    file.rename(folder.parent / "aside.wav")
    scan(folder)
    (folder.parent / "aside.wav").rename(file)
    compare = comparing.Compared.__init__

    def compare_and_purge(*given: Any) -> None:
        compare(*given)
        with context.database.write(owner) as session:
            purging.purge_missing(session, owner, workspace, None)

    monkeypatch.setattr(comparing.Compared, "__init__", compare_and_purge)
    report = scan(folder)
    assert (report.added, report.updated, report.unchanged) == (1, 0, 5)
    with context.database.read(SYSTEM) as session:
        assert session.scalar(select(func.count()).select_from(Track)) == 6


def test_a_folder_of_the_library_that_is_away_loses_nothing_to_the_scan_of_the_one_around_it(
    context: Context, workspace: UUID, owner: Actor, slot: Slot, scan: Scan, folder: Path
) -> None:
    write_tone(folder / "share" / "a.wav", hertz=900)
    with context.database.write(owner) as session:
        wish = RootRequest(path=str(folder / "share"), watched=False, every=None)
        service.add_root(session, context, owner, wish, workspace)
    slot.work(LANES)
    scan(folder)
    shutil.rmtree(folder / "share")
    (folder / "share").mkdir()
    (folder / "0.wav").unlink()
    assert scan(folder).missing == 1
    with context.database.read(SYSTEM) as session:
        (gone,) = session.scalars(select(Media.name).where(Media.missing))
    assert gone == "0.wav"
    # What could not be reached was not scanned.
    with context.database.read(owner) as session:
        (share,) = service.list_roots(session, owner).items
    assert "mounted?" in (share.away_why or "")
    assert share.away_since is not None
