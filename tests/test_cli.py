"""What holds for every command: its help, what it prints for programs, and how it says that it was called wrongly."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from otolith.cli import app

DOCS = Path(__file__).resolve().parent.parent / "docs"
COMMANDS = ("demo", "up", "serve", "worker", "migrate", "doctor", "scan", "analyse")
JOBS = ("list", "show", "retry", "cancel", "purge")
LIBRARY = ("check", "purge")
NOBODY = "01a1f8ae-88c5-7677-8cd7-36e51b96305a"

runner = CliRunner()


# Root without the right to pass over the rights of files.
POWERLESS = ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--securebits=+noroot")


def run(*arguments: str | Path, without_rights: bool = False, **environment: str) -> subprocess.CompletedProcess[str]:
    before = POWERLESS if without_rights else ()
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    return subprocess.run(
        [*before, sys.executable, "-m", "otolith", *map(str, arguments)],
        env=kept | environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def document(ran: subprocess.CompletedProcess[str], code: int) -> Any:
    """The one document on stdout."""
    assert ran.returncode == code, ran.stderr
    return json.loads(ran.stdout)


@pytest.mark.parametrize(
    "command",
    [*((name,) for name in COMMANDS), *(("jobs", name) for name in JOBS), *(("library", name) for name in LIBRARY)],
)
def test_every_command_has_help_of_its_own_alone_and_its_place_in_the_documentation(command: tuple[str, ...]) -> None:
    shown = runner.invoke(app, [*command, "--help"])
    assert shown.exit_code == 0
    assert "completion" not in shown.output
    page = (DOCS / "operate" / "cli.md").read_text(encoding="utf-8")
    assert f"## `otolith {' '.join(command)}`" in page


def test_a_migration_tells_programs_its_outcome_and_nothing_else(tmp_path: Path) -> None:
    first = document(run("migrate", "--data", tmp_path / "data", "--json"), 0)
    assert first["changed"] is True
    assert document(run("migrate", "--data", tmp_path / "data", "--json"), 0) == first | {"changed": False}


@pytest.mark.parametrize(
    "arguments",
    [
        ("jobs", "list"),
        ("jobs", "show", NOBODY),
        ("jobs", "list", "--server", "http://127.0.0.1:1", "--token", "t"),
        ("scan", ".", "--server", "http://127.0.0.1:1"),
    ],
)
def test_programs_get_a_document_when_the_command_fails_too(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    ran = run(*arguments, "--data", tmp_path / "data", "--json")
    error = document(ran, 1)["error"]
    assert error.split()[:2] == ran.stderr.removeprefix("Error: ").split()[:2]


def test_a_lane_that_there_is_not_is_a_mistake_in_the_call(tmp_path: Path) -> None:
    ran = run("worker", "--lanes", "audio,video", "--data", tmp_path / "data")
    assert ran.returncode == 2
    assert "There is no lane video" in ran.stderr


def test_the_doctor_tells_programs_of_a_database_out_of_reach_and_nothing_else(tmp_path: Path) -> None:
    nowhere = "postgresql://nobody:hidden@127.0.0.1:1/none"
    ran = run("doctor", "--data", tmp_path, "--json", OTOLITH_DATABASE_URL=nowhere)
    assert document(ran, 1)["healthy"] is False
    assert "hidden" not in ran.stdout + ran.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="Only root can give a folder away.")
@pytest.mark.parametrize("command", [("up",), ("scan", "."), ("jobs", "list"), ("doctor",), ("worker",), ("migrate",)])
def test_a_data_folder_of_somebody_else_is_said_in_one_sentence(tmp_path: Path, command: tuple[str, ...]) -> None:
    folder = tmp_path / "data"
    assert run("migrate", "--data", folder).returncode == 0
    for path in (folder, *folder.rglob("*")):
        os.chown(path, 65534, 65534)
    ran = run(*command, "--data", folder, without_rights=True)
    assert ran.returncode == 1, ran.stderr
    assert "Traceback" not in ran.stderr
    assert str(folder) in "".join((ran.stdout + ran.stderr).split())
