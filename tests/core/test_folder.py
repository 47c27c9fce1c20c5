"""The data folder, and the lock that binds one `otolith up` to it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from otolith.core.errors import NotAvailable
from otolith.core.folder import DataFolder, FolderInUse, FolderLock, lock_for_up

KILLED = """
import os, signal, sys
from pathlib import Path
from otolith.core.folder import FolderLock
lock = FolderLock(Path(sys.argv[1]))
assert lock.acquire()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "a" / "b")
    folder.make()
    folder.make()
    for path in (folder.root, folder.media, folder.uploads, folder.broker, folder.run):
        assert path.is_dir()
        assert path.stat().st_mode & 0o077 == 0


def test_a_folder_that_cannot_be_made_is_told_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotAvailable, match="--data or OTOLITH_DATA"):
        DataFolder(tmp_path / "file" / "data").make()


def test_a_second_up_is_told_who_runs_already(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.make()
    lock = lock_for_up(folder)
    with pytest.raises(FolderInUse, match=f"process {os.getpid()}"):
        lock_for_up(folder)
    lock.release()
    lock_for_up(folder).release()


def test_a_lock_ends_with_its_process_however_that_ends(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert done.returncode == -9
    lock = FolderLock(path)
    assert lock.acquire()
    assert lock.holder() == os.getpid()
    lock.release()


def test_nobody_holds_a_lock_that_was_never_taken(tmp_path: Path) -> None:
    assert FolderLock(tmp_path / "none").holder() is None
    (tmp_path / "odd").write_text("not a number")
    assert FolderLock(tmp_path / "odd").holder() is None
