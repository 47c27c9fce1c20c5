"""Tags get into files whole or not at all, scans take no notice of it, and what was heard of the files stays."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from otolith.core.actor import SYSTEM
from otolith.core.errors import Conflict
from otolith.jobs.models import Job
from otolith.library.editing import service
from otolith.library.editing.models import TagEdit
from otolith.library.models import Analysis, Scan, Track
from otolith.library.recordings import encode
from otolith.media.engine.sounding import sound_digest
from otolith.media.models import Media, Waveform
from otolith.media.tags import read_tags, write_tags
from tests.library.covers.conftest import Library
from tests.library.covers.pictures import RED, picture, song
from tests.library.editing.test_editing import EDITS, by_id, post, track
from tests.media.engine.test_sounding import tone


def edits(library: Library) -> list[tuple[str, str | None]]:
    with library.context.database.read(SYSTEM) as session:
        return [(one.state, one.error) for one in session.scalars(select(TagEdit).order_by(TagEdit.id))]


def media_of(library: Library, one: Track) -> Media:
    with library.context.database.read(SYSTEM) as session:
        return session.get_one(Media, one.media_id)


def counts(library: Library) -> tuple[int, int, int]:
    """What the last scan found to be added, updated and unchanged."""
    with library.context.database.read(SYSTEM) as session:
        scan = session.scalars(select(Scan).order_by(Scan.id.desc()).limit(1)).one()
        return scan.added, scan.updated, scan.unchanged


def change(library: Library, tracks: list[UUID], changes: dict[str, Any]) -> str:
    made = post(library, "", {"tracks": [str(one) for one in tracks], "changes": changes}, status=201)
    return str(made["batch_id"])


def write(library: Library, batch: str) -> None:
    post(library, f"/{batch}/write", status=202)
    library.work()


@pytest.fixture
def file(library: Library, tmp_path: Path) -> Path:
    path = song(tmp_path / "m" / "a.wav", picture(RED), title="One", album="Old", track=1, seconds=5)
    path.chmod(0o640)
    library.scan(tmp_path / "m")
    return path


class TestWriting:
    def test_the_file_says_it_and_nothing_else_changed(self, library: Library, file: Path) -> None:
        one = track(library, "One")
        before, sound = media_of(library, one), sound_digest(file)
        assert before.sha256 is not None
        batch = change(library, [one.id], {"title": "Eins", "genres": ["Jazz", "Funk"], "track_total": 9})
        write(library, batch)
        assert edits(library) == [("written", None)]
        tags = read_tags(file)
        assert (tags.title, tags.genres, tags.track, tags.track_total) == ("Eins", ("Jazz", "Funk"), 1, 9)
        assert tags.cover is not None
        assert sound_digest(file) == sound
        assert file.stat().st_mode & 0o777 == 0o640
        assert [path.name for path in file.parent.iterdir()] == ["a.wav"]

        after, row = by_id(library, one.id), media_of(library, one)
        assert (after.title, after.edits, after.state) == ("Eins", None, "analysed")
        assert after.tags["title"] == "Eins"
        assert (row.size, row.mtime_ns) == (file.stat().st_size, file.stat().st_mtime_ns)
        assert row.quick_key == tags.quick_key
        assert row.sha256 != before.sha256
        with library.context.database.read(SYSTEM) as session:
            heard, old = session.get(Analysis, row.sha256), session.get(Analysis, before.sha256)
            assert heard is not None
            assert old is not None
            assert (heard.duration, heard.engines, heard.quick_key) == (old.duration, old.engines, row.quick_key)
            assert session.scalars(select(Waveform).where(Waveform.sha256 == row.sha256)).first() is not None
        shown = library.callers["viewer"].get(f"/api/tracks/{one.id}").json()
        assert shown["features"] is not None
        assert shown["fingerprint"] is not None

    def test_the_next_scan_sees_nothing_new(self, library: Library, file: Path) -> None:
        one = track(library, "One")
        write(library, change(library, [one.id], {"title": "Eins"}))
        version = by_id(library, one.id).version
        library.scan(file.parent)
        assert counts(library) == (0, 0, 1)
        after = by_id(library, one.id)
        assert (after.title, after.state, after.version) == ("Eins", "analysed", version)

    def test_what_was_written_is_taken_out_again(self, library: Library, file: Path) -> None:
        one = track(library, "One")
        before = read_tags(file)
        batch = change(library, [one.id], {"title": "Eins", "artist": ["Bob", "Eve"], "comment": "new", "track": None})
        write(library, batch)
        assert read_tags(file).artists == ("Bob", "Eve")
        undone = post(library, f"/{batch}/undo", status=202)
        assert undone["settled"] == 0
        library.work()
        assert edits(library) == [("undone", None)]
        now_said = read_tags(file)
        for name in ("title", "artist", "artists", "comment", "track", "album", "cover"):
            assert getattr(now_said, name) == getattr(before, name), name
        after = by_id(library, one.id)
        assert (after.title, after.artist, after.track_number, after.edits) == ("One", "Ada", 1, None)
        library.scan(file.parent)
        assert counts(library) == (0, 0, 1)

    @pytest.mark.parametrize("extension", ["mp3", "flac", "ogg", "opus", "m4a", "aiff"])
    def test_every_format_goes_there_and_back(self, library: Library, tmp_path: Path, extension: str) -> None:
        path = tmp_path / "m" / f"a.{extension}"
        path.parent.mkdir()
        encode(path, tone(440), extension)
        write_tags(path, {"title": "One", "artist": "Ada", "album": "Old", "genres": ["Jazz"], "date": "1999"})
        library.scan(path.parent)
        before, sound = read_tags(path), sound_digest(path)
        changes = {
            "title": "Ünï ♪",
            "artist": ["Bob", "Eve"],
            "album_artist": ["Bob"],
            "date": "2001-02-03",
            "genres": ["Rock", "Folk"],
            "composers": ["Zoë"],
            "disc": 1,
            "disc_total": 2,
            "compilation": True,
            "lyrics": "la\nla",
            "album_sort": "Old, The",
        }
        batch = change(library, [track(library, "One").id], changes)
        write(library, batch)
        assert edits(library) == [("written", None)]
        tags = read_tags(path)
        assert (tags.title, tags.artists, tags.album_artist, tags.date) == (
            "Ünï ♪",
            ("Bob", "Eve"),
            "Bob",
            "2001-02-03",
        )
        assert (tags.genres, tags.composers, tags.disc, tags.disc_total) == (("Rock", "Folk"), ("Zoë",), 1, 2)
        assert (tags.compilation, tags.lyrics, tags.album_sort) == (True, "la\nla", "Old, The")
        assert sound_digest(path) == sound
        post(library, f"/{batch}/undo", status=202)
        library.work()
        assert edits(library) == [("undone", None)]
        after = read_tags(path)
        names = ("title", "artists", "album", "album_artist", "date", "genres", "composers", "disc", "lyrics")
        for name in (*names, "compilation", "album_sort"):
            assert getattr(after, name) == getattr(before, name), name
        library.scan(path.parent)
        assert counts(library) == (0, 0, 1)


class TestRefusals:
    def refusal(self, library: Library, file: Path) -> str:
        """What is said of a change that stays in the library, the file being left as it is."""
        content = file.read_bytes() if file.exists() else None
        one = track(library, "One")
        write(library, change(library, [one.id], {"title": "Eins"}))
        ((state, error),) = edits(library)
        assert state == "failed"
        assert (file.read_bytes() if file.exists() else None) == content
        assert [path for path in file.parent.iterdir() if path != file] == []
        after = by_id(library, one.id)
        assert (after.title, after.edits) == ("Eins", {"title": ["Eins"]})
        return error or ""

    def test_a_file_that_changed_meanwhile(self, library: Library, file: Path) -> None:
        write_tags(file, {"title": "Elsewhere"})
        assert "was changed since Otolith read it; scan its folder and try again." in self.refusal(library, file)
        library.scan(file.parent)
        assert track(library, "Eins").tags["title"] == "Elsewhere"
        with library.context.database.read(SYSTEM) as session:
            batch = session.scalars(select(TagEdit.batch_id)).one()
        write(library, str(batch))
        assert edits(library) == [("written", None)]
        assert read_tags(file).title == "Eins"

    def test_a_read_only_file(self, library: Library, file: Path) -> None:
        file.chmod(0o444)
        assert "The file is read-only" in self.refusal(library, file)
        preview = {"tracks": [str(track(library, "Eins").id)], "changes": {"title": "x"}}
        shown = post(library, "/preview", preview, status=200)["tracks"][0]
        assert shown["unwritable"].startswith("The file is read-only")

    def test_a_file_that_is_gone(self, library: Library, file: Path) -> None:
        file.unlink()
        assert "The file is not there (any more)." in self.refusal(library, file)

    def test_a_file_that_became_something_else(self, library: Library, file: Path) -> None:
        # Between the look and the writing the file becomes something else of the same size and time.
        status, size = file.stat(), file.stat().st_size
        file.write_bytes(b"\0" * size)
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
        assert self.refusal(library, file)

    def test_a_file_elsewhere_to_which_a_link_leads(self, library: Library, file: Path) -> None:
        elsewhere = file.rename(file.parent.parent / "private.wav")
        file.symlink_to(elsewhere)
        library.scan(file.parent)
        assert "which lies elsewhere" in self.refusal(library, file)
        assert read_tags(elsewhere).title == "One"
        assert [path.name for path in elsewhere.parent.glob(".otolith*")] == []

    def test_a_folder_elsewhere_to_which_a_link_leads(self, library: Library, file: Path) -> None:
        elsewhere = file.parent.rename(file.parent.parent / "private")
        file.parent.symlink_to(elsewhere)
        library.scan(file.parent)
        # The folder that was asked to be scanned may be a link itself.
        write(library, change(library, [track(library, "One").id], {"title": "Eins"}))
        assert edits(library) == [("written", None)]
        (file.parent.parent / "outer").mkdir()
        (file.parent.parent / "outer" / "link").symlink_to(elsewhere)
        with library.context.database.write(SYSTEM) as session:
            session.execute(update(Scan).values(path=os.fsencode(file.parent.parent / "outer")))
        assert "which lies elsewhere" in self.last_refusal(library)
        library.context.settings.library.roots = [elsewhere]
        batch = change(library, [track(library, "Uno").id], {"title": "Due"})
        write(library, batch)
        assert edits(library)[-1] == ("written", None)

    def last_refusal(self, library: Library) -> str:
        write(library, change(library, [track(library, "Eins").id], {"title": "Uno"}))
        return edits(library)[-1][1] or ""

    def test_a_server_that_leaves_files_alone(self, library: Library, file: Path) -> None:
        library.context.settings.library.write_tags = False
        assert "This server leaves files alone" in self.refusal(library, file)

    def test_an_upload(self, library: Library, tmp_path: Path) -> None:
        path = song(tmp_path / "a.wav", title="One", album="Old")
        sent = library.callers["editor"].post("/api/media", files={"file": ("a.wav", path.read_bytes())}).json()
        body = {"tracks": [sent["items"][0]["track_id"]], "changes": {"title": "Eins"}}
        assert "not read yet" in post(library, "", body, status=409)["detail"]
        library.work()
        write(library, change(library, [track(library, "One").id], {"title": "Eins"}))
        assert edits(library) == [("failed", "An upload is kept as it was sent; the change stays in the library.")]
        assert track(library, "Eins").album == "Old"

    def test_an_older_change_is_not_written_over_a_newer_one(self, library: Library, file: Path) -> None:
        one = track(library, "One").id
        first = change(library, [one], {"title": "Eins", "comment": "x"})
        change(library, [one], {"title": "Uno"})
        write(library, first)
        assert [state for state, _ in edits(library)] == ["failed", "kept"]
        assert "title changed again since" in (edits(library)[0][1] or "")
        assert read_tags(file).title == "One"

    @pytest.mark.usefixtures("file")
    def test_what_is_being_written_is_left_alone(self, library: Library) -> None:
        batch = change(library, [track(library, "One").id], {"title": "Eins"})
        post(library, f"/{batch}/write", status=202)
        for action in ("write", "undo"):
            assert "being written" in post(library, f"/{batch}/{action}", status=409)["detail"]
        library.work()
        post(library, f"/{batch}/write", status=409)


@pytest.mark.usefixtures("file")
@pytest.mark.parametrize("deed", [service.write, service.undo])
def test_of_two_who_act_on_changes_at_the_same_moment_one_is_refused(library: Library, deed: Any) -> None:
    batch = change(library, [track(library, "One").id], {"title": "Eins"})
    if deed is service.undo:
        write(library, batch)
    refused: list[str] = []

    def act() -> None:
        try:
            with library.context.database.write(SYSTEM) as session:
                deed(session, SYSTEM, UUID(batch))
        except Conflict as conflict:
            refused.append(conflict.detail)

    other = threading.Thread(target=act)
    with library.context.database.write(SYSTEM) as session:
        deed(session, SYSTEM, UUID(batch))
        other.start()
        other.join(0.5)
    other.join(20)
    assert len(refused) == 1
    assert "being written" in refused[0]


@pytest.mark.parametrize("moment", ["copied", "noted", "replaced"])
def test_a_worker_that_is_killed_leaves_the_old_file_or_the_new_one(
    library: Library, file: Path, moment: str, request: pytest.FixtureRequest
) -> None:
    one = track(library, "One").id
    content, sound = file.read_bytes(), sound_digest(file)
    batch = change(library, [one], {"title": "Eins", "lyrics": "la " * 5000})
    post(library, f"/{batch}/write", status=202)
    settings = library.context.settings
    command = [sys.executable, "-m", "tests.library.editing.victim", str(settings.data), settings.database_url, moment]
    died = subprocess.run(command, cwd=request.config.rootpath, capture_output=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    if moment == "replaced":
        assert read_tags(file).title == "Eins"
    else:
        assert file.read_bytes() == content
        assert len(list(file.parent.iterdir())) == 2
    assert edits(library) == [("writing", None)]
    with library.context.database.write(SYSTEM) as session:
        ready = {"state": "queued", "lease_until": None, "worker": None, "started_at": None}
        session.execute(update(Job).where(Job.state == "running").values(**ready))
    library.work()
    assert edits(library) == [("written", None)]
    assert read_tags(file).title == "Eins"
    assert sound_digest(file) == sound
    assert [path.name for path in file.parent.iterdir()] == ["a.wav"]
    library.scan(file.parent)
    assert counts(library) == (0, 0, 1)
    assert library.callers["viewer"].get(f"{EDITS}/{batch}").json()["items"][0]["state"] == "written"


def test_a_scan_passes_over_a_copy_that_is_being_made(library: Library, file: Path) -> None:
    (file.parent / ".otolith-x-abc.part").write_bytes(file.read_bytes())
    library.scan(file.parent)
    assert counts(library) == (0, 0, 1)
