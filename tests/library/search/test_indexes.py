"""The indexes of a process: many threads at once, many workspaces, and little patience."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from otolith.core.actor import Actor
from otolith.core.context import Context
from otolith.library.search import indexes, service
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
