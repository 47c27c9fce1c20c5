"""Folders that are legal and odd: many files, strange names, changes in the middle, words, what is left out."""

import os
import random
import shutil
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from otolith.core.actor import SYSTEM, Actor
from otolith.core.context import Context
from otolith.library.catalogue.links import Lyrics
from otolith.library.catalogue.versions import version_of
from otolith.library.engine.walk import Found, Walk
from otolith.library.events import FileSeen
from otolith.library.models import Track
from otolith.library.reading import Read, read_words
from otolith.media.engine.tagging import Tags
from otolith.media.listening import Listener
from otolith.media.models import Media
from tests.library.conftest import Scan, write_tone


def there(context: Context) -> dict[bytes, str]:
    """The files that are there, with the state of their tracks."""
    with context.database.read(SYSTEM) as session:
        rows = session.execute(
            select(Media.path, Track.state).join(Track, Track.media_id == Media.id).where(~Media.missing)
        )
        return {path or b"": state for path, state in rows.tuples()}


def test_fifty_thousand_files_in_one_folder_are_walked_in_order(tmp_path: Path) -> None:
    numbers = list(range(50_000))
    random.Random(1).shuffle(numbers)
    folder = os.fsencode(tmp_path / "all")
    os.mkdir(folder)  # noqa: PTH102 -- Fifty thousand times, this way takes a third of the time.
    for number in numbers:
        os.close(os.open(folder + b"/%d.mp3" % number, os.O_CREAT))
    (tmp_path / "all" / "7.lrc").touch()
    steps = list(Walk(os.fsencode(tmp_path)))
    assert [step.path for step in steps] == sorted(folder + b"/%d.mp3" % number for number in numbers)
    assert [step.path for step in steps if isinstance(step, Found) and step.lyrics_ns] == [folder + b"/7.mp3"]
    assert len(list(Walk(os.fsencode(tmp_path)).part(folder, [b"5.mp3", b"7.lrc", b"gone.mp3"]))) == 2


NAMES = (
    b"...dots",
    b".hidden.wav",
    b"'single' \"double\".wav",
    b"what?*<>|.wav",
    b"line\nbreak\ttab.wav",
    b"x" * 251 + b".wav",
    b"\xff\xfe\x80.wav",
    b"\xe2\x80\xae\xf0\x9f\x8e\xb5.wav",
    b" leading and trailing .wav",
    b"-rf.wav",
    b"%41%.wav",
    b"[a]{b}*.wav",
)


def test_every_legal_name_is_scanned_and_found_again(scan: Scan, context: Context, tmp_path: Path) -> None:
    root = tmp_path / "music"
    tone = write_tone(root / "plain.wav").read_bytes()
    places = [os.fsencode(root) + b"/...And/" + name for name in NAMES]
    os.makedirs(os.fsencode(root) + b"/...And", exist_ok=True)  # noqa: PTH103 -- The path is bytes.
    for number, place in enumerate(places):
        with open(place, "wb") as file:  # noqa: PTH123 -- The path is bytes.
            file.write(tone + bytes([number]))
    report = scan(root)
    assert (report.added, report.failed) == (len(NAMES) + 1, [])
    assert set(places) < set(there(context))
    assert set(there(context).values()) == {"analysed"}
    again = scan(root)
    assert (again.unchanged, again.missing, again.added) == (len(NAMES) + 1, 0, 0)


