"""Search finds what a plain scan over the songs finds, whatever came, changed and went, on both databases."""

import mmap
import threading
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from otolith.accounts.models import Workspace
from otolith.core.actor import SYSTEM, Actor
from otolith.core.context import Context
from otolith.core.ids import new_id
from otolith.library.catalogue.models import Departure
from otolith.library.catalogue.versions import next_version
from otolith.library.models import Track
from otolith.library.search import indexes, service
from otolith.library.search.engine.segment import Segment
from otolith.library.search.schemas import SORTS, FacetsAsked, SearchAsked
from tests.library.search.conftest import Shelf, Song
from tests.library.search.naive import found

WORDS = ["the", "who", "Muse", "Beyoncé", "AC/DC", "love", "lover", "Don't", "stop", "stopping", "!!!", "Ørsted", "&"]
WORDS += ["Bohemian", "Rhapsody", "Metallica", "Metalica", "R.E.M.", "2Pac", "99", "a", "I", "straße", "東京"]
names = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join)
songs = st.builds(
    Song,
    title=names,
    artist=names | st.just(""),
    album=names | st.just(""),
    genres=st.lists(st.sampled_from(["Rock", "Hip Hop", "Pop"]), max_size=2, unique=True),
    lyrics=st.just("") | names,
    columns=st.fixed_dictionaries({"year": st.none() | st.integers(1990, 1993)}),
    analysis=st.just({}) | st.fixed_dictionaries({"tempo": st.sampled_from([99.4, 120.0, 128.6])}),
)


def typed(text: str) -> st.SearchStrategy[str]:
    """A text as somebody may type it: as it is, not to its end, or with two letters swapped."""
    return st.integers(1, len(text)).map(lambda end: text[:end]) | st.integers(0, max(0, len(text) - 2)).map(
        lambda at: text[:at] + text[at + 1 : at + 2] + text[at : at + 1] + text[at + 2 :]
    )


queries = names.flatmap(typed).map(lambda text: text.replace(":", " ").replace('"', " ").lstrip("-"))
some = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def shelf(context: Context, workspace: UUID) -> Shelf:
    return Shelf(context, workspace)


def ask(context: Context, actor: Actor, **asked: object) -> list[str]:
    """All that is found, through pages of three."""
    ids, cursor = [], None
    with context.database.read(actor) as session:
        while True:
            page = service.search(session, context, actor, SearchAsked(limit=3, cursor=cursor, **asked))
            ids += [str(item.id) for item in page.items]
            cursor = page.next
            if cursor is None:
                assert page.total == len(ids) == len(set(ids))
                return ids


def fresh(context: Context) -> Context:
    """The same as another process would have it: nothing of an index in memory."""
    return Context(context.settings, context.database, context.storage, context.hooks)


@some
@given(library=st.lists(songs, min_size=1, max_size=12), texts=st.lists(queries, min_size=1, max_size=6))
def test_what_is_found_is_what_a_plain_scan_finds(shelf: Shelf, library: list[Song], texts: list[str]) -> None:
    here, actor = emptied(shelf)
    ids = [str(track) for track in here.add(*library)]
    for text in texts:
        assert set(ask(here.context, actor, q=text)) == {ids[place] for place in found(library, text)}, text


@some
@given(data=st.data())
def test_whatever_comes_changes_and_goes_is_found_as_it_is(shelf: Shelf, data: st.DataObject) -> None:
    here, actor = emptied(shelf)
    library: dict[str, Song] = {}
    for _ in range(data.draw(st.integers(2, 6))):
        step = data.draw(st.sampled_from(["add", "retitle", "remove", "restart"]))
        if step == "add" or not library:
            added = data.draw(st.lists(songs, min_size=1, max_size=4))
            library |= dict(zip(map(str, here.add(*added)), added, strict=True))
        elif step == "restart":
            here.context = fresh(here.context)
        else:
            track = data.draw(st.sampled_from(sorted(library)))
            if step == "remove":
                remove(here, UUID(track))
                del library[track]
            else:
                title = data.draw(names)
                here.change(UUID(track), title=title)
                library[track] = Song(**{**vars(library[track]), "title": title})
        text = data.draw(queries)
        ids = list(library)
        expected = {ids[place] for place in found(list(library.values()), text)}
        assert set(ask(here.context, actor, q=text)) == expected, text


@some
@given(library=st.lists(songs, min_size=1, max_size=12), text=queries)
def test_a_facet_counts_what_its_filter_finds(shelf: Shelf, library: list[Song], text: str) -> None:
    here, actor = emptied(shelf)
    here.add(*library)
    with here.context.database.read(actor) as session:
        counted = service.facets(session, here.context, actor, FacetsAsked(q=text, prefix="none"))
        for facet in counted.facets:
            for value in facet.values:
                asked = FacetsAsked(q=f"{text} {value.filter}", prefix="none", facets="key")
                assert service.facets(session, here.context, actor, asked).total == value.count, (text, value)


