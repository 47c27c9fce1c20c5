"""Temporary folders of processes that were killed."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from otolith.core.scratch import hold_scratch, make_scratch, sweep_scratch

PREFIX = "otolith-scratch-test-"
HOLDS = """
import sys
from otolith.core.scratch import hold_scratch, make_scratch
folder = make_scratch(sys.argv[1])
hold_scratch(folder)
print(folder, flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def test_folders_of_killed_processes_go_and_those_of_living_ones_stay() -> None:
    command = [sys.executable, "-c", HOLDS, PREFIX]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    folder = Path(process.stdout.readline().strip())
    (folder / "seat-0").touch()
    try:
        assert sweep_scratch(PREFIX) == 0
        assert folder.is_dir()
    finally:
        process.kill()
        process.communicate()
    assert sweep_scratch(PREFIX) == 1
    assert not folder.exists()


def test_a_folder_that_is_about_to_be_held_is_left_alone_and_an_old_one_is_not(place: Path) -> None:
    young, old, other = make_scratch(PREFIX), make_scratch(PREFIX), place / "something-else"
    other.mkdir()
    os.utime(old, (0, 0))
    os.utime(other, (0, 0))
    assert sweep_scratch(PREFIX) == 1
    assert young.is_dir()
    assert other.is_dir()
    assert not old.exists()


def test_what_a_link_points_at_is_left_alone(place: Path) -> None:
    target = place / "target"
    target.mkdir()
    os.utime(target, (0, 0))
    (place / f"{PREFIX}link").symlink_to(target)
    assert sweep_scratch(PREFIX) == 0
    assert target.is_dir()


def test_a_held_folder_is_held_against_this_process_too() -> None:
    folder = make_scratch(PREFIX)
    descriptor = hold_scratch(folder)
    assert sweep_scratch(PREFIX) == 0
    os.close(descriptor)
    assert sweep_scratch(PREFIX) == 1
