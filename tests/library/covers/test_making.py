"""Which picture a track and an album get, from their files and folders, and what becomes of it when those change."""

import errno
import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from otolith.core.actor import SYSTEM
from otolith.core.db import now
from otolith.library.covers.models import Cover, FolderPicture
from otolith.library.covers.service import submit_again
from otolith.library.covers.tidying import _YOUNG
from otolith.library.models import Track
from otolith.media.listening import Listener, ListenFailure
from otolith.media.models import Media
from tests.library.covers.conftest import Library
from tests.library.covers.pictures import BLUE, GREEN, RED, huge_png, picture, song


def key_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def covers(library: Library) -> dict[str, Cover]:
    with library.context.database.read(SYSTEM) as session:
        return {cover.key: cover for cover in session.scalars(select(Cover))}


def files(library: Library) -> list[Path]:
    return [path for path in library.context.settings.folder.covers.rglob("*") if path.is_file()]


def test_a_picture_in_many_files_is_kept_once(library: Library, tmp_path: Path) -> None:
    red = picture(RED)
    for number in range(5):
        song(tmp_path / "m" / f"{number}.wav", red, hertz=300 + number, title=f"t{number}", album="A", track=number + 1)
    library.scan(tmp_path / "m")
    assert {key for _, key in library.tracks().values()} == {key_of(red)}
    assert library.albums()["A"][1] == key_of(red)
    (cover,) = covers(library).values()
    assert (cover.mime, cover.width, cover.size, cover.error) == ("image/jpeg", 500, len(red), None)
    assert [int(one.partition(":")[0]) for one in cover.sizes.split(",")] == [64, 160, 320, 500]
    assert len(files(library)) == 1


@pytest.mark.parametrize("name", ["cover.jpg", "FOLDER.JPEG", "Front.png", "album.webp", "AlbumArt.gif"])
def test_a_picture_in_the_folder_serves_files_without_one(library: Library, tmp_path: Path, name: str) -> None:
    kind = {"jpg": "JPEG", "jpeg": "JPEG"}.get(name.lower().rpartition(".")[2], name.rpartition(".")[2].upper())
    blue, red = picture(BLUE, kind=kind), picture(RED)
    song(tmp_path / "m" / "a.wav", title="bare", album="A", track=1)
    song(tmp_path / "m" / "b.wav", red, hertz=500, title="own", album="A", track=2)
    (tmp_path / "m" / name).write_bytes(blue)
    (tmp_path / "m" / "notes.jpg").write_bytes(picture(GREEN))
    library.scan(tmp_path / "m")
    assert library.tracks()["bare"][1] == key_of(blue)
    assert library.tracks()["own"][1] == key_of(red)
    assert library.albums()["A"][1] == key_of(blue)


