"""Scans of a folder that changes between them."""

import os
import shutil
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from otolith.accounts.models import Workspace
from otolith.core.actor import SYSTEM, Actor
from otolith.core.context import Context
from otolith.core.ids import new_id
from otolith.jobs.models import Job, LanePause
from otolith.jobs.service import LANES, Draining, Run
from otolith.jobs.slot import Slot
from otolith.library import scanning, service
from otolith.library.models import Analysis
from otolith.library.roots import scans
from otolith.library.roots.schemas import ScanReport
from otolith.library.schemas import TrackItem
from otolith.media.listening import Listener, ListenFailure
from tests.library.conftest import Scan, write_tone


def counts(report: ScanReport) -> dict[str, int]:
    """What a report counts, without what is nought."""
    assert report.state == "done", report.error
    names = ("added", "updated", "moved", "missing", "unchanged")
    found = {name: getattr(report, name) for name in names if getattr(report, name)}
    return found | ({"failed": len(report.failed)} if report.failed else {})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "music"
    for number, name in enumerate(("a.wav", "b/c.wav", "b/d.wav")):
        write_tone(root / name, hertz=300 + 50 * number)
    return root


def tracks(context: Context, actor: Actor) -> dict[str, TrackItem]:
    with context.database.read(actor) as session:
        return {track.title: track for track in service.list_tracks(session, actor).items}


