"""`otolith library edit` and `undo` in processes of their own: here, and through a running server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from otolith.library.editing.commands import changes_of
from otolith.media.tags import read_tags
from tests.library.covers.pictures import song
from tests.library.test_commands import otolith
from tests.media.live import TOKEN, LiveServer


def test_here_tags_are_shown_changed_written_and_taken_back(tmp_path: Path) -> None:
    file = song(tmp_path / "music" / "a.wav", title="One", album="Old", track=1)
    data = ("--data", tmp_path / "data", "--json")
    otolith("scan", tmp_path / "music", *data)
    options = ("-s", "title=Eins", "-s", "artist=Bob", "-s", "artist=Eve", "--remove", "album")
    shown = otolith("library", "edit", file, *options, "--preview", *data)
    assert shown["tracks"][0]["before"] == {"title": ["One"], "artist": ["Ada"], "album": ["Old"]}
    assert shown["tracks"][0]["after"] == {"title": ["Eins"], "artist": ["Bob", "Eve"], "album": []}
    assert read_tags(file).title == "One"
    written = otolith("library", "edit", file, *options, "--write", *data)
    assert [one["state"] for one in written["tracks"]] == ["written"]
    tags = read_tags(file)
    assert (tags.title, tags.artists, tags.album) == ("Eins", ("Bob", "Eve"), None)
    undone = otolith("library", "undo", written["batch_id"], *data)
    assert [one["state"] for one in undone["tracks"]] == ["undone"]
    assert (read_tags(file).title, read_tags(file).album) == ("One", "Old")

    refused = otolith("library", "edit", tmp_path / "none.wav", "-s", "title=x", *data, code=1)
    assert "is not in the library" in refused["error"]
    refused = otolith("library", "edit", file, "-s", "date=soon", *data, code=1)
    assert "'soon' is no date" in refused["error"]
    file.chmod(0o444)
    refused = otolith("library", "edit", file, "-s", "title=Uno", "--write", *data, code=1)
    assert refused["tracks"][0]["state"] == "failed"
    assert "read-only" in refused["tracks"][0]["error"]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    server = LiveServer(tmp_path / "server", OTOLITH_WORKERS="1")
    try:
        server.start()
        yield server
    finally:
        server.stop()


def test_there_tracks_are_named_by_their_ids(server: LiveServer, tmp_path: Path) -> None:
    song(tmp_path / "music" / "a.wav", title="One", album="Old")
    there = ("--server", server.url, "--token", TOKEN, "--json")
    otolith("scan", tmp_path / "music", *there)
    with server.client() as client:
        track = client.get("/api/tracks").json()["items"][0]["id"]
    written = otolith("library", "edit", track, "-s", "title=Eins", "--write", *there)
    assert [one["state"] for one in written["tracks"]] == ["written"]
    assert read_tags(tmp_path / "music" / "a.wav").title == "Eins"
    assert otolith("library", "undo", written["batch_id"], *there)["tracks"][0]["state"] == "undone"
    assert read_tags(tmp_path / "music" / "a.wav").title == "One"
    refused = otolith("library", "edit", "a.wav", "-s", "title=x", *there, code=1)
    assert "by their ids" in refused["error"]


def test_options_say_what_the_api_takes() -> None:
    assert changes_of(["title=a=b", "genres=Jazz", "genres=Funk", "album-artist=X", "compilation=yes"], ["lyrics"]) == {
        "title": "a=b",
        "genres": ["Jazz", "Funk"],
        "album_artist": ["X"],
        "compilation": True,
        "lyrics": None,
    }


def test_options_that_say_nothing_are_refused() -> None:
    for assignment, says in (("titel=x", "There is no field titel"), ("title", "has no =")):
        with pytest.raises(typer.BadParameter, match=says):
            changes_of([assignment], [])
    with pytest.raises(typer.BadParameter, match="takes one value"):
        changes_of(["title=a", "title=b"], [])
    with pytest.raises(typer.BadParameter, match="There is no field path"):
        changes_of([], ["path"])