def test_the_largest_of_several_in_a_folder_wins_and_a_broken_one_never(library: Library, tmp_path: Path) -> None:
    song(tmp_path / "m" / "a.wav", title="a", album="A")
    large = picture(BLUE, (900, 900))
    (tmp_path / "m" / "cover.jpg").write_bytes(picture(RED, (80, 80)))
    (tmp_path / "m" / "folder.jpg").write_bytes(large)
    (tmp_path / "m" / "front.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100_000))
    library.scan(tmp_path / "m")
    assert library.albums()["A"][1] == library.tracks()["a"][1] == key_of(large)


def test_discs_share_the_picture_of_their_album(library: Library, tmp_path: Path) -> None:
    blue = picture(BLUE)
    for disc in (1, 2):
        song(tmp_path / "m" / f"CD{disc}" / "a.wav", hertz=300 + disc, title=f"d{disc}", album="A", track=disc)
    (tmp_path / "m" / "cover.jpg").write_bytes(blue)
    library.scan(tmp_path / "m")
    assert {key for _, key in library.tracks().values()} == {key_of(blue)}


def test_a_picture_that_comes_changes_and_goes_is_noticed_by_the_next_scan(library: Library, tmp_path: Path) -> None:
    song(tmp_path / "m" / "a.wav", title="a", album="A")
    library.scan(tmp_path / "m")
    assert library.albums()["A"][1] is None
    for data in (picture(RED), picture(BLUE, (600, 600))):
        (tmp_path / "m" / "cover.jpg").write_bytes(data)
        library.scan(tmp_path / "m")
        assert library.tracks()["a"][1] == library.albums()["A"][1] == key_of(data)
    (tmp_path / "m" / "cover.jpg").unlink()
    library.scan(tmp_path / "m")
    assert library.tracks()["a"][1] is library.albums()["A"][1] is None


def test_a_file_that_loses_its_picture_loses_its_cover(library: Library, tmp_path: Path) -> None:
    song(tmp_path / "m" / "a.wav", picture(RED), title="a", album="A")
    library.scan(tmp_path / "m")
    song(tmp_path / "m" / "a.wav", title="a", album="A")
    os.utime(tmp_path / "m" / "a.wav", ns=(1, 1))
    library.scan(tmp_path / "m")
    assert library.tracks()["a"][1] is library.albums()["A"][1] is None


def test_pictures_that_cannot_be_shown_are_remembered_and_harm_nothing(library: Library, tmp_path: Path) -> None:
    bomb, torn = huge_png(30_000, 30_000), picture(GREEN)[:500]
    song(tmp_path / "m" / "a.wav", bomb, title="bomb", album="A", track=1)
    song(tmp_path / "m" / "b.wav", torn, hertz=500, title="torn", album="A", track=2)
    song(tmp_path / "m" / "c.wav", picture(RED), hertz=600, title="good", album="A", track=3)
    library.scan(tmp_path / "m")
    tracks = library.tracks()
    assert tracks["bomb"][1] is tracks["torn"][1] is None
    assert tracks["good"][1] == library.albums()["A"][1] == key_of(picture(RED))
    known = covers(library)
    assert "30,000 × 30,000" in (known[key_of(bomb)].error or "")
    assert known[key_of(torn)].error is not None
    assert len(files(library)) == 1


def test_what_only_looks_like_a_picture_is_no_trouble(library: Library, tmp_path: Path) -> None:
    song(tmp_path / "m" / "a.wav", title="a", album="A")
    (tmp_path / "m" / "cover.jpg").mkdir()
    (tmp_path / "m" / "folder.jpg").symlink_to(tmp_path / "nowhere")
    (tmp_path / "private.png").write_bytes(picture(GREEN))
    (tmp_path / "m" / "album.png").symlink_to(tmp_path / "private.png")
    os.mkfifo(tmp_path / "m" / "front.jpg")
    library.scan(tmp_path / "m")
    assert library.tracks()["a"][1] is None


def test_scanning_again_makes_nothing_again(library: Library, tmp_path: Path) -> None:
    song(tmp_path / "m" / "a.wav", picture(RED), title="a", album="A")
    (tmp_path / "m" / "cover.jpg").write_bytes(picture(BLUE))
    library.scan(tmp_path / "m")
    made = {path: path.stat().st_mtime_ns for path in files(library)}
    with library.context.database.read(SYSTEM) as session:
        version = session.scalar(select(func.max(Track.version)))
    library.scan(tmp_path / "m")
    assert {path: path.stat().st_mtime_ns for path in files(library)} == made
    with library.context.database.read(SYSTEM) as session:
        assert session.scalar(select(func.max(Track.version))) == version


class TestTidying:
    def test_what_nothing_shows_is_forgotten_after_a_day(self, library: Library, tmp_path: Path) -> None:
        song(tmp_path / "m" / "a.wav", picture(RED), title="a", album="A")
        song(tmp_path / "m" / "b.wav", picture(BLUE), hertz=500, title="b", album="B")
        library.scan(tmp_path / "m")
        song(tmp_path / "m" / "b.wav", hertz=500, title="b", album="B")
        os.utime(tmp_path / "m" / "b.wav", ns=(1, 1))
        library.scan(tmp_path / "m")
        library.tidy()
        assert set(covers(library)) == {key_of(picture(RED)), key_of(picture(BLUE))}
        self._age(library)
        library.tidy()
        assert set(covers(library)) == {key_of(picture(RED))}
        (left,) = files(library)
        assert str(left).endswith(covers(library)[key_of(picture(RED))].stored or "?")

    def test_pictures_in_folders_are_in_use(self, library: Library, tmp_path: Path) -> None:
        song(tmp_path / "m" / "a.wav", picture(RED), title="a", album="A")
        (tmp_path / "m" / "cover.jpg").write_bytes(picture(BLUE))
        song(tmp_path / "m" / "b.wav", hertz=500, title="b", album="A")
        library.scan(tmp_path / "m")
        self._age(library)
        library.tidy()
        assert len(covers(library)) == len(files(library)) == 2

    def test_an_album_whose_picture_left_with_a_track_is_settled(self, library: Library, tmp_path: Path) -> None:
        song(tmp_path / "m" / "a.wav", picture(RED), title="a", album="A", track=1)
        song(tmp_path / "m" / "b.wav", hertz=500, title="b", album="A", track=2)
        library.scan(tmp_path / "m")
        with library.context.database.write(SYSTEM) as session:
            session.execute(update(Track).values(cover_key=None))
        library.tidy()
        assert library.albums()["A"][1] is None

    def test_files_that_are_lost_are_made_anew(self, library: Library, tmp_path: Path) -> None:
        song(tmp_path / "m" / "a.wav", picture(RED), title="a", album="A", track=1)
        song(tmp_path / "m" / "b.wav", hertz=500, title="b", album="A", track=2)
        (tmp_path / "m" / "cover.jpg").write_bytes(picture(BLUE))
        library.scan(tmp_path / "m")
        before = {path: path.read_bytes() for path in files(library)}
        assert len(before) == 2
        for path in before:
            path.unlink()
        library.tidy()
        library.work()
        assert {path: path.read_bytes() for path in files(library)} == before
        assert set(covers(library)) == {key_of(picture(RED)), key_of(picture(BLUE))}

    def test_a_lost_file_is_made_anew_from_a_track_that_is_there(self, library: Library, tmp_path: Path) -> None:
        for number in (1, 2, 3):
            song(tmp_path / "m" / f"{number}.wav", picture(RED), hertz=300 + number, title=f"{number}", album="A")
        library.scan(tmp_path / "m")
        with library.context.database.write(SYSTEM) as session:
            *_, last = session.execute(select(Track.id, Media.id).join(Media).order_by(Track.id)).tuples()
            session.execute(update(Media).where(Media.id == last[1]).values(missing=True))
        (before,) = files(library)
        before.unlink()
        library.tidy()
        library.work()
        assert files(library) == [before]

    def _age(self, library: Library) -> None:
        long_ago = now() - 2 * _YOUNG
        with library.context.database.write(SYSTEM) as session:
            session.execute(update(Cover).values(made_at=long_ago))
        for path in files(library):
            os.utime(path, (long_ago.timestamp(), long_ago.timestamp()))


def test_folders_that_hold_nothing_any_more_are_forgotten(library: Library, tmp_path: Path) -> None:
    song(tmp_path / "m" / "x" / "a.wav", title="a", album="A")
    song(tmp_path / "m" / "b.wav", hertz=500, title="b", album="B")
    (tmp_path / "m" / "x" / "cover.jpg").write_bytes(picture(BLUE))
    library.scan(tmp_path / "m")
    (tmp_path / "m" / "x" / "a.wav").unlink()
    library.scan(tmp_path / "m")
    library.scan(tmp_path / "m")
    with library.context.database.read(SYSTEM) as session:
        assert [row.folder for row in session.scalars(select(FolderPicture)) if row.folder.endswith(b"/x")] == []


def test_an_unreadable_folder_or_picture_takes_no_cover_away(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    album, red = tmp_path / "m" / "A", picture(RED)
    song(album / "a.wav", title="a", album="A")
    (album / "cover.jpg").write_bytes(red)
    library.scan(tmp_path / "m")
    scandir, look = os.scandir, Listener.picture

    def closed(path: Any) -> Any:
        if path == os.fsencode(album):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return scandir(path)

    def unreadable(*_: Any, **__: Any) -> None:
        raise ListenFailure("unreadable", "Otolith may not read it.")

    monkeypatch.setattr(os, "scandir", closed)
    library.scan(tmp_path / "m")
    _ask_again(library)
    assert library.tracks()["a"][1] == library.albums()["A"][1] == key_of(red)
    monkeypatch.setattr(os, "scandir", scandir)
    (album / "cover.jpg").write_bytes(picture(BLUE))
    monkeypatch.setattr(Listener, "picture", unreadable)
    library.scan(tmp_path / "m")
    assert library.tracks()["a"][1] == library.albums()["A"][1] == key_of(red)
    monkeypatch.setattr(Listener, "picture", look)
    library.scan(tmp_path / "m")
    assert library.tracks()["a"][1] == key_of(picture(BLUE))
    (album / "cover.jpg").unlink()
    library.scan(tmp_path / "m")
    assert library.tracks()["a"][1] is None


def _ask_again(library: Library) -> None:
    """Have all tracks' pictures looked for again, as after an edit."""
    with library.context.database.write(SYSTEM) as session:
        submit_again(session, library.callers.home, None, [one for one, _ in library.tracks().values()], [])
    library.work()


def test_a_picture_that_cannot_be_read_yet_is_looked_for_again(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    song(tmp_path / "m" / "a.wav", title="a", album="A")
    (tmp_path / "m" / "cover.jpg").write_bytes(picture(RED))
    look = Listener.picture

    def fail(*_: Any, **__: Any) -> None:
        raise ListenFailure("io_error", "The disk does not answer.")

    monkeypatch.setattr(Listener, "picture", fail)
    library.scan(tmp_path / "m")
    assert library.tracks()["a"][1] is None
    monkeypatch.setattr(Listener, "picture", look)
    # Nothing in the folder has changed since.
    library.scan(tmp_path / "m")
    assert library.tracks()["a"][1] == key_of(picture(RED))


def test_a_picture_that_is_exchanged_while_it_is_read_is_kept_as_what_it_is_then(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    song(tmp_path / "m" / "a.wav", title="a", album="A")
    place, red, blue = tmp_path / "m" / "cover.jpg", picture(RED), picture(BLUE, (600, 600))
    place.write_bytes(red)
    first = place.stat()
    look = Listener.picture
    exchanged: list[Path] = []

    def exchange_first(listener: Listener, path: Any, **more: Any) -> Any:
        if not exchanged:
            exchanged.append(place)
            place.write_bytes(blue)
        return look(listener, path, **more)

    monkeypatch.setattr(Listener, "picture", exchange_first)
    library.scan(tmp_path / "m")
    assert library.tracks()["a"][1] == key_of(blue)
    # What was listed first comes back, to the letter and the nanosecond.
    place.write_bytes(red)
    os.utime(place, ns=(first.st_atime_ns, first.st_mtime_ns))
    library.scan(tmp_path / "m")
    assert library.tracks()["a"][1] == key_of(red)