def test_a_file_that_changes_while_it_is_read_is_stored_as_it_is_then(
    scan: Scan, context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "music"
    for number in range(3):
        write_tone(root / f"{number}.wav", hertz=300 + 50 * number)
    tags_many = Listener.tags_many
    read: list[int] = []

    def change_after(listener: Listener, paths: Any, *rest: Any, **more: Any) -> Any:
        answers = tags_many(listener, paths, *rest, **more)
        read.append(len(paths))
        if len(read) == 1:
            write_tone(root / "1.wav", hertz=900, seconds=0.9)
        return answers

    monkeypatch.setattr(Listener, "tags_many", change_after)
    assert scan(root).added == 3
    # Only the one that changed is read again.
    assert read == [3, 1]
    assert scan(root).unchanged == 3
    with context.database.read(SYSTEM) as session:
        assert session.scalar(select(Media.size).where(Media.name == "1.wav")) == (root / "1.wav").stat().st_size


def test_files_that_come_and_go_behind_the_walk_are_for_the_next_scan(
    scan: Scan, context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "music"
    for name in ("b/1.wav", "m/2.wav", "z/3.wav"):
        write_tone(root / name, hertz=300 + ord(name[0]))
    tags_many = Listener.tags_many

    def reorder(listener: Listener, *rest: Any, **more: Any) -> Any:
        if (root / "z").exists():
            shutil.move(root / "z" / "3.wav", root / "b" / "3.wav")
            (root / "z").rmdir()
            write_tone(root / "a" / "4.wav", hertz=777)
        return tags_many(listener, *rest, **more)

    monkeypatch.setattr(Listener, "tags_many", reorder)
    first = scan(root)
    assert first.state == "done"
    assert {Path(one.path).name for one in first.failed} == {"3.wav"}
    second = scan(root)
    assert (second.state, second.failed) == ("done", [])
    assert {Path(os.fsdecode(path)).name for path in there(context)} == {"1.wav", "2.wav", "3.wav", "4.wav"}


def test_words_beside_a_file_are_read_in_a_scan_and_follow_their_changes(
    scan: Scan, context: Context, tmp_path: Path
) -> None:
    root = tmp_path / "music"
    write_tone(root / "a.wav")

    def words() -> list[tuple[str, bool]]:
        with context.database.read(SYSTEM) as session:
            return list(session.execute(select(Lyrics.text, Lyrics.synced)).tuples())

    (root / "a.LRC").write_bytes("[00:01.00]Žluťoučký\n".encode("utf-16"))
    assert scan(root).added == 1
    assert [("luťou" in text, synced) for text, synced in words()] == [(True, True)]
    assert scan(root).unchanged == 1
    (root / "a.LRC").write_text("only words\n")
    assert scan(root).updated == 1
    assert [("only words" in text, synced) for text, synced in words()] == [(True, False)]
    (root / "a.LRC").unlink()
    assert scan(root).updated == 1
    assert words() == []


def test_a_move_is_confirmed_by_the_content(scan: Scan, context: Context, tmp_path: Path) -> None:
    root = tmp_path / "music"
    # The quick key looks at 64 KiB from each end, so the two differ where it does not look.
    for name in ("x.wav", "y.wav"):
        write_tone(tmp_path / name, seconds=20)
    with (tmp_path / "y.wav").open("r+b") as file:
        file.seek(150_000)
        file.write(b"\x01" * 1000)
    root.mkdir()
    shutil.copy(tmp_path / "x.wav", root / "x.wav")
    scan(root)
    with context.database.read(SYSTEM) as session:
        before = session.scalars(select(Track.id)).one()
    (root / "x.wav").unlink()
    shutil.copy(tmp_path / "y.wav", root / "z.wav")
    other = scan(root)
    assert (other.added, other.moved, other.missing) == (1, 0, 1)
    (root / "z.wav").unlink()
    shutil.copy(tmp_path / "x.wav", root / "back.wav")
    back = scan(root)
    assert (back.added, back.moved, back.missing) == (0, 1, 1)
    with context.database.read(SYSTEM) as session:
        rows = session.execute(select(Track.id, Media.name).join(Media, Media.id == Track.media_id))
        assert rows.tuples().all()
        assert session.scalar(select(Media.name).join(Track, Track.media_id == Media.id).where(Track.id == before)) == (
            "back.wav"
        )


def test_what_is_left_out_is_no_part_of_a_scan(scan: Scan, context: Context, tmp_path: Path) -> None:
    root = tmp_path / "music"
    for name in ("a.wav", "demo/b.wav", "quiet/c.wav"):
        write_tone(root / name, hertz=300 + len(name))
    (root / "quiet" / ".nomedia").touch()
    (root / ".otolithignore").write_text("demo/\n")
    assert scan(root).added == 1
    (root / ".otolithignore").unlink()
    (root / "quiet" / ".nomedia").unlink()
    assert scan(root).added == 2
    (root / "quiet" / ".nomedia").touch()
    report = scan(root)
    assert (report.missing, report.unchanged) == (1, 2)
    assert len(there(context)) == 2
    inside = scan(root / "quiet")
    assert (inside.state, [one.error for one in inside.skipped]) == (
        "done",
        ["An ignore file (.nomedia or .otolithignore) says to leave this folder out."],
    )


def test_every_change_takes_a_version_and_nothing_else_does(
    scan: Scan, context: Context, workspace: UUID, owner: Actor, tmp_path: Path
) -> None:
    root = tmp_path / "music"
    for number in range(2):
        write_tone(root / f"{number}.wav", hertz=300 + 50 * number)

    def versions() -> tuple[int, int]:
        with context.database.read(owner) as session:
            newest = session.scalar(select(func.max(Track.version))) or 0
            return version_of(session, workspace), newest

    scan(root)
    now_at, newest = versions()
    assert 0 < newest <= now_at
    scan(root)
    assert versions() == (now_at, newest)
    (root / "0.wav").rename(tmp_path / "aside.wav")
    scan(root)
    missed_at, newest = versions()
    assert now_at < newest <= missed_at
    (tmp_path / "aside.wav").rename(root / "0.wav")
    scan(root)
    assert missed_at < versions()[1]


def test_a_link_beside_a_file_shows_no_text_from_elsewhere(scan: Scan, context: Context, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("hunter2")
    song = write_tone(tmp_path / "music" / "a.wav")
    song.with_suffix(".lrc").symlink_to(tmp_path / "secret.txt")
    assert scan(tmp_path / "music").added == 1
    # Nor does one that took the place of a file since the folder was walked.
    seen = FileSeen(path=os.fsencode(song), size=0, mtime_ns=0, lyrics_ns=1)
    assert read_words(Read(seen, Tags())).lyrics is None
    with context.database.read(SYSTEM) as session:
        assert session.scalars(select(Lyrics)).all() == []
