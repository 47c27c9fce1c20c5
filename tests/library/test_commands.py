"""`otolith scan` and `otolith analyse` in processes of their own: here, and through a running server."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.library.conftest import write_tone
from tests.media.live import TOKEN, LiveServer

FEATURES = {
    "path",
    "duration",
    "tempo",
    "tempo_confidence",
    "beats",
    "key",
    "mode",
    "camelot",
    "key_confidence",
    "loudness_lufs",
    "loudness_range_lu",
    "true_peak_dbtp",
    "energy",
    "voice",
    "onset_rate",
    "brightness",
    "dynamics_db",
    "silence_start",
    "silence_end",
    "segments",
    "timbre",
    "fingerprint",
    "sha256",
    "engines",
    "warnings",
    "format",
}


def otolith(*arguments: str | Path, code: int | None = 0, **environment: str) -> Any:
    """What the command prints as JSON, after it ended with `code`; stdout holds that document alone."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    ran = subprocess.run(
        [sys.executable, "-m", "otolith", *map(str, arguments)],
        env=kept | environment,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert code is None or ran.returncode == code, ran.stderr
    return json.loads(ran.stdout) if ran.stdout else ran.stderr


@pytest.fixture
def music(tmp_path: Path) -> Path:
    write_tone(tmp_path / "music" / "tone.wav", seconds=4)
    (tmp_path / "music" / "letter.mp3").write_text("Dear all, this is no music.")
    return tmp_path / "music"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server with a worker of its own."""
    server = LiveServer(tmp_path_factory.mktemp("server"), OTOLITH_WORKERS="1")
    server.start()
    yield server
    server.stop()


class TestHere:
    def test_scan_reports_what_it_found(self, music: Path, tmp_path: Path) -> None:
        report = otolith("scan", music, "--data", tmp_path / "data", "--json")
        seconds = report.pop("seconds")
        assert seconds > 0
        letter = {"path": str(music / "letter.mp3"), "error": "This is a text file, not a sound file."}
        assert report == {
            "added": 1,
            "updated": 0,
            "moved": 0,
            "missing": 0,
            "unchanged": 0,
            "failed": [letter],
            "skipped": [],
        }
        again = otolith("scan", music, "--json", OTOLITH_DATA=str(tmp_path / "data"))
        assert (again["unchanged"], again["failed"]) == (1, [letter])

    def test_scan_of_a_folder_that_is_not_there_fails_with_a_reason(self, tmp_path: Path) -> None:
        report = otolith("scan", tmp_path / "nowhere", "--data", tmp_path / "data", "--json", code=1)
        assert "There is no folder" in report["error"]

    def test_analyse_answers_without_a_data_folder(self, music: Path, tmp_path: Path) -> None:
        heard = otolith("analyse", music / "tone.wav", "--json", XDG_DATA_HOME=str(tmp_path / "share"))
        assert set(heard) == FEATURES | {"failed"}
        assert heard["duration"] == 4.0
        assert heard["failed"] == {}
        assert heard["format"]["codec"] == "pcm_s16le"
        assert not (tmp_path / "share").exists()

    def test_analyse_of_several_files_is_a_list_and_fails_if_one_does(self, music: Path) -> None:
        good, bad, gone = otolith(
            "analyse", music / "tone.wav", music / "letter.mp3", music / "gone.mp3", "--json", code=1
        )
        assert good["duration"] == 4.0
        assert bad == {
            "path": str(music / "letter.mp3"),
            "error": "This is a text file, not a sound file.",
            "kind": "not_audio",
        }
        assert gone["kind"] == "vanished"

    @pytest.mark.parametrize(
        "arguments", [("analyse",), ("scan", "a", "b"), ("scan", "--no-such-option", "a"), ("library", "roots", "add")]
    )
    def test_wrong_usage_is_told_by_its_own_code(self, arguments: tuple[str, ...]) -> None:
        assert "Usage:" in otolith(*arguments, code=2)


class TestLibraryFolders:
    def test_a_folder_joins_is_scanned_with_the_others_and_leaves(self, music: Path, tmp_path: Path) -> None:
        data = ("--data", tmp_path / "data", "--json")
        assert "has no folder yet" in otolith("scan", *data, code=1)["error"]
        added = otolith("library", "roots", "add", music, "--name", "Mine", "--every", "0", *data)
        assert (added["path"], added["name"], added["every"]) == (str(music), "Mine", None)
        (root,) = otolith("library", "roots", "list", *data)
        assert root["scanned_at"] is not None
        (report,) = otolith("scan", *data)
        assert (report["unchanged"], len(report["failed"])) == (1, 1)
        (last, first) = otolith("library", "scans", "list", *data)
        assert (last["state"], first["added"]) == ("done", 1)
        assert "No scan is running" in otolith("library", "scans", "pause", *data, code=1)["error"]
        assert "no folder of the library" in otolith("library", "roots", "remove", "/nowhere", *data, code=1)["error"]
        assert otolith("library", "roots", "remove", "Mine", "--mark-missing", *data) == {"marked_missing": 1}
        assert otolith("library", "roots", "list", *data) == []


class TestThere:
    def test_folders_and_scans_are_steered_as_they_are_here(self, server: LiveServer, music: Path) -> None:
        there = ("--server", server.url, "--token", TOKEN, "--json")
        added = otolith("library", "roots", "add", music, *there)
        assert added["scan"] is not None
        scan_id = added["scan"]["scan_id"]
        paused = otolith("library", "scans", "pause", scan_id, *there, code=None)
        if "error" not in paused:
            assert paused["state"] == "paused"
            assert otolith("library", "scans", "resume", scan_id, *there)["state"] == "running"
        (report,) = otolith("scan", *there)
        assert len(report["failed"]) == 1
        assert otolith("library", "roots", "remove", music, *there) == {"marked_missing": 0}

    def test_scan_and_analyse_answer_as_they_do_here(self, server: LiveServer, music: Path) -> None:
        report = otolith("scan", music, "--server", server.url, "--token", TOKEN, "--json")
        assert (report["added"], len(report["failed"])) == (1, 1)
        here = otolith("analyse", music / "tone.wav", "--json")
        there = otolith("analyse", music / "tone.wav", "--json", OTOLITH_SERVER=server.url, OTOLITH_TOKEN=TOKEN)
        assert set(there) == FEATURES
        for name in FEATURES - {"beats"}:
            assert there[name] == here[name], name
        assert there["beats"] == pytest.approx(here["beats"], abs=0.001)
        refused = otolith(
            "analyse", music / "letter.mp3", "--json", code=1, OTOLITH_SERVER=server.url, OTOLITH_TOKEN=TOKEN
        )
        assert "text file" in refused["error"]

    def test_a_wrong_token_is_told_what_to_do(self, server: LiveServer, music: Path) -> None:
        said = otolith("scan", music, "--server", server.url, "--token", "wrong", "--json", code=1)
        assert "OTOLITH_TOKEN" in said["error"]

    def test_a_server_that_is_not_there_is_told(self, music: Path) -> None:
        said = otolith("scan", music, "--server", "http://127.0.0.1:9", "--json", code=1)
        assert "No Otolith answers" in said["error"]

    def test_commands_keep_to_the_limits_of_a_server_and_lose_nothing(self, music: Path, tmp_path: Path) -> None:
        server = LiveServer(
            tmp_path / "data",
            OTOLITH_WORKERS="1",
            OTOLITH_LIMITS_ENABLED="true",
            OTOLITH_LIMITS_TOKEN="4 per 2 second",
        )
        server.start()
        try:
            there = ("--server", server.url, "--token", TOKEN, "--json")
            files = [music / "tone.wav", music / "tone.wav"]
            assert [set(one) for one in otolith("analyse", *files, *there)] == [FEATURES, FEATURES]
            assert otolith("scan", music, *there)["added"] == 1
            assert otolith("jobs", "list", *there)["items"]
            assert "total" in otolith("search", "tone", *there)
        finally:
            server.stop()
