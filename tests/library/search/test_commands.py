"""`otolith search` in a process of its own, over a library on this machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from otolith.accounts.service import home_workspace, seed
from otolith.composition import build_context
from otolith.core.actor import SYSTEM
from otolith.core.settings import Settings
from otolith.migrations.migrate import migrate
from tests.library.search.conftest import Shelf, Song
from tests.library.test_commands import otolith


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """A data folder with a library in it."""
    settings = Settings(data=tmp_path / "data", workers=0)
    settings.folder.make()
    context = build_context(settings)
    migrate(context.database)
    seed(context)
    with context.database.read(SYSTEM) as session:
        home = home_workspace(session).id
    Shelf(context, home).add(
        Song(
            "Starlight", "Muse", columns={"year": 2006}, analysis={"tempo": 121.7, "camelot": "8A", "duration": 240.0}
        ),
        Song("[Untitled]", "The Who", columns={"year": 1970}),
    )
    context.close()
    return str(tmp_path / "data")


def test_the_command_finds_what_the_api_finds(folder: str) -> None:
    found = otolith("search", "muse", "bpm:120-125", "--json", OTOLITH_DATA=folder)
    assert [item["title"] for item in found["items"]] == ["Starlight"]
    assert found["total"] == 1
    assert otolith("search", "--json", "--", "-muse", OTOLITH_DATA=folder)["total"] == 1
    assert otolith("search", "mus", "--json", OTOLITH_DATA=folder)["total"] == 0
    counted = otolith("search", "has:year", "--facets", "--json", OTOLITH_DATA=folder)
    assert {facet["name"]: len(facet["values"]) for facet in counted["facets"]}["decade"] == 2
    wrong = otolith("search", "artst:muse", "--json", code=1, OTOLITH_DATA=folder)
    assert "Did you mean artist:?" in wrong["error"]


def test_the_command_prints_a_table_for_people(folder: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "otolith", "search", "the who", "--data", folder],
        env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert "[Untitled]" in ran.stdout
    assert ran.stdout.rstrip().endswith("1 track found")
