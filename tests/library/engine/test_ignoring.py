"""Ignore files mean what people know from `.gitignore`; git itself is asked where it is there."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from otolith.library.engine.ignoring import LARGEST, MOST_RULES, Ignored, Rules, hides, parse

PATTERNS = """
# a comment
*.tmp.mp3
/top.mp3
demos/
live/**/bad?.mp3
**/outtakes
!keep.tmp.mp3
a[0-9].flac
b[!x].flac
\\#hash.mp3
\\!bang.mp3
trailing.mp3{spaces}
deep/er/*.ogg
**/x/y
end/**
""".replace("{spaces}", "   ")
PATHS = [
    "top.mp3", "sub/top.mp3", "x.tmp.mp3", "sub/x.tmp.mp3", "keep.tmp.mp3", "demos/a.mp3", "sub/demos/a.mp3",
    "demos", "live/bad1.mp3", "live/1999/oslo/bad2.mp3", "live/bad.mp3", "q/outtakes/1.mp3", "a1.flac", "aa.flac",
    "bx.flac", "by.flac", "#hash.mp3", "!bang.mp3", "trailing.mp3", "deep/er/1.ogg", "deep/er/2/1.ogg", "x/y/1.mp3",
    "end/1/2.mp3", "end.mp3", "# a comment", "plain.mp3",
]  # fmt: skip


def test_patterns_mean_what_git_means_by_them(tmp_path: Path) -> None:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    for name in PATHS:
        path = tmp_path / name
        if name != "demos":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    (tmp_path / ".otolithignore").write_text(PATTERNS)
    (tmp_path / ".gitignore").write_text(PATTERNS)
    files = [name for name in PATHS if name != "demos"]
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null"}
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, env=environment, check=True)
    asked = subprocess.run(
        ["git", "check-ignore", "--no-index", "--stdin", "-z"],
        input="\0".join(files).encode(),
        capture_output=True,
        cwd=tmp_path,
        env=environment,
        check=False,
    )
    said = {name.decode() for name in asked.stdout.split(b"\0") if name}
    ignored = Ignored()
    assert {name for name in files if ignored.covers(os.fsencode(tmp_path / name))} == said
    assert "keep.tmp.mp3" not in said
    assert "plain.mp3" not in said


def test_a_deeper_file_takes_back_what_one_above_leaves_out(tmp_path: Path) -> None:
    (tmp_path / "live").mkdir()
    (tmp_path / ".otolithignore").write_text("*.wav\n")
    (tmp_path / "live" / ".otolithignore").write_text("!*.wav\n")
    ignored = Ignored()
    assert ignored.covers(os.fsencode(tmp_path / "a.wav"))
    assert not ignored.covers(os.fsencode(tmp_path / "live" / "a.wav"))


def test_nothing_below_a_nomedia_file_is_taken_in(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / ".nomedia").touch()
    ignored = Ignored()
    assert ignored.chain(os.fsencode(tmp_path / "a" / "b")) is None
    assert not ignored.covers(os.fsencode(tmp_path / "c.mp3"))


@pytest.mark.parametrize("text", [b"[", b"[z-a]", b"\\", b"!", b"/", b"\xff*", b"**", b"\x00", b"[]a]"])
def test_odd_lines_do_no_harm(text: bytes) -> None:
    chain = (Rules(b"/m", parse(text + b"\n*.wav")),)
    assert hides(chain, b"/m/some/file.wav", is_folder=False)


def test_a_pattern_of_many_stars_takes_no_longer_than_one() -> None:
    chain = (Rules(b"/m", parse(b"*a" * 60 + b"*b")),)
    began = time.process_time()
    assert not hides(chain, b"/m/" + b"a" * 255, is_folder=False)
    # Not a matter of speed: searching back and forth would take longer than the universe has been there.
    assert time.process_time() - began < 5


@pytest.mark.parametrize("pattern", [b"**/" * 20 + b"b", b"**/a/" * 20 + b"b", b"**/a*/?/" * 10 + b"**/b"])
def test_a_pattern_of_many_folders_takes_no_longer_than_one(pattern: bytes) -> None:
    chain = (Rules(b"/m", parse(pattern)),)
    began = time.process_time()
    assert not hides(chain, b"/m/" + b"a/" * 100 + b"a", is_folder=False)
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("pattern", "hidden", "shown"),
    [
        (b"a/**/b/**/c", b"a/x/b/b/y/c", b"a/x/c/b"),
        (b"**/**/b/*/c", b"x/b/b/d/c", b"x/b/c"),
        (b"a/**/**", b"a/b", b"b/a"),
        (b"**/b*/**/c", b"x/b1/c", b"x/b1"),
    ],
)
def test_several_double_stars_mean_what_they_say(pattern: bytes, hidden: bytes, shown: bytes) -> None:
    chain = (Rules(b"/m", parse(pattern)),)
    assert hides(chain, b"/m/" + hidden, is_folder=False)
    assert not hides(chain, b"/m/" + shown, is_folder=False)


def test_of_an_ignore_file_without_end_the_beginning_counts(tmp_path: Path) -> None:
    file = tmp_path / ".otolithignore"
    # The line that crosses the limit would leave out everything if it were cut there.
    lines = b"first.wav\n" + b"#" * (LARGEST - 12) + b"\n**/never.wav\n"
    with file.open("wb") as made:
        made.write(lines)
        made.truncate(1 << 30)
    ignored = Ignored()
    assert ignored.covers(os.fsencode(tmp_path / "first.wav"))
    assert not ignored.covers(os.fsencode(tmp_path / "other.wav"))
    assert not ignored.covers(os.fsencode(tmp_path / "never.wav"))


def test_rules_are_counted_with_those_of_the_folders_above(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / ".otolithignore").write_text("".join(f"x{number}.wav\n" for number in range(MOST_RULES - 1)))
    (tmp_path / "a" / ".otolithignore").write_text("one.wav\ntwo.wav\n" * 1000)
    chain = Ignored().chain(os.fsencode(tmp_path / "a"))
    assert chain is not None
    assert [(len(rules.rules), rules.is_cut) for rules in chain] == [(MOST_RULES - 1, False), (1, True)]
    assert hides(chain, os.fsencode(tmp_path / "a" / "one.wav"), is_folder=False)
    assert not hides(chain, os.fsencode(tmp_path / "a" / "two.wav"), is_folder=False)
