"""The indexes of a process: many threads at once, many workspaces, and little patience."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from otolith.accounts.models import Workspace
from otolith.core.actor import SYSTEM, Actor
from otolith.core.context import Context
from otolith.jobs.models import Job
from otolith.jobs.service import submit
from otolith.jobs.slot import Slot
from otolith.library.search import indexes, queries, service
from otolith.library.search.events import SNAPSHOT, SnapshotPayload
from otolith.library.search.indexes import Indexes
from otolith.library.search.schemas import SearchAsked
from tests.callers import Callers, add_workspace
from tests.library.search.conftest import Shelf, ShelfOf, Song


def total(context: Context, actor: Actor, q: str = "") -> int:
    with context.database.read(actor) as session:
        return service.search(session, context, actor, SearchAsked(q=q)).total or 0


def test_threads_that_search_while_a_library_grows_see_all_that_was_committed(
    context: Context, workspace: UUID, owner: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexes, "SNAPSHOT_FROM", 7)
    shelf = Shelf(context, workspace)
    shelf.add(*(f"song {number}" for number in range(3)))
    with ThreadPoolExecutor(4) as pool:
        for number in range(3, 23):
            searches = [pool.submit(total, context, owner, "song") for _ in range(4)]
            shelf.add(f"song {number}")
            assert all(number <= search.result() <= number + 1 for search in searches)
            assert total(context, owner, "song") == number + 1
    context.resource(Indexes).finish()
    assert total(context, owner, "song") == 23


def test_segments_stay_few_however_often_something_is_added(context: Context, workspace: UUID, owner: Actor) -> None:
    shelf = Shelf(context, workspace)
    for number in range(40):
        shelf.add(f"song {number}")
        total(context, owner)
    with context.database.read(owner) as session:
        scopes = context.resource(Indexes).scopes(session, context.settings.folder.search, [workspace])
    assert len(scopes) <= 7
    assert sum(len(scope.segment) for scope in scopes) >= 40


def test_workspaces_asked_for_longest_ago_are_let_go_and_read_again(
    context: Context, workspace: UUID, owner: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = add_workspace(context, "Other")
    Shelf(context, workspace).add("One")
    Shelf(context, other).add("Two", "Three")
    here = Actor(kind="user", user_id=owner.user_id, memberships={workspace: "owner"})
    there = Actor(kind="user", user_id=owner.user_id, memberships={other: "owner"})
    monkeypatch.setattr(indexes, "LARGEST", 0)
    kept = context.resource(Indexes)._kept
    for _ in range(2):
        assert total(context, here) == 1
        assert list(kept) == [workspace]
        assert total(context, there) == 2
        assert list(kept) == [other]


def test_whoever_waits_for_a_large_library_is_told_to_come_again(
    callers: Callers, shelf_of: ShelfOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf_of(callers.home).add(Song("One"))
    app_context: Context = callers["viewer"].app.state.context  # type: ignore[attr-defined]
    monkeypatch.setattr(indexes, "_PATIENCE", 0.01)
    kept = app_context.resource(Indexes)._kept.setdefault(callers.home, indexes._Kept())
    with kept.reading:
        answer = callers["viewer"].get("/api/search")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert callers["viewer"].get("/api/search").json()["total"] == 1


def by_the_clock(context: Context, slot: Slot) -> object:
    """What the job that keeps the snapshots did."""
    with context.database.write(SYSTEM) as session:
        job = submit(session, SNAPSHOT, SnapshotPayload())
    slot.work(["maintenance"])
    with context.database.read(SYSTEM) as session:
        return session.get_one(Job, job).result


def test_a_snapshot_goes_with_its_workspace(
    context: Context, workspace: UUID, slot: Slot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexes, "SNAPSHOT_FROM", 1)
    other = add_workspace(context, "Other")
    for one in (workspace, other):
        Shelf(context, one).add("Secret")
    assert by_the_clock(context, slot) == {"snapshots": 2}
    with context.database.write(SYSTEM) as session:
        session.delete(session.get_one(Workspace, other))
    by_the_clock(context, slot)
    left = {file.stem for file in context.settings.folder.search.iterdir()}
    assert left == {str(workspace)}


def test_a_snapshot_is_written_ahead_of_the_searches_and_only_when_it_is_worth_it(
    context: Context, workspace: UUID, owner: Actor, slot: Slot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexes, "SNAPSHOT_FROM", 3)

    shelf = Shelf(context, workspace)
    shelf.add("One", "Two")
    assert by_the_clock(context, slot) == {"snapshots": 0}
    shelf.add("Three")
    assert by_the_clock(context, slot) == {"snapshots": 1}
    assert by_the_clock(context, slot) == {"snapshots": 0}
    shelf.add("Four")
    taken: list[int] = []
    read = queries.changed

    def noting(session: Session, workspace_id: UUID, since: int) -> Iterator[queries.Chunk]:
        for chunk in read(session, workspace_id, since):
            taken.append(len(chunk.tracks))
            yield chunk

    monkeypatch.setattr(queries, "changed", noting)
    assert total(context, owner) == 4
    assert taken == [1], "what the snapshot lacks, and no more"
    shelf.add("Five", "Six")
    assert by_the_clock(context, slot) == {"snapshots": 1}
