"""Folders under watch: what changes is taken in, once it has settled."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from otolith.core.actor import SYSTEM, Actor
from otolith.core.context import Context
from otolith.jobs.models import Job
from otolith.jobs.service import LANES, submit
from otolith.jobs.slot import Slot
from otolith.library.events import ROUNDS
from otolith.library.models import Track
from otolith.library.roots import service
from otolith.library.roots.models import Root
from otolith.library.roots.queries import watched_roots
from otolith.library.roots.scans import scan_by_itself
from otolith.library.roots.schemas import RootRequest
from otolith.library.roots.watching import Settling, Watcher, watch_until
from otolith.media.models import Media
from tests.library.conftest import write_tone
from tests.services import wait_until


class TestSettling:
    def test_a_place_is_settled_once_it_was_quiet(self, tmp_path: Path) -> None:
        path = os.fsencode(tmp_path / "a")
        settling = Settling(1.0)
        settling.add(path, 10.0)
        assert settling.settled(10.9) == []
        settling.add(path, 10.9)
        assert settling.settled(11.5) == []
        assert settling.settled(11.9) == [path]
        assert settling.settled(99.0) == []

    def test_a_file_that_grows_without_a_word_is_not_settled(self, tmp_path: Path) -> None:
        file = tmp_path / "a"
        file.write_bytes(b"1")
        settling = Settling(1.0)
        settling.add(os.fsencode(file), 0.0)
        file.write_bytes(b"12")
        assert settling.settled(1.0) == []
        assert settling.settled(1.5) == []
        assert settling.settled(2.0) == [os.fsencode(file)]

    def test_what_went_away_is_settled_too(self, tmp_path: Path) -> None:
        settling = Settling(1.0)
        settling.add(os.fsencode(tmp_path / "gone"), 0.0)
        assert settling.settled(1.0) == [os.fsencode(tmp_path / "gone")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_tone(tmp_path / "music" / "a.wav")
    return tmp_path / "music"


@pytest.fixture
def watched(context: Context, owner: Actor, workspace: UUID, slot: Slot, folder: Path) -> Iterator[Callable[[], None]]:
    """A library folder under watch, with a worker; call it to wait until the watch has begun."""
    context.settings.library.settle = 0.2
    with context.database.write(owner) as session:
        service.add_root(session, context, owner, RootRequest(path=str(folder), scan=False), workspace)
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            slot.work(LANES)
            stop.wait(0.05)

    threads = [threading.Thread(target=watch_until, args=(context, stop)), threading.Thread(target=work)]
    for thread in threads:
        thread.start()
    yield lambda: wait_until(lambda: "a" in titles(context), "the first scan of the folder")
    stop.set()
    for thread in threads:
        thread.join()


def titles(context: Context) -> set[str]:
    """The titles of what is there."""
    with context.database.read(SYSTEM) as session:
        there = select(Track.title).join(Media, Media.id == Track.media_id).where(~Media.missing)
        return set(session.scalars(there))


def tasks(context: Context) -> list[str]:
    with context.database.read(SYSTEM) as session:
        return list(session.scalars(select(Job.task)))


def test_what_comes_changes_and_goes_is_taken_in(watched: Callable[[], None], context: Context, folder: Path) -> None:
    watched()
    write_tone(folder / "new" / "b.wav", hertz=500)
    wait_until(lambda: titles(context) == {"a", "b"}, "the new file")
    (folder / "new").rename(folder / "old")
    (folder / "old" / "b.wav").rename(folder / "old" / "c.wav")
    wait_until(lambda: titles(context) == {"a", "c"}, "the new name")
    (folder / "a.wav").unlink()
    wait_until(lambda: titles(context) == {"c"}, "the end of a file")
    assert tasks(context).count("library.scan") == 1
    with context.database.read(SYSTEM) as session:
        # The moved file is the same track.
        assert len(session.scalars(select(Track.id)).all()) == 2


def test_a_name_that_is_no_text_is_taken_in_and_blinds_nobody(
    watched: Callable[[], None], context: Context, folder: Path
) -> None:
    watched()
    write_tone(Path(os.fsdecode(os.fsencode(folder) + b"/\xff.wav")), hertz=500)
    wait_until(lambda: "\ufffd" in titles(context), "the file of the odd name")
    write_tone(folder / "after.wav", hertz=600)
    wait_until(lambda: "after" in titles(context), "the file after it")
    assert len(titles(context)) == 3


def test_a_folder_that_comes_back_is_compared_as_a_whole(
    watched: Callable[[], None], context: Context, folder: Path
) -> None:
    watched()
    folder.rename(folder.parent / "aside")
    time.sleep(1.5)
    write_tone(folder.parent / "aside" / "b.wav", hertz=500)
    (folder.parent / "aside").rename(folder)
    wait_until(lambda: titles(context) == {"a", "b"}, "what came while it was away", 60)
    # So soon after a scan, no other one is made of it.
    assert tasks(context).count("library.scan") == 1


def test_a_folder_that_was_just_added_is_scanned_once(
    context: Context, owner: Actor, workspace: UUID, slot: Slot, folder: Path
) -> None:
    with context.database.write(owner) as session:
        service.add_root(session, context, owner, RootRequest(path=str(folder)), workspace)
    slot.work(["index"])
    # As it happens behind the walk and before the watch begins.
    write_tone(folder / "b.wav", hertz=500)
    watcher, stop = Watcher(context), threading.Event()
    watching = threading.Thread(target=watcher.run, args=(stop,))
    watching.start()
    try:
        wait_until(lambda: "library.refresh" in tasks(context), "the comparison")
    finally:
        stop.set()
        watching.join()
    slot.work(LANES)
    assert titles(context) == {"a", "b"}
    assert tasks(context).count("library.scan") == 1
    with context.database.read(SYSTEM) as session:
        assert session.scalars(select(Root.touched_at)).one() is not None


def test_a_folder_that_has_left_is_neither_scanned_nor_compared_by_itself(
    context: Context, owner: Actor, workspace: UUID, folder: Path
) -> None:
    with context.database.write(owner) as session:
        added = service.add_root(session, context, owner, RootRequest(path=str(folder), scan=False), workspace)
    with context.database.read(SYSTEM) as session:
        (root,) = watched_roots(session)
    with context.database.write(owner) as session:
        service.remove_root(session, owner, added.id)
    with context.database.write(SYSTEM) as session:
        assert scan_by_itself(session, root) is None
    assert tasks(context) == []


def test_our_own_files_are_no_news(context: Context) -> None:
    watcher = Watcher(context)
    data = os.fsencode(context.settings.data)
    for name in (b"/otolith.db-wal", b"/media/ab/x.flac", b"/run/watch.lock"):
        assert not watcher._matters(data + name)
    assert watcher._matters(data + b"/my music/x.flac")
    assert not watcher._matters(b"/music/notes.txt")
    assert watcher._matters(b"/music/x.lrc")
    assert watcher._matters(b"/music/cover.jpg")
    assert watcher._matters(b"/music/.nomedia")


def test_one_process_watches_for_a_data_folder(context: Context) -> None:
    stop = threading.Event()
    first = threading.Thread(target=watch_until, args=(context, stop))
    first.start()
    lock = context.settings.folder.run / "watch.lock"
    wait_until(lock.exists, "the first watcher")
    second = threading.Thread(target=watch_until, args=(context, stop))
    second.start()
    time.sleep(0.3)
    assert second.is_alive()
    stop.set()
    for thread in (first, second):
        thread.join(10)
        assert not thread.is_alive()


def test_watching_is_wanted_while_there_is_a_folder_to_watch(
    context: Context, workspace: UUID, owner: Actor, slot: Slot, folder: Path
) -> None:
    wanted = context.settings.folder.watch_wanted

    def go_round() -> None:
        with context.database.write(SYSTEM) as session:
            submit(session, ROUNDS, ROUNDS.payload())
        slot.work(LANES)

    go_round()
    assert not wanted.exists()
    with context.database.write(owner) as session:
        root = service.add_root(session, context, owner, RootRequest(path=str(folder), scan=False), workspace)
        assert not wanted.exists(), "not before the folder is stored"
    assert wanted.exists()
    wanted.unlink()
    go_round()
    assert wanted.exists(), "whatever happened to the data folder"
    with context.database.write(owner) as session:
        service.remove_root(session, owner, root.id)
    go_round()
    assert not wanted.exists()
