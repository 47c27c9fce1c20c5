"""Disks that are mounted inside a library's folder: one that goes away takes nothing with it."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from otolith.core.actor import SYSTEM, Actor
from otolith.core.context import Context
from otolith.jobs.service import LANES, submit
from otolith.jobs.slot import Slot
from otolith.library import moving
from otolith.library.covers.models import FolderPicture
from otolith.library.engine import walk
from otolith.library.events import REFRESH, RefreshPayload
from otolith.library.models import Track
from otolith.library.roots import mounts, service
from otolith.library.roots.models import Mount
from otolith.library.roots.schemas import RootRequest
from otolith.media.models import Media
from tests.library.conftest import Scan, write_tone
from tests.library.covers.pictures import BLUE, picture

device_of = walk.device_of


class Disk:
    """A folder that counts as another device while it holds its files."""

    def __init__(self, place: Path, aside: Path) -> None:
        self.place, self._aside, self.is_mounted = place, aside, True

    def device_of(self, folder: bytes) -> int | None:
        found = device_of(folder)
        inside = (os.fsdecode(os.path.realpath(folder)) + "/").startswith(f"{self.place}/")
        return found if found is None or not (inside and self.is_mounted) else found + 1

    def unmount(self, *, leaves_folder: bool = True) -> None:
        self.place.rename(self._aside)
        self.is_mounted = False
        if leaves_folder:
            self.place.mkdir()

    def mount(self) -> None:
        if self.place.exists():
            self.place.rmdir()
        self._aside.rename(self.place)
        self.is_mounted = True


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    """A disk with two files, mounted in a folder with one."""
    write_tone(tmp_path / "music" / "here.wav", hertz=300)
    for number, name in enumerate(("a.wav", "deep/b.wav")):
        write_tone(tmp_path / "music" / "nas" / name, hertz=500 + 50 * number)
    made = Disk(tmp_path / "music" / "nas", tmp_path / "aside")
    for module in (walk, mounts, moving):
        monkeypatch.setattr(module, "device_of", made.device_of)
    return made


@pytest.fixture
def missing(context: Context) -> Callable[[], set[str]]:
    def names() -> set[str]:
        with context.database.read(SYSTEM) as session:
            return set(session.scalars(select(Media.name).where(Media.missing)))

    return names


def known(context: Context) -> list[str]:
    with context.database.read(SYSTEM) as session:
        return sorted(os.fsdecode(path) for path in session.scalars(select(Mount.path)))


@pytest.mark.parametrize("leaves_folder", [True, False])
def test_what_was_on_a_disk_that_is_away_is_kept_and_said(
    leaves_folder: bool, disk: Disk, scan: Scan, context: Context, missing: Callable[[], set[str]]
) -> None:
    music = disk.place.parent
    scan(music)
    assert known(context) == [str(disk.place)]
    disk.unmount(leaves_folder=leaves_folder)
    (music / "here.wav").unlink()
    write_tone(music / "new.wav", hertz=700)
    report = scan(music)
    assert (report.state, report.added, report.missing) == ("done", 1, 1)
    assert missing() == {"here.wav"}
    ((path, error),) = [(one.path, one.error) for one in report.failed]
    assert path.endswith("nas/")
    assert "Is it mounted?" in error
    disk.mount()
    back = scan(music)
    assert (back.unchanged, back.updated, back.failed) == (3, 0, [])


def test_a_disk_that_came_and_went_between_two_scans_is_known_too(
    disk: Disk, scan: Scan, slot: Slot, context: Context, workspace: UUID, missing: Callable[[], set[str]]
) -> None:
    disk.unmount()
    scan(disk.place.parent)
    disk.mount()
    for _ in range(2):
        music, nas = os.fsencode(disk.place.parent), os.fsencode(disk.place)
        with context.database.write(SYSTEM) as session:
            submit(session, REFRESH, RefreshPayload(root=music, paths=[nas]), workspace=workspace)
        slot.work(LANES)
        assert known(context) == [str(disk.place)]
        if disk.is_mounted:
            disk.unmount()
    assert missing() == set()


def test_files_that_are_deleted_from_a_disk_that_is_there_are_missing(
    disk: Disk, scan: Scan, missing: Callable[[], set[str]]
) -> None:
    scan(disk.place.parent)
    shutil.rmtree(disk.place / "deep")
    (disk.place / "a.wav").unlink()
    assert scan(disk.place.parent).missing == 2
    assert missing() == {"a.wav", "b.wav"}


def test_a_folder_that_takes_the_place_of_a_disk_is_one_like_any_other(
    disk: Disk, scan: Scan, context: Context, missing: Callable[[], set[str]]
) -> None:
    scan(disk.place.parent)
    disk.unmount()
    shutil.copytree(disk.place.parent.parent / "aside", disk.place, dirs_exist_ok=True)
    assert scan(disk.place.parent).missing == 0
    assert known(context) == []
    (disk.place / "a.wav").unlink()
    scan(disk.place.parent)
    assert missing() == {"a.wav"}


def test_a_disk_that_is_gone_for_good_is_let_go_by_an_ignore_file(
    disk: Disk, scan: Scan, context: Context, missing: Callable[[], set[str]]
) -> None:
    scan(disk.place.parent)
    disk.unmount()
    assert scan(disk.place.parent).missing == 0
    (disk.place.parent / ".otolithignore").write_text("/nas/\n")
    report = scan(disk.place.parent)
    assert (report.missing, report.failed) == (2, [])
    assert missing() == {"a.wav", "b.wav"}
    assert known(context) == []


@pytest.mark.parametrize("leaves_folder", [True, False])
def test_a_disk_that_is_mounted_elsewhere_keeps_its_tracks(
    leaves_folder: bool, disk: Disk, scan: Scan, context: Context, missing: Callable[[], set[str]]
) -> None:
    music = disk.place.parent
    scan(music)
    shutil.copy(disk.place / "a.wav", music / "copy.wav")
    disk.unmount(leaves_folder=leaves_folder)
    assert scan(music).moved == 0
    disk.place = music / "shelf" / "usb"
    disk.place.parent.mkdir()
    disk.mount()
    report = scan(music)
    assert (report.moved, report.added, report.missing) == (2, 0, 0)
    assert missing() == set()
    assert scan(music).failed == []
    assert known(context) == [str(disk.place)]


def test_a_link_to_a_disk_that_is_away_keeps_its_files_and_one_that_is_removed_does_not(
    disk: Disk, scan: Scan, tmp_path: Path, missing: Callable[[], set[str]]
) -> None:
    library = tmp_path / "library"
    write_tone(library / "own.wav", hertz=900)
    (library / "link").symlink_to(disk.place)
    assert scan(library).added == 3
    disk.unmount(leaves_folder=False)
    assert scan(library).missing == 0
    assert missing() == set()
    (library / "link").unlink()
    assert scan(library).missing == 2


def test_a_library_folder_that_is_a_disk_is_away_also_where_something_lies_in_its_place(
    disk: Disk, context: Context, owner: Actor, workspace: UUID, slot: Slot, missing: Callable[[], set[str]]
) -> None:
    with context.database.write(owner) as session:
        root = service.add_root(session, context, owner, RootRequest(path=str(disk.place)), workspace)
    slot.work(LANES)
    disk.unmount()
    (disk.place / "README.txt").write_text("The disk is mounted here.")
    with context.database.write(owner) as session:
        service.scan_roots(session, context, owner, root_id=root.id)
    slot.work(LANES)
    with context.database.read(owner) as session:
        assert "another disk" in (service.get_root(session, owner, root.id).away_why or "")
    assert missing() == set()


def test_pictures_on_a_disk_that_is_away_stay(disk: Disk, scan: Scan, context: Context) -> None:
    (disk.place / "cover.jpg").write_bytes(picture(BLUE))
    scan(disk.place.parent)
    with context.database.read(SYSTEM) as session:
        before = dict(session.execute(select(Track.id, Track.cover_key)).tuples().all())
    assert sum(key is not None for key in before.values()) == 1
    disk.unmount()
    scan(disk.place.parent)
    with context.database.read(SYSTEM) as session:
        assert dict(session.execute(select(Track.id, Track.cover_key)).tuples().all()) == before
        assert os.fsencode(disk.place) in set(session.scalars(select(FolderPicture.folder)))
