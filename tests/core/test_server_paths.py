"""Absolute paths in sentences are cut down; what only looks like one stays."""

import pytest

from otolith.core.server_paths import cut_down, last_name


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("There is no folder /srv/music/Pop (any more).", "There is no folder …/Pop (any more)."),
        ("/srv/music is empty, and /srv/x.mp3 too", "…/music is empty, and …/x.mp3 too"),
        ("“/srv/a/b.flac”: broken", "“…/b.flac”: broken"),
        ("A disk at /data is full.", "A disk at …/data is full."),
        ("mono and/or stereo, 4/4, 120 km/h", "mono and/or stereo, 4/4, 120 km/h"),
        (
            "see https://example.org/a/b and http://localhost:8000/x",
            "see https://example.org/a/b and http://localhost:8000/x",
        ),
        ("either / or", "either / or"),
        ("", ""),
    ],
)
def test_paths_are_cut_down_to_their_last_name(text: str, told: str) -> None:
    assert cut_down(text) == told


def test_known_paths_are_found_with_the_spaces_in_them() -> None:
    text = "/home/Ann Lee/My Music/b side.mp3: nothing to hear"
    assert cut_down(text, ["/home/Ann Lee/My Music/b side.mp3", "/"]) == "…/b side.mp3: nothing to hear"


@pytest.mark.parametrize(("path", "name"), [("/a/b/", "…/b"), ("/a", "…/a"), ("Music/a", "Music/a"), ("", "")])
def test_the_last_name_of_a_path(path: str, name: str) -> None:
    assert last_name(path) == name