class Ear:
    """Counts what is decoded."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.heard: list[str] = []
        listen = Listener.listen

        def count(listener: Listener, path: Any, *rest: Any) -> Any:
            self.heard.append(Path(os.fsdecode(path)).name)
            return listen(listener, path, *rest)

        monkeypatch.setattr(Listener, "listen", count)


def test_new_files_are_added_and_analysed(scan: Scan, folder: Path, context: Context, owner: Actor) -> None:
    assert counts(scan(folder)) == {"added": 3}
    found = tracks(context, owner)
    assert sorted(found) == ["a", "c", "d"]
    assert {track.state for track in found.values()} == {"analysed"}
    assert found["a"].features is not None
    assert found["a"].features.duration == pytest.approx(0.4, abs=0.01)


def test_what_is_as_it_was_is_unchanged(scan: Scan, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scan(folder)
    ear = Ear(monkeypatch)
    assert counts(scan(folder)) == {"unchanged": 3}
    assert ear.heard == []


def test_a_changed_file_is_heard_again(scan: Scan, folder: Path, context: Context, owner: Actor) -> None:
    scan(folder)
    write_tone(folder / "a.wav", hertz=900, seconds=0.8)
    assert counts(scan(folder)) == {"updated": 1, "unchanged": 2}
    features = tracks(context, owner)["a"].features
    assert features is not None
    assert features.duration == pytest.approx(0.8, abs=0.01)


def test_a_touched_file_is_not_decoded_again(scan: Scan, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scan(folder)
    os.utime(folder / "a.wav", (1_000_000_000, 1_000_000_000))
    ear = Ear(monkeypatch)
    assert counts(scan(folder)) == {"updated": 1, "unchanged": 2}
    assert ear.heard == []


def test_a_moved_file_keeps_its_track(
    scan: Scan, folder: Path, context: Context, owner: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan(folder)
    before = {track.id for track in tracks(context, owner).values()}
    (folder / "new").mkdir()
    (folder / "b" / "c.wav").rename(folder / "new" / "renamed.wav")
    ear = Ear(monkeypatch)
    assert counts(scan(folder)) == {"moved": 1, "unchanged": 2}
    after = tracks(context, owner)
    assert {track.id for track in after.values()} == before
    assert not after["renamed"].missing
    assert ear.heard == []


def test_a_moved_folder_keeps_its_tracks(scan: Scan, folder: Path, context: Context, owner: Actor) -> None:
    scan(folder)
    before = {track.id for track in tracks(context, owner).values()}
    (folder / "b").rename(folder / "0 first")
    assert counts(scan(folder)) == {"moved": 2, "unchanged": 1}
    assert {track.id for track in tracks(context, owner).values()} == before


def test_a_copy_is_a_track_of_its_own_and_heard_once(
    scan: Scan, folder: Path, context: Context, owner: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan(folder)
    shutil.copy(folder / "a.wav", folder / "copy.wav")
    ear = Ear(monkeypatch)
    assert counts(scan(folder)) == {"added": 1, "unchanged": 3}
    assert ear.heard == []
    found = tracks(context, owner)
    assert found["copy"].id != found["a"].id
    assert found["copy"].features == found["a"].features
    assert found["copy"].state == "analysed"


def test_files_alike_at_both_ends_only_are_told_apart(scan: Scan, folder: Path, context: Context, owner: Actor) -> None:
    # The quick key looks at 64 KiB from each end, so these two differ where it does not look.
    for name, byte in (("x.wav", b"\x01"), ("y.wav", b"\x02")):
        write_tone(folder / name, seconds=20, rate=8000)
        with (folder / name).open("r+b") as file:
            file.seek(150_000)
            file.write(byte * 1000)
    assert counts(scan(folder)) == {"added": 5}
    with context.database.read(SYSTEM) as session:
        assert session.scalar(select(func.count()).select_from(Analysis)) == 5


def test_a_file_that_goes_away_is_missing_and_kept(scan: Scan, folder: Path, context: Context, owner: Actor) -> None:
    scan(folder)
    (folder / "a.wav").unlink()
    assert counts(scan(folder)) == {"missing": 1, "unchanged": 2}
    found = tracks(context, owner)
    assert found["a"].missing
    assert found["a"].features is not None
    assert counts(scan(folder)) == {"unchanged": 2}


def test_a_file_that_comes_back_is_no_longer_missing(scan: Scan, folder: Path, context: Context, owner: Actor) -> None:
    scan(folder)
    (folder / "a.wav").rename(folder.parent / "aside.wav")
    scan(folder)
    (folder.parent / "aside.wav").rename(folder / "a.wav")
    assert counts(scan(folder)) == {"updated": 1, "unchanged": 2}
    assert not tracks(context, owner)["a"].missing


def test_a_file_that_comes_back_elsewhere_is_moved(scan: Scan, folder: Path, context: Context, owner: Actor) -> None:
    scan(folder)
    (folder / "a.wav").rename(folder.parent / "aside.wav")
    scan(folder)
    (folder.parent / "aside.wav").rename(folder / "b" / "again.wav")
    assert counts(scan(folder)) == {"moved": 1, "unchanged": 2}
    assert len(tracks(context, owner)) == 3


def test_missing_is_taken_back_when_the_file_turns_up_later_in_the_same_scan(
    scan: Scan, folder: Path, context: Context, owner: Actor, workspace: UUID, slot: Slot
) -> None:
    scan(folder)
    (folder / "a.wav").rename(folder / "z.wav")
    with context.database.write(owner) as session:
        started = scans.start_scan(session, context, owner, folder, workspace)
    # The lane order makes the walk, and with it the marking, end before any file is indexed.
    slot.work(LANES)
    with context.database.read(owner) as session:
        report = scans.scan_report(session, owner, started.scan_id)
    assert counts(report) == {"moved": 1, "unchanged": 2}


def test_the_same_content_is_heard_once_across_workspaces(
    scan: Scan, folder: Path, context: Context, slot: Slot, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan(folder)
    other = Workspace(id=new_id(), name="Other")
    with context.database.write(SYSTEM) as session:
        session.add(other)
    stranger = Actor(kind="user", user_id=new_id(), role="admin", memberships={other.id: "owner"})
    ear = Ear(monkeypatch)
    with context.database.write(stranger) as session:
        started = scans.start_scan(session, context, stranger, folder, other.id)
    slot.work(LANES)
    with context.database.read(stranger) as session:
        report = scans.scan_report(session, stranger, started.scan_id)
        listed = service.list_tracks(session, stranger)
    assert counts(report) == {"added": 3}
    assert ear.heard == []
    assert listed.total == 3
    assert all(track.workspace_id == other.id and track.features for track in listed.items)


class TestBrokenFiles:
    def test_each_fails_for_itself_and_is_taken_in_once_mended(self, scan: Scan, folder: Path) -> None:
        (folder / "letter.mp3").write_text("Dear all, this is not music at all.")
        (folder / "nothing.flac").touch()
        report = scan(folder)
        assert counts(report) == {"added": 3, "failed": 2}
        why = {Path(one.path).name: one.error for one in report.failed}
        assert why["letter.mp3"] == "This is a text file, not a sound file."
        assert why["nothing.flac"] == "The file is empty (0 bytes)."
        assert counts(scan(folder)) == {"unchanged": 3, "failed": 2}
        write_tone(folder / "nothing.flac", hertz=777)
        assert counts(scan(folder)) == {"added": 1, "unchanged": 3, "failed": 1}

    def test_one_that_breaks_while_heard_is_failed_alone(
        self, scan: Scan, folder: Path, context: Context, owner: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        listen = Listener.listen

        def break_one(listener: Listener, path: Any, *rest: Any) -> Any:
            if Path(path).name == "c.wav":
                raise ListenFailure("damaged", "Nothing in it can be decoded.")
            return listen(listener, path, *rest)

        with monkeypatch.context() as patch:
            patch.setattr(Listener, "listen", break_one)
            report = scan(folder)
        assert counts(report) == {"added": 2, "failed": 1}
        assert report.failed[0].path == str(folder / "b" / "c.wav")
        track = tracks(context, owner)["c"]
        assert (track.state, track.error) == ("failed", "Nothing in it can be decoded.")
        # The cause is gone, and the file is as it was.
        assert counts(scan(folder)) == {"updated": 1, "unchanged": 2}
        assert tracks(context, owner)["c"].error is None

    def test_one_that_vanishes_between_walk_and_index_is_said(
        self, context: Context, owner: Actor, workspace: UUID, folder: Path, slot: Slot, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tags_many = Listener.tags_many

        def remove_first(listener: Listener, paths: Any, *rest: Any, **more: Any) -> Any:
            (folder / "a.wav").unlink()
            return tags_many(listener, paths, *rest, **more)

        monkeypatch.setattr(Listener, "tags_many", remove_first)
        with context.database.write(owner) as session:
            started = scans.start_scan(session, context, owner, folder, workspace)
        slot.work(LANES)
        with context.database.read(owner) as session:
            report = scans.scan_report(session, owner, started.scan_id)
        assert counts(report) == {"added": 2, "failed": 1}
        assert report.failed[0].error == "The file is not there (any more)."

    def test_names_that_are_no_text_are_scanned_and_shown(
        self, scan: Scan, folder: Path, context: Context, owner: Actor
    ) -> None:
        odd = Path(os.fsdecode(os.fsencode(folder) + b"/\xff\xfe caf\xe9\n.wav"))
        write_tone(odd, hertz=612)
        broken = Path(os.fsdecode(os.fsencode(folder) + b"/\xc3.mp3"))
        broken.write_text("no sound")
        report = scan(folder)
        assert counts(report) == {"added": 4, "failed": 1}
        assert report.failed[0].path.endswith("/\ufffd.mp3")
        assert "\ufffd\ufffd caf\ufffd" in tracks(context, owner)
        assert counts(scan(folder)) == {"unchanged": 4, "failed": 1}


class TestRoots:
    def test_a_root_that_is_gone_fails_the_scan_and_marks_nothing(
        self, scan: Scan, folder: Path, context: Context, owner: Actor
    ) -> None:
        scan(folder)
        folder.rename(folder.parent / "away")
        report = scan(folder)
        assert report.state == "failed"
        assert report.error is not None
        assert "There is no folder" in report.error
        assert report.missing == 0
        assert not any(track.missing for track in tracks(context, owner).values())

    def test_a_root_that_is_empty_like_an_unmounted_disk_fails_the_scan(
        self, scan: Scan, folder: Path, context: Context, owner: Actor
    ) -> None:
        scan(folder)
        shutil.rmtree(folder)
        folder.mkdir()
        report = scan(folder)
        assert report.state == "failed"
        assert "is empty, and it held files before" in (report.error or "")
        assert not any(track.missing for track in tracks(context, owner).values())

    def test_an_empty_folder_that_always_was_is_fine(self, scan: Scan, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        assert counts(scan(tmp_path / "empty")) == {}

    def test_a_file_is_no_folder(self, scan: Scan, folder: Path) -> None:
        report = scan(folder / "a.wav")
        assert report.state == "failed"
        assert "is not a folder" in (report.error or "")

    def test_what_cannot_be_looked_at_is_not_missing(
        self, scan: Scan, folder: Path, context: Context, owner: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        scan(folder)
        scandir, stat = os.scandir, os.stat
        closed = os.fsencode(folder / "b")

        def no_listing(path: bytes) -> Any:
            if path == closed:
                raise PermissionError(13, "Permission denied")
            return scandir(path)

        def no_look(path: Any, *rest: Any, **more: Any) -> os.stat_result:
            if isinstance(path, bytes) and path.startswith(closed + b"/"):
                raise PermissionError(13, "Permission denied")
            return stat(path, *rest, **more)

        monkeypatch.setattr(os, "scandir", no_listing)
        monkeypatch.setattr(os, "stat", no_look)
        report = scan(folder)
        assert counts(report) == {"unchanged": 1, "failed": 1}
        assert report.failed[0].path == f"{folder}/b/"
        assert not any(track.missing for track in tracks(context, owner).values())

    def test_the_data_folder_inside_the_root_is_left_out(self, scan: Scan, context: Context, tmp_path: Path) -> None:
        write_tone(context.settings.data / "media" / "ab" / "upload.wav")
        write_tone(tmp_path / "own.wav", hertz=500)
        assert counts(scan(tmp_path)) == {"added": 1}


def test_an_interrupted_walk_goes_on_and_counts_nothing_twice(
    context: Context, owner: Actor, workspace: UUID, folder: Path, slot: Slot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanning, "_BATCH", 1)
    progress = Run.progress
    walked: list[int] = []

    def drain_after_two(run: Any, done: int, *rest: Any, **more: Any) -> None:
        progress(run, done, *rest, **more)
        if run.job.task == "library.scan":
            walked.append(done)
            if len(walked) == 2:
                raise Draining

    monkeypatch.setattr(Run, "progress", drain_after_two)
    with context.database.write(owner) as session:
        started = scans.start_scan(session, context, owner, folder, workspace)
    slot.work(LANES)
    with context.database.read(owner) as session:
        report = scans.scan_report(session, owner, started.scan_id)
        jobs = dict(session.execute(select(Job.task, func.count()).group_by(Job.task)).tuples().all())
    assert counts(report) == {"added": 3}
    assert walked == [1, 2, 3]
    assert jobs["library.index"] == 3


def test_a_full_disk_pauses_the_lane_and_loses_nothing(
    context: Context, owner: Actor, workspace: UUID, folder: Path, slot: Slot
) -> None:
    kept = context.settings.media.min_free
    context.settings.media.min_free = 1 << 60
    with context.database.write(owner) as session:
        started = scans.start_scan(session, context, owner, folder, workspace)
    slot.work(LANES)
    with context.database.read(owner) as session:
        report = scans.scan_report(session, owner, started.scan_id)
        waiting = session.scalars(select(Job.state).where(Job.task == "library.analyse")).all()
        pause = session.get_one(LanePause, "audio")
    assert report.state == "running"
    assert set(waiting) == {"queued"}
    assert "is full" in pause.reason
    assert report.paused == pause.reason
    context.settings.media.min_free = kept
    with context.database.write(SYSTEM) as session:
        session.delete(session.get_one(LanePause, "audio"))
    slot.work(LANES)
    with context.database.read(owner) as session:
        assert counts(scans.scan_report(session, owner, started.scan_id)) == {"added": 3}
