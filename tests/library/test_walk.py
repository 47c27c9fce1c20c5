"""The walk over a folder: what it finds, refuses and passes over."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from otolith.library.engine.walk import Found, Refused, Walk, extension

MP3_FRAME = b"\xff\xfb\x90\x00" + bytes(413)


def steps(root: Path, **options: Any) -> dict[str, str]:
    """What a walk meets, by relative path: "found", or the kind of refusal."""
    base = os.fsencode(root) + b"/"
    return {
        os.fsdecode(step.path.removeprefix(base)): "found" if isinstance(step, Found) else f"{step.verdict} {step.kind}"
        for step in Walk(os.fsencode(root), **options)
    }


def touch(path: Path, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_paths_come_in_byte_order_and_so_a_walk_can_go_on_where_it_stopped(tmp_path: Path) -> None:
    for name in ("b/c.mp3", "b.mp3", "b-x/d.mp3", "b/c/e.mp3", "B.mp3", "a/z.mp3", "é.mp3", "b/c-.mp3"):
        touch(tmp_path / name)
    paths = [step.path for step in Walk(os.fsencode(tmp_path))]
    assert len(paths) == 8
    assert paths == sorted(paths)


@pytest.mark.parametrize(
    "name",
    [
        b"two\nlines.mp3",
        b"quo\"te's.mp3",
        b"what? * <no> | yes:.mp3",
        b"...And Justice for All.mp3",
        b".hidden.mp3",
        b"\xff\xfe not text \x80.mp3",
        b"n" * 251 + b".mp3",
        b"-rf.mp3",
        b"%2e%2e.mp3",
        b"\\.mp3",
    ],
)
def test_every_name_that_the_file_system_allows_is_found(tmp_path: Path, name: bytes) -> None:
    path = os.fsencode(tmp_path) + b"/" + name
    Path(os.fsdecode(path)).write_bytes(b"x")
    assert [step.path for step in Walk(os.fsencode(tmp_path))] == [path]


def test_folders_with_leading_dots_are_entered(tmp_path: Path) -> None:
    touch(tmp_path / "...Baby One More Time" / "01.mp3")
    touch(tmp_path / ".secret" / "02.mp3")
    assert set(steps(tmp_path)) == {"...Baby One More Time/01.mp3", ".secret/02.mp3"}


def test_what_is_plainly_something_else_is_passed_over(tmp_path: Path) -> None:
    for name in (
        "cover.jpg",
        "booklet.pdf",
        "notes.txt",
        "rip.log",
        ".DS_Store",
        "film.mkv",
        "a.mp3.part",
    ):
        touch(tmp_path / name, MP3_FRAME * 8)
    assert steps(tmp_path) == {}


def test_an_unknown_name_is_judged_by_its_first_bytes(tmp_path: Path) -> None:
    touch(tmp_path / "song", b"ID3\x04\x00\x00\x00\x00\x00\x0a" + bytes(20))
    touch(tmp_path / "stream.xyz", MP3_FRAME * 8)
    touch(tmp_path / "track.001", b"fLaC" + bytes(60))
    touch(tmp_path / "letter", b"Dear all, this is no music.")
    touch(tmp_path / "blob.xyz", bytes(range(256)))
    assert steps(tmp_path) == {"song": "found", "stream.xyz": "found", "track.001": "found"}


def test_what_macos_leaves_beside_a_file_is_no_sound(tmp_path: Path) -> None:
    touch(tmp_path / "._song.mp3", b"\x00\x05\x16\x07\x00\x02\x00\x00")
    touch(tmp_path / "._really_a_song.mp3", MP3_FRAME * 8)
    assert steps(tmp_path) == {"._really_a_song.mp3": "found"}


def test_pipes_and_sockets_are_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp3")
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        assert steps(tmp_path) == {
            "pipe.mp3": "failed not_a_file",
            "pipe": "skipped not_a_file",
            "s": "skipped not_a_file",
        }


def test_playlists_are_named_and_not_followed(tmp_path: Path) -> None:
    touch(tmp_path / "list.m3u", b"#EXTM3U\nhttp://192.0.2.1/evil.mp3\n/etc/passwd\n")
    touch(tmp_path / "album.cue", b'FILE "/etc/passwd" WAVE\n')
    assert steps(tmp_path) == {"list.m3u": "skipped playlist", "album.cue": "skipped playlist"}


def test_scores_are_named_as_what_they_are(tmp_path: Path) -> None:
    touch(tmp_path / "tune.mid", b"MThd\x00\x00\x00\x06")
    assert steps(tmp_path) == {"tune.mid": "skipped score"}


class TestLinks:
    def test_to_a_folder_outside_is_followed_once(self, tmp_path: Path) -> None:
        touch(tmp_path / "outside" / "a.mp3")
        root = tmp_path / "root"
        root.mkdir()
        (root / "one").symlink_to(tmp_path / "outside")
        (root / "two").symlink_to(tmp_path / "outside")
        assert steps(root) == {"one/a.mp3": "found"}

    def test_to_a_folder_inside_is_found_at_its_own_place(self, tmp_path: Path) -> None:
        touch(tmp_path / "z" / "a.mp3")
        (tmp_path / "link").symlink_to(tmp_path / "z")
        assert steps(tmp_path) == {"z/a.mp3": "found"}

    def test_back_to_a_folder_above_is_a_circle(self, tmp_path: Path) -> None:
        touch(tmp_path / "deep" / "er" / "a.mp3")
        (tmp_path / "deep" / "er" / "loop").symlink_to(tmp_path / "deep")
        (tmp_path / "self").symlink_to(tmp_path)
        assert steps(tmp_path) == {
            "deep/er/a.mp3": "found",
            "deep/er/loop/": "skipped link_loop",
            "self/": "skipped link_loop",
        }

    def test_out_and_back_in_ends(self, tmp_path: Path) -> None:
        root = tmp_path / "root"
        touch(root / "a.mp3")
        touch(tmp_path / "outside" / "b.mp3")
        (root / "out").symlink_to(tmp_path / "outside")
        (tmp_path / "outside" / "back").symlink_to(root)
        (tmp_path / "outside" / "again").symlink_to(tmp_path / "outside")
        assert steps(root) == {"a.mp3": "found", "out/b.mp3": "found", "out/again/": "skipped link_loop"}

    def test_to_each_other_is_said(self, tmp_path: Path) -> None:
        (tmp_path / "a.mp3").symlink_to(tmp_path / "b.mp3")
        (tmp_path / "b.mp3").symlink_to(tmp_path / "a.mp3")
        (tmp_path / "x").symlink_to(tmp_path / "x")
        assert steps(tmp_path) == {
            "a.mp3": "failed link_loop",
            "b.mp3": "failed link_loop",
            "x": "skipped link_loop",
        }

    def test_to_nowhere_is_said_where_it_is_named_like_sound(self, tmp_path: Path) -> None:
        (tmp_path / "gone.mp3").symlink_to(tmp_path / "nothing")
        (tmp_path / "gone.txt").symlink_to(tmp_path / "nothing")
        assert steps(tmp_path) == {"gone.mp3": "failed broken_link"}

    def test_to_a_file_is_followed(self, tmp_path: Path) -> None:
        touch(tmp_path / "elsewhere.bin", b"12345")
        root = tmp_path / "root"
        root.mkdir()
        (root / "song.mp3").symlink_to(tmp_path / "elsewhere.bin")
        (step,) = Walk(os.fsencode(root))
        assert isinstance(step, Found)
        assert step.size == 5


def test_a_closed_folder_is_refused_and_the_others_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path / "closed" / "a.mp3")
    touch(tmp_path / "open" / "b.mp3")
    scandir = os.scandir

    def refuse(path: bytes) -> Any:
        # The tests run as root as well, who may enter every folder.
        if path.endswith(b"/closed"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert steps(tmp_path) == {"closed/": "failed unreadable", "open/b.mp3": "found"}


def test_a_folder_deeper_than_a_path_may_be_is_refused(tmp_path: Path) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    try:
        for _ in range(25):
            os.mkdir("d" * 200, dir_fd=here)
            deeper = os.open("d" * 200, os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = deeper
    finally:
        os.close(here)
    (step,) = Walk(os.fsencode(tmp_path))
    assert isinstance(step, Refused)
    assert step.kind == "too_deep"


def test_a_folder_that_goes_away_meanwhile_is_no_matter(tmp_path: Path) -> None:
    touch(tmp_path / "a" / "1.mp3")
    touch(tmp_path / "b" / "2.mp3")
    walking: Iterator[Any] = iter(Walk(os.fsencode(tmp_path)))
    next(walking)
    (tmp_path / "b" / "2.mp3").unlink()
    (tmp_path / "b").rmdir()
    assert list(walking) == []


def test_folders_may_be_left_out(tmp_path: Path) -> None:
    touch(tmp_path / "data" / "media" / "a.mp3")
    touch(tmp_path / "b.mp3")
    assert steps(tmp_path, leave_out=[os.fsencode(tmp_path / "data")]) == {"b.mp3": "found"}
    assert steps(tmp_path / "data" / "media", leave_out=[os.fsencode(tmp_path / "data")]) == {}


def test_no_link_leads_into_a_folder_that_is_left_out(tmp_path: Path) -> None:
    touch(tmp_path / "outside" / "data" / "media" / "a.mp3")
    touch(tmp_path / "outside" / "b.mp3")
    music = tmp_path / "music"
    touch(music / "c.mp3")
    (music / "inside").symlink_to(tmp_path / "outside" / "data" / "media")
    (music / "around").symlink_to(tmp_path / "outside")
    (music / "d.mp3").symlink_to(tmp_path / "outside" / "data" / "media" / "a.mp3")
    found = steps(music, leave_out=[os.fsencode(tmp_path / "outside" / "data")])
    assert found == {"around/b.mp3": "found", "c.mp3": "found"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [(b"a.MP3", b"mp3"), (b".mp3", b""), (b"...mp3", b""), (b"a", b""), (b"a.b.Flac", b"flac"), (b"a.", b"")],
)
def test_extension(name: bytes, expected: bytes) -> None:
    assert extension(name) == expected


def test_an_ignore_file_of_too_many_rules_is_told_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "a.mp3").touch()
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / ".otolithignore").write_text("*.ogg\n" * 100_000)
    (tmp_path / "b" / "c.mp3").touch()
    (tmp_path / "b" / "c.ogg").touch()
    (tmp_path / "b" / "+.mp3").touch()
    told = list(Walk(os.fsencode(tmp_path)))
    assert [step.path.rpartition(b"/")[2] for step in told] == [b"a.mp3", b"+.mp3", b".otolithignore", b"c.mp3"]
    assert isinstance(told[2], Refused)
    assert (told[2].verdict, told[2].kind) == ("skipped", "ignore_file")
    assert "64 KiB" in told[2].error