@some
@given(library=st.lists(songs, min_size=2, max_size=12), sort=st.sampled_from(SORTS), down=st.booleans())
def test_pages_reach_every_track_once_in_every_order(
    shelf: Shelf, library: list[Song], sort: str, *, down: bool
) -> None:
    here, actor = emptied(shelf)
    half = len(library) // 2
    here.add(*library[:half])
    ask(here.context, actor)
    # Two segments, between which the pages go back and forth.
    here.add(*library[half:])
    sort = f"-{sort}" if down else sort
    ids = ask(here.context, actor, sort=sort)
    assert len(ids) == len(library)
    here.context = fresh(here.context)
    assert ask(here.context, actor, sort=sort) == ids


def emptied(shelf: Shelf) -> tuple[Shelf, Actor]:
    """A workspace that no example before has used."""
    workspace = Workspace(id=new_id(), name="Example")
    with shelf.context.database.write(SYSTEM) as session:
        session.add(workspace)
    actor = Actor(kind="user", user_id=new_id(), user_name="ada", memberships={workspace.id: "owner"})
    return Shelf(shelf.context, workspace.id), actor


def remove(shelf: Shelf, track: UUID) -> None:
    with shelf.context.database.write(SYSTEM) as session:
        version = next_version(session, shelf.workspace)
        session.execute(delete(Track).where(Track.id == track))
        session.add(Departure(track_id=track, workspace_id=shelf.workspace, version=version))


def test_a_snapshot_is_taken_up_and_followed(shelf: Shelf, owner: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexes, "SNAPSHOT_FROM", 3)
    first, *_ = shelf.add("One", "Two", "Three", "Four")
    assert len(ask(shelf.context, owner)) == 4
    files = list(snapshots(shelf))
    assert [file.suffix for file in files] == [".index"]
    shelf.change(first, title="Uno")
    again = fresh(shelf.context)
    assert ask(again, owner, q="uno") == [str(first)]
    assert ask(again, owner, q="one", prefix="none") == []


def test_what_changes_while_a_snapshot_is_written_is_not_lost(
    shelf: Shelf, owner: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexes, "SNAPSHOT_FROM", 3)
    is_written, may_go_on = threading.Event(), threading.Event()
    save = indexes._saved

    def slow(path: Path, workspace: UUID, view: indexes.View) -> Segment:
        segment = save(path, workspace, view)
        is_written.set()
        assert may_go_on.wait(30)
        return segment

    monkeypatch.setattr(indexes, "_saved", slow)
    first, second, *_ = shelf.add("One", "Two", "Three", "Four")
    assert len(ask(shelf.context, owner)) == 4
    assert is_written.wait(30)
    shelf.change(first, title="Uno")
    remove(shelf, second)
    (last,) = shelf.add("Five")
    assert len(ask(shelf.context, owner)) == 4
    may_go_on.set()
    shelf.context.resource(indexes.Indexes).finish()
    assert ask(shelf.context, owner, q="uno") == [str(first)]
    assert ask(shelf.context, owner, q="five") == [str(last)]
    assert len(ask(shelf.context, owner)) == 4
    assert ask(shelf.context, owner, q="one", prefix="none") == []


@pytest.mark.parametrize("kind", ["ext4", "nfs4"])
def test_a_snapshot_on_a_network_file_system_is_read_and_not_mapped(
    shelf: Shelf, owner: Actor, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexes, "SNAPSHOT_FROM", 3)
    mount = SimpleNamespace(mountpoint="/", fstype=kind)
    monkeypatch.setattr(psutil, "disk_partitions", lambda **_: [mount])
    shelf.add("One", "Two", "Three", "Four")
    ask(shelf.context, owner)
    snapshots(shelf)
    again = fresh(shelf.context)
    assert len(ask(again, owner)) == 4
    view = again.resource(indexes.Indexes)._kept[shelf.workspace].view
    assert view is not None
    (segment, _) = view.parts[0]
    assert isinstance(getattr(segment.versions.base, "obj", None), mmap.mmap) is (kind == "ext4")


@pytest.mark.parametrize("damage", ["cut", "changed", "empty", "foreign"])
def test_a_damaged_snapshot_is_ignored(
    shelf: Shelf, owner: Actor, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexes, "SNAPSHOT_FROM", 3)
    shelf.add("One", "Two", "Three", "Four")
    ask(shelf.context, owner)
    (file,) = snapshots(shelf)
    whole = file.read_bytes()
    middle = len(whole) // 2
    wrong = {"cut": whole[:-1], "empty": b"", "foreign": b"SQLite format 3\0" * 99}
    wrong["changed"] = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    file.write_bytes(wrong[damage])
    again = fresh(shelf.context)
    assert len(ask(again, owner)) == 4
    again.resource(indexes.Indexes).finish()
    assert file.read_bytes() == whole, "written anew"


def test_a_snapshot_of_a_database_that_went_back_in_time_is_not_believed(
    shelf: Shelf, owner: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexes, "SNAPSHOT_FROM", 3)
    lost, *kept = shelf.add("Lost", "Two", "Three", "Four")
    ask(shelf.context, owner)
    # As after a restored backup: the track was never there, and nothing tells of its departure.
    with shelf.context.database.write(SYSTEM) as session:
        session.execute(delete(Track).where(Track.id == lost))
    assert set(ask(fresh(shelf.context), owner)) == set(map(str, kept))


def snapshots(shelf: Shelf) -> list[Path]:
    shelf.context.resource(indexes.Indexes).finish()
    return sorted(shelf.context.settings.folder.search.glob("*.index"))
