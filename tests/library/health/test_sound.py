"""Real files from end to end: encoded anew, cut, copied and damaged, scanned, and told by `otolith library check`."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from otolith.library.engine.pieces import PIECES, perform
from otolith.library.engine.synthesis import RATE
from otolith.library.recordings import encode
from otolith.media.tags import write_tags
from tests.library.test_commands import otolith
from tests.media.live import TOKEN, LiveServer

Check = dict[str, list[list[str]]]


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pieces; the first also as MP3 begun 1.7 seconds later, as a copy, and cut off; the second without a part."""
    folder = tmp_path_factory.mktemp("music")
    first, second = (perform(piece) for piece in PIECES[:2])
    encode(folder / "first.flac", first, "flac")
    encode(folder / "first.mp3", first[:, round(1.7 * RATE) :], "mp3")
    shutil.copy(folder / "first.flac", folder / "first copy.flac")
    (folder / "first cut.flac").write_bytes((folder / "first.flac").read_bytes()[:600_000])
    encode(folder / "second.flac", second, "flac")
    shorter = second[:, : 8 * RATE], second[:, 13 * RATE :]
    encode(folder / "second edit.ogg", np.concatenate(shorter, axis=1), "ogg")
    for number, path in enumerate(sorted(folder.iterdir())):
        if path.name != "first cut.flac":
            write_tags(path, {"title": path.name, "artist": "Ann", "album": "Record", "track": 2 * number + 1})
    shutil.copy(folder / "first.flac", folder / "first copy.flac")
    (folder / "letter.mp3").write_text("Dear all, this is no music.")
    return folder


def names(check: dict[str, Any]) -> Check:
    """The files that each kind of finding is about."""
    return {
        kind["kind"]: [
            [track["name"] for track in finding["tracks"]] or [Path(finding["path"]).name]
            for finding in kind["findings"]
        ]
        for kind in check["kinds"]
        if kind["findings"]
    }


def test_a_folder_of_sound_is_checked_and_cleared(music: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    folder = tmp_path / "music"
    shutil.copytree(music, folder)
    assert len(otolith("scan", folder, "--data", data, "--json")["failed"]) == 1
    check = otolith("library", "check", "--data", data, "--json")
    assert check["uncompared"] == check["waiting"] == 0
    found = {kind: sorted(map(sorted, groups)) for kind, groups in names(check).items()}
    assert found["refused"] == [["letter.mp3"]]
    assert found["damaged"] == [["first cut.flac"]]
    assert found["copies"] == [["first copy.flac", "first.flac"]]
    assert found["duplicates"] == [["first copy.flac", "first.flac", "first.mp3"]]
    assert "unreadable" not in found
    assert "missing" not in found
    (duplicates,) = (kind["findings"] for kind in check["kinds"] if kind["kind"] == "duplicates")
    assert next(track["name"] for track in duplicates[0]["tracks"] if track["best"]) != "first.mp3"

    (folder / "first copy.flac").unlink()
    otolith("scan", folder, "--data", data, "--json")
    one = otolith("library", "check", "--kind", "missing", "--data", data, "--json")
    assert names(one) == {"missing": [["first copy.flac"]]}
    asked = otolith("library", "purge", "--data", data, "--json", code=1)
    assert asked["error"].startswith("1 missing track will be removed for good.")
    assert otolith("library", "purge", "--yes", "--data", data, "--json")["tracks"] == 1
    after = names(otolith("library", "check", "--data", data, "--json"))
    assert "missing" not in after
    assert "copies" not in after


def test_people_get_a_table_and_a_kind_that_there_is_not_is_a_mistake(tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "otolith", "library", *arguments, "--data", str(tmp_path / "data")]
        return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)

    told = run("check")
    assert told.returncode == 0, told.stderr
    assert "Exact copies" in told.stdout
    assert run("purge").stdout == "No track is missing; nothing was removed.\n"
    wrong = run("check", "--kind", "nonsense")
    assert wrong.returncode == 2
    assert "There is no kind nonsense" in wrong.stderr
    elsewhere = run("check", "--json", "--server", "http://127.0.0.1:1")
    assert elsewhere.returncode == 1
    assert "No Otolith answers" in json.loads(elsewhere.stdout)["error"]


def test_a_running_server_is_checked_and_cleared_through_its_api(music: Path, tmp_path: Path) -> None:
    folder = tmp_path / "music"
    folder.mkdir()
    for name in ("first.flac", "first.mp3"):
        shutil.copy(music / name, folder)
    server = LiveServer(tmp_path / "server", OTOLITH_WORKERS="1")
    server.start()
    there = ("--server", server.url, "--token", TOKEN, "--json")
    try:
        otolith("scan", folder, *there)
        check = otolith("library", "check", *there)
        assert sorted(names(check)["duplicates"][0]) == ["first.flac", "first.mp3"]
        (folder / "first.mp3").unlink()
        otolith("scan", folder, *there)
        assert otolith("library", "check", "--no-compare", "--kind", "duplicates", *there)["kinds"][0]["count"] == 0
        assert otolith("library", "purge", "--yes", *there)["tracks"] == 1
    finally:
        server.stop()
