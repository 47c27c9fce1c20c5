"""`otolith similar` in a process of its own, over recordings that were really heard: here, and through a server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.library.conftest import write_tone
from tests.library.test_commands import otolith
from tests.media.live import TOKEN, LiveServer

TONES = {"alpha one": 220.0, "alpha two": 440.0, "beta": 880.0}


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a few tones, and the folder that they lie in beside it."""
    place = tmp_path_factory.mktemp("similar")
    for name, hertz in TONES.items():
        write_tone(place / "music" / f"{name}.wav", hertz=hertz, seconds=4)
    report = otolith("scan", place / "music", "--data", place / "data", "--json", OTOLITH_ADMIN_TOKEN=TOKEN)
    assert report["added"] == len(TONES)
    return place


@pytest.fixture(scope="module")
def server(heard: Path) -> Iterator[LiveServer]:
    server = LiveServer(heard / "data")
    server.start()
    yield server
    server.stop()


def test_a_file_its_title_and_its_id_name_the_same_track(heard: Path) -> None:
    by_file = otolith("similar", heard / "music" / "beta.wav", "--data", heard / "data", "--json")
    assert {item["track"]["title"] for item in by_file["items"]} == {"alpha one", "alpha two"}
    by_title = otolith("similar", "BETA", "--data", heard / "data", "--json")
    by_id = otolith("similar", by_file["items"][0]["near"], "--data", heard / "data", "--json")
    assert by_file == by_title == by_id


def test_names_that_mean_nothing_or_too_much(heard: Path) -> None:
    nothing = otolith("similar", "no such song", "--data", heard / "data", "--json", code=1)
    assert "Give its file" in nothing["error"]
    several = otolith("similar", "alpha", "--data", heard / "data", "--json", code=1)
    assert "alpha one" in several["error"]
    assert "alpha two" in several["error"]
    assert "Usage:" in otolith("similar", code=2)


def test_a_server_answers_as_this_machine_does(heard: Path, server: LiveServer) -> None:
    # A command without the token would take it away again, since that is how tokens of the settings are revoked.
    here = otolith(
        *("similar", "beta", "-n", "1", "--no-spread", "--data", heard / "data", "--json"), OTOLITH_ADMIN_TOKEN=TOKEN
    )
    there = otolith(
        *("similar", "beta", "-n", "1", "--no-spread", "--json"), OTOLITH_SERVER=server.url, OTOLITH_TOKEN=TOKEN
    )
    assert here == there
    assert len(here["items"]) == 1
