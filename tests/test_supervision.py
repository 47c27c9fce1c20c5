"""What a server keeps running beside itself, and tells those programs."""

import threading
from pathlib import Path

import pytest

from otolith.composition import build_context
from otolith.core.context import Context
from otolith.core.settings import LibrarySettings, Settings
from otolith.supervision import environment_for, watching
from tests.services import wait_until

WATCHES = "otolith.library.roots.watching.watch_until"


@pytest.fixture
def quiet(tmp_path: Path) -> Context:
    """A context on an empty data folder, whose database nobody asks."""
    return build_context(Settings(data=tmp_path))


def test_the_server_watches_from_when_there_is_a_folder_to_watch(
    quiet: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, ended = threading.Event(), threading.Event()

    def watches(context: Context, stop: threading.Event) -> None:
        assert context is quiet
        begun.set()
        assert stop.wait(20)
        ended.set()

    monkeypatch.setattr(WATCHES, watches)
    with watching(quiet):
        assert not begun.wait(0.2)
        quiet.settings.folder.watch_wanted.touch()
        assert begun.wait(20)
        assert not ended.is_set()
    assert ended.is_set()


def test_an_eye_that_fails_is_opened_again(quiet: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def fails(_context: Context, _stop: threading.Event) -> None:
        calls.append(1)
        raise OSError("the lock cannot be opened")

    monkeypatch.setattr(WATCHES, fails)
    monkeypatch.setattr("otolith.supervision._PAUSE", 0.05)
    quiet.settings.folder.watch_wanted.touch()
    with watching(quiet):
        wait_until(lambda: len(calls) > 2, "another try", 20)


def test_nothing_is_watched_where_the_settings_say_so(quiet: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = threading.Event()
    monkeypatch.setattr(WATCHES, lambda *_: begun.set())
    quiet.settings.library = LibrarySettings(watch=False)
    quiet.settings.folder.watch_wanted.touch()
    with watching(quiet) as stop:
        assert not begun.wait(0.2)
    assert stop.is_set()
    assert not begun.is_set()


def test_children_work_under_the_settings_of_their_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = environment_for(Settings(data=tmp_path, port=8123, profile="small"))
    assert (told["OTOLITH_DATA"], told["OTOLITH_PORT"], told["OTOLITH_PROFILE"]) == (str(tmp_path), "8123", "small")
    assert "OTOLITH_PROFILE" not in environment_for(Settings(data=tmp_path))
    monkeypatch.setenv("MALLOC_ARENA_MAX", "7")
    assert environment_for(Settings(data=tmp_path))["MALLOC_ARENA_MAX"] == "7"
