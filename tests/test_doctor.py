"""`otolith doctor` on sound and on broken installations."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from otolith.cli import app
from otolith.core.folder import FolderLock
from otolith.core.settings import Settings
from otolith.doctor import check_broker, check_database, check_folder, check_locks, check_storage, file_system_of
from tests.services import PostgresServer, free_port


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("OTOLITH_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_a_new_installation_is_healthy(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["doctor", "--data", str(tmp_path / "data"), "--json"])
    report = json.loads(done.stdout)
    assert done.exit_code == 0, report
    assert report["healthy"]
    assert {check["name"] for check in report["checks"]} >= {
        "settings",
        "data folder",
        "database",
        "broker",
        "decoders",
    }


def test_bad_settings_are_one_plain_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTOLITH_PORT", "many")
    done = CliRunner().invoke(app, ["doctor", "--json"])
    report = json.loads(done.stdout)
    assert done.exit_code == 1
    assert "OTOLITH_PORT" in report["checks"][0]["found"]


def test_typing_errors_and_seed_names_are_pointed_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OTOLITH_PROT", "8001")
    monkeypatch.setenv("NEXT_PUBLIC_API_URL", "http://example.com")
    done = CliRunner().invoke(app, ["doctor", "--data", str(tmp_path / "data")])
    assert "OTOLITH_PROT" in done.stdout
    assert "NEXT_PUBLIC_API_URL" in done.stdout


def test_a_file_in_place_of_the_folder_is_bad(tmp_path: Path) -> None:
    place = tmp_path / "data"
    place.write_text("not a folder")
    assert [finding.state for finding in check_folder(Settings(data=place))] == ["bad"]


def test_a_folder_that_others_may_read_is_noted(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    found = [finding for finding in check_folder(Settings(data=tmp_path)) if finding.state == "note"]
    assert "chmod 700" in found[0].mend


def test_a_full_disk_is_bad(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    settings = Settings(data=tmp_path, media={"min_free": 10**18})
    assert any(finding.name == "disk" and finding.state == "bad" for finding in check_folder(settings))


def test_a_database_that_is_no_database_is_bad(tmp_path: Path) -> None:
    (tmp_path / "otolith.db").write_bytes(b"nonsense" * 1000)
    assert any(finding.state == "bad" for finding in check_database(Settings(data=tmp_path)))


def test_an_unreachable_database_is_bad(tmp_path: Path) -> None:
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/nothing"
    findings = list(check_database(Settings(data=tmp_path, database_url=url)))
    assert [finding.state for finding in findings] == ["bad"]
    assert "OTOLITH_DATABASE_URL" in findings[0].mend


def test_a_superuser_is_bad(postgres: PostgresServer, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, database_url=postgres.admin_url("otolith_template"))
    assert any(f.name == "database role" and f.state == "bad" for f in check_database(settings))


def test_a_plain_role_is_good(settings: Settings) -> None:
    assert not [finding for finding in check_database(settings) if finding.state == "bad"]


def test_a_storage_that_cannot_be_written_is_bad(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    settings.folder.make()
    assert [finding.state for finding in check_storage(settings)] == ["good"]
    settings.folder.media.rmdir()
    assert [finding.state for finding in check_storage(settings)] == ["bad"]


def test_the_holder_of_a_lock_is_named(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    settings.folder.make()
    lock = FolderLock(settings.folder.run / "up.lock")
    assert lock.acquire()
    found = [finding.found for finding in check_locks(settings)]
    lock.release()
    assert any(str(os.getpid()) in text for text in found)


def test_an_absent_broker_is_bad(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, broker_url=f"redis://127.0.0.1:{free_port()}/0")
    assert [finding.state for finding in check_broker(settings)] == ["bad"]


def test_the_file_system_of_a_path_that_does_not_exist_is_that_of_its_parent(tmp_path: Path) -> None:
    assert file_system_of(tmp_path / "not" / "yet") == file_system_of(tmp_path)
