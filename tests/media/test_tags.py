"""Tags: one form for all formats, written without ever leaving half a file."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import mutagen.flac
import mutagen.id3
import pytest

from otolith.media.engine import tagsource
from otolith.media.engine.failures import ListenFailure
from otolith.media.tags import Cover, Value, quick_key, read_cover, read_tags, write_tags
from tests import hostile, hostile_bytes

FILES: dict[str, Callable[[], bytes]] = {
    "mp3": hostile_bytes.mp3,
    "flac": hostile_bytes.flac,
    "wav": lambda: hostile_bytes.wav(hostile_bytes.pcm(1)),
    "aiff": hostile_bytes.aiff,
    "opus": hostile_bytes.opus,
    "m4a": hostile_bytes.m4a,
    "wma": hostile_bytes.wma,
    "wv": lambda: hostile_bytes.encoded("wv", "wavpack", "s16p", 44100, 1.0),
    "tta": lambda: hostile_bytes.encoded("tta", "tta", "s16", 44100, 1.0),
    "aac": lambda: hostile_bytes.encoded("adts", "aac", "fltp", 44100, 1.0),
}
UUID = "8f3471b5-7e6a-48da-86a9-c1c07a0f47ae"
CHANGES: dict[str, Value] = {
    "title": "Été à Ōsaka",
    "artist": "A feat. B",
    "artists": ["A", "B"],
    "album": "Album",
    "album_artist": "Various",
    "track": 3,
    "track_total": 12,
    "disc": 1,
    "disc_total": 2,
    "date": "1999-12-31",
    "genres": ["Jazz", "Soul"],
    "composers": ["C"],
    "comment": "line\nline",
    "bpm": 128,
    "key": "F#m",
    "isrc": "FRZ039800212",
    "compilation": True,
    "lyrics": "la\nla",
    "mb_recording": UUID,
    "mb_artists": [UUID],
    "track_gain": "-7.03 dB",
}
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(500)


@pytest.fixture(params=sorted(FILES))
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / f"x.{request.param}"
    path.write_bytes(FILES[request.param]())
    return path


def test_every_format_takes_and_gives_every_tag(file: Path) -> None:
    written = write_tags(file, CHANGES)
    assert read_tags(file) == written
    for field in ("title", "artist", "album", "album_artist", "track", "track_total", "disc", "disc_total", "date"):
        assert getattr(written, field) == CHANGES[field], field
    for field in ("comment", "bpm", "key", "isrc", "compilation", "lyrics"):
        assert getattr(written, field) == CHANGES[field], field
    assert (written.artists, written.genres, written.composers) == (("A", "B"), ("Jazz", "Soul"), ("C",))
    assert (written.musicbrainz.recording, written.musicbrainz.artists) == (UUID, (UUID,))
    assert written.replaygain.track_gain == -7.03
    assert written.year == 1999


def test_a_tag_is_removed_and_the_others_stay(file: Path) -> None:
    write_tags(file, CHANGES)
    left = write_tags(file, {"title": None, "track": None, "compilation": False, "genres": []})
    assert (left.title, left.track, left.compilation, left.genres) == (None, None, False, ())
    assert (left.artist, left.album, left.track_total) == ("A feat. B", "Album", 12)


def test_the_sound_stays_as_it_was(file: Path) -> None:
    before = read_tags(file).length
    assert write_tags(file, CHANGES).length == pytest.approx(before, abs=0.1)


def test_writing_keeps_permissions_and_if_asked_times(tmp_path: Path) -> None:
    path = tmp_path / "x.mp3"
    path.write_bytes(hostile_bytes.mp3())
    path.chmod(0o640)
    os.utime(path, (1, 1))
    write_tags(path, {"title": "T"}, keep_times=True)
    assert (path.stat().st_mode & 0o777, path.stat().st_mtime) == (0o640, 1)
    write_tags(path, {"title": "U"})
    assert path.stat().st_mtime > 1


def test_a_failure_leaves_the_file_and_the_folder_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "x.mp3"
    path.write_bytes(hostile_bytes.mp3())
    before = path.read_bytes()

    def stop(_copy: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(ListenFailure) as failure:
        write_tags(path, {"title": "T"}, before_replacing=stop)
    assert failure.value.kind == "disk_full"
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_written_through(tmp_path: Path) -> None:
    path = hostile.linked(tmp_path)
    write_tags(path, {"title": "T"})
    assert path.is_symlink()
    assert read_tags(tmp_path / "true.mp3").title == "T"


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.webm"
    path.write_bytes(hostile_bytes.webm())
    for changes in ({"title": "T"}, {"nonsense": "T"}):
        with pytest.raises(ListenFailure) as failure:
            write_tags(path, changes)
        assert failure.value.kind == "tags"


def test_an_older_id3_tag_stays_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "x.mp3"
    path.write_bytes(hostile_bytes.mp3())
    tags = mutagen.id3.ID3()
    tags.add(mutagen.id3.TIT2(encoding=1, text="Old"))
    tags.save(path, v2_version=3)
    written = write_tags(path, {"album": "New", "date": "2001-02-03"})
    assert (written.title, written.album, written.date, written.formats) == ("Old", "New", "2001-02-03", ("ID3v2.3",))


def test_id3v1_and_apev2_are_read(tmp_path: Path) -> None:
    path = tmp_path / "x.mp3"
    head = b"TAG" + b"Title".ljust(30, b"\0") + b"Artist".ljust(30, b"\0") + b"Album".ljust(30, b"\0") + b"1984"
    tag = (head + b"Comment".ljust(28, b"\0") + b"\0\x07\x08").ljust(128, b"\0")
    path.write_bytes(hostile_bytes.frames(50) + tag)
    tags = read_tags(path)
    assert (tags.title, tags.artist, tags.year, tags.track, tags.genres) == ("Title", "Artist", 1984, 7, ("Jazz",))
    assert tags.formats == ("ID3v1.1",)


def test_utf8_that_calls_itself_latin1_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "x.mp3"
    title, album = b"\x00" + "Été".encode(), b"\x00" + "Été".encode("latin-1")
    body = hostile_bytes.frame(b"TIT2", title) + hostile_bytes.frame(b"TALB", album)
    path.write_bytes(hostile_bytes.id3(len(body), body) + hostile_bytes.mp3()[45:])
    tags = read_tags(path)
    assert (tags.title, tags.album) == ("Été", "Été")


def test_covers_are_known_by_their_bytes(tmp_path: Path) -> None:
    path = tmp_path / "x.flac"
    path.write_bytes(hostile_bytes.flac())
    opened = mutagen.flac.FLAC(path)
    picture = mutagen.flac.Picture()
    picture.data, picture.mime, picture.type = PICTURE, "image/jpeg", 3
    opened.add_picture(picture)
    opened.save()
    assert read_tags(path).cover == Cover("image/png", len(PICTURE), hashlib.sha256(PICTURE).hexdigest())
    assert read_cover(path) == ("image/png", PICTURE)


def test_text_is_fit_to_be_stored(tmp_path: Path) -> None:
    path = tmp_path / "x.flac"
    path.write_bytes(hostile_bytes.flac())
    opened = mutagen.flac.FLAC(path)
    opened["title"] = "  a\x00b\x07c  "
    opened["album"] = "x" * 100_000
    opened["genre"] = [str(number) for number in range(1000)]
    opened["tracknumber"] = "99999999999999999999"
    opened["date"] = "not a date"
    opened["bpm"] = "nan"
    opened.save()
    tags = read_tags(path)
    assert tags.title == "a"
    assert len(tags.album or "") == 2048
    assert len(tags.genres) == 64
    assert (tags.track, tags.date, tags.bpm) == (999_999_999, None, None)


def test_a_tag_that_claims_too_much_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "x.mp3"
    body = bytes(tagsource.BUDGET + (1 << 20))
    path.write_bytes(hostile_bytes.id3(len(body), body) + hostile_bytes.mp3())
    tags = read_tags(path)
    assert tags.problems == ("The ID3 tag is too large and was not read.",)
    assert tags.length == pytest.approx(5.0, abs=0.1)


def test_the_quick_key_tells_files_apart(tmp_path: Path) -> None:
    one, two, three = (tmp_path / name for name in "abc")
    data = hostile_bytes.wav(hostile_bytes.pcm(2))
    one.write_bytes(data)
    two.write_bytes(data)
    three.write_bytes(data[:-1] + b"\x7f")
    assert quick_key(one) == quick_key(two) != quick_key(three)
    assert quick_key(one).startswith(f"{len(data)}-")
