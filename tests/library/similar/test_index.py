"""The index of a process: shared by threads, bounded, and never in the way of those who can be answered without it."""

import threading
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.library.catalogue.versions import version_of
from otolith.library.similar import index, queries
from otolith.library.similar.index import IndexLoading, SoundIndex
from tests.callers import add_workspace
from tests.library.similar.sounds import Made, add, change


def titles_of(context: Context, kept: SoundIndex, *workspaces: UUID) -> int:
    """How many tracks the index shows."""
    with context.database.read(SYSTEM) as session:
        versions = {one: version_of(session, one) for one in workspaces}
        return sum(map(len, kept.shelves(session, versions)))


def test_who_asks_while_another_reads_is_answered_with_what_was_known(
    context: Context, workspace: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "_FIRST_WAIT", 0.05)
    monkeypatch.setattr(index, "_NEXT_WAIT", 0.05)
    add(context, workspace, Made("first", [1]))
    kept = SoundIndex()
    inside, go_on = threading.Event(), threading.Event()
    soundings = queries.soundings

    def slowly(session: Session, workspace_id: UUID, after: int, chunk: int) -> object:
        inside.set()
        assert go_on.wait(30)
        return soundings(session, workspace_id, after, chunk)

    def meanwhile(answer: int | None) -> None:
        monkeypatch.setattr(queries, "soundings", slowly)
        reader = threading.Thread(target=titles_of, args=(context, kept, workspace))
        reader.start()
        assert inside.wait(30)
        try:
            if answer is None:
                with pytest.raises(IndexLoading):
                    titles_of(context, kept, workspace)
            else:
                assert titles_of(context, kept, workspace) == answer
        finally:
            go_on.set()
            reader.join()
            inside.clear()
            go_on.clear()
            monkeypatch.setattr(queries, "soundings", soundings)

    meanwhile(None)
    assert titles_of(context, kept, workspace) == 1
    add(context, workspace, Made("second", [1]))
    meanwhile(1)
    assert titles_of(context, kept, workspace) == 2


def test_an_older_view_does_not_take_back_what_a_newer_one_read(context: Context, workspace: UUID) -> None:
    (first,) = add(context, workspace, Made("first", [1]))
    kept = SoundIndex()
    with context.database.read(SYSTEM) as session:
        old = version_of(session, workspace)
    change(context, workspace, first)
    add(context, workspace, Made("second", [1]))
    assert titles_of(context, kept, workspace) == 2
    with context.database.read(SYSTEM) as session:
        assert sum(map(len, kept.shelves(session, {workspace: old}))) == 2


def test_the_workspaces_asked_for_longest_ago_are_let_go(
    context: Context, workspace: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = add_workspace(context, "Other")
    add(context, workspace, Made("one", [1]), Made("two", [1]))
    add(context, other, Made("three", [1]), Made("four", [1]))
    monkeypatch.setattr(index, "LARGEST", 3)
    kept = SoundIndex()
    assert titles_of(context, kept, workspace) == 2
    assert titles_of(context, kept, other) == 2
    assert set(kept._kept) == {other}
    assert titles_of(context, kept, workspace, other) == 4


def test_many_threads_see_the_same(context: Context, workspace: UUID) -> None:
    add(context, workspace, *(Made(f"{n}", [1, n]) for n in range(40)))
    kept = SoundIndex()
    seen: list[int] = []
    threads = [threading.Thread(target=lambda: seen.append(titles_of(context, kept, workspace))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [40] * 6
