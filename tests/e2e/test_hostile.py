"""Hostile and odd files through a whole scan: each ends in a plain result of its own, and the others succeed."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from otolith.accounts.service import home_workspace
from otolith.composition import HANDLERS
from otolith.core.actor import SYSTEM
from otolith.core.settings import Settings
from otolith.jobs.inline import run_inline
from otolith.library import service
from otolith.library.engine.walk import OTHERS, PLAYLISTS, SCORES, extension
from otolith.library.roots import scans
from otolith.library.roots.schemas import ScanReport
from otolith.library.schemas import TrackItem
from otolith.local import opened
from tests.hostile import CASES, HEARD, Case

# Places that a scan cannot meet: they lie outside of its folder, or nowhere.
NOWHERE: Final = {"folder", "device", "nowhere", "below_a_file", "long_name", "nul", "address", "concat_address"}
LONG: Final = {"hours10.wav"}


class Scanned:
    """The folder of each case, and what a scan said of all of them."""

    def __init__(self, root: Path, cases: list[Case]) -> None:
        self.music = root / "music"
        for case in cases:
            place = self.music / case.name
            place.mkdir(parents=True)
            case.make(place)
        settings = Settings(data=root / "data")
        with opened(settings) as context:
            with context.database.write(SYSTEM) as session:
                home = home_workspace(session).id
                started = scans.start_scan(session, context, SYSTEM, self.music, home)
            run_inline(context, started.job_id, HANDLERS, threads=2)
            with context.database.read(SYSTEM) as session:
                self.report: ScanReport = scans.scan_report(session, SYSTEM, started.scan_id)
                tracks = service.list_tracks(session, SYSTEM, limit=500).items
                files = {track.id: service.get_track(session, SYSTEM, track.id).file.name for track in tracks}
        self.tracks: Mapping[str, list[TrackItem]] = {
            name: [track for track in tracks if files[track.id] == name] for name in files.values()
        }

    def said_of(self, case: Case, among: str) -> list[str]:
        start = f"{self.music / case.name}/"
        return [one.error for one in getattr(self.report, among) if one.path.startswith(start)]


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Scanned:
    cases = [case for case in CASES if case.name not in NOWHERE | LONG]
    return Scanned(tmp_path_factory.mktemp("hostile"), cases)


def test_the_scan_goes_through(scanned: Scanned) -> None:
    assert scanned.report.state == "done"
    taken = scanned.report.added + len(scanned.report.failed)
    tracks = [track for tracks in scanned.tracks.values() for track in tracks]
    assert scanned.report.added == sum(track.state == "analysed" for track in tracks)
    assert taken >= len(CASES) - len(NOWHERE | LONG) - len(scanned.report.skipped)
    assert not any(track.state == "waiting" for track in tracks)


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.outcomes == (HEARD,) and case.name not in LONG], ids=lambda case: case.name
)
def test_what_can_be_heard_is_heard(case: Case, scanned: Scanned) -> None:
    assert scanned.said_of(case, "failed") == []
    assert scanned.said_of(case, "skipped") == []
    if "/" not in case.name and case.name in scanned.tracks:
        (track,) = scanned.tracks[case.name]
        assert track.state == "analysed"
        assert track.features is not None
        if case.seconds is not None:
            assert track.features.duration == pytest.approx(case.seconds, abs=0.1)


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if HEARD not in case.outcomes and case.name not in NOWHERE],
    ids=lambda case: case.name,
)
def test_what_cannot_be_heard_says_why(case: Case, scanned: Scanned) -> None:
    suffix = extension(case.name.encode())
    assert suffix not in OTHERS, "The walk would pass this case over, and it would test nothing."
    among = "skipped" if suffix in PLAYLISTS | SCORES else "failed"
    said = scanned.said_of(case, among)
    assert said
    assert all(one.endswith(".") and len(one) > 15 for one in said)


def test_silence_has_neither_tempo_nor_key(scanned: Scanned) -> None:
    (track,) = scanned.tracks["silence.wav"]
    assert track.features is not None
    assert (track.features.tempo, track.features.key, track.features.mode) == (None, None, None)
    assert track.features.loudness_lufs is None


@pytest.mark.soak
@pytest.mark.skipif(not os.environ.get("OTOLITH_SOAK"), reason="`just soak` has the minutes that this takes.")
def test_ten_silent_hours(tmp_path: Path) -> None:
    scanned = Scanned(tmp_path, [case for case in CASES if case.name in LONG])
    assert scanned.report.added == 1
    (track,) = scanned.tracks["hours10.wav"]
    assert track.features is not None
    assert track.features.duration == 36_000
    assert track.features.tempo is None
