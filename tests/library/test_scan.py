"""Scans of a folder that changes between them."""

import os
from pathlib import Path
from uuid import UUID

import pytest

from otolith.core.actor import Actor
from otolith.core.context import Context
from otolith.library import service
from otolith.library.schemas import ScanReport, TrackItem
from tests.library.conftest import Scan, write_tone


def counts(report: ScanReport) -> dict[str, int]:
    names = ("added", "updated", "moved", "missing", "unchanged")
    found = {name: getattr(report, name) for name in names if getattr(report, name)}
    return found | ({"failed": len(report.failed)} if report.failed else {})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "music"
    for number, name in enumerate(("a.wav", "b/c.wav", "b/d.wav")):
        write_tone(root / name, hertz=300 + 50 * number)
    return root


def tracks(context: Context, owner: Actor) -> dict[str, TrackItem]:
    with context.database.read(owner) as session:
        return {track.title: track for track in service.list_tracks(session, owner).items}


def test_new_files_are_added_and_analysed(scan: Scan, folder: Path, context: Context, owner: Actor) -> None:
    report = scan(folder)
    assert report.state == "done"
    assert counts(report) == {"added": 3}
    found = tracks(context, owner)
    assert sorted(found) == ["a", "c", "d"]
    assert {track.state for track in found.values()} == {"analysed"}
    assert found["a"].features is not None
    assert found["a"].features.duration == pytest.approx(0.4, abs=0.01)


def test_what_is_as_it_was_is_unchanged(scan: Scan, folder: Path) -> None:
    scan(folder)
    assert counts(scan(folder)) == {"unchanged": 3}
