"""Reading many tracks by their ids at once."""

from typing import Any

from otolith.core.context import Context
from otolith.core.ids import new_id
from tests.callers import Callers
from tests.library.test_tracks import add_tracks, statements


def test_tracks_come_in_the_order_asked_for_and_what_one_may_not_see_is_named(
    callers: Callers, context: Context
) -> None:
    one, two, three = add_tracks(context, callers.home, [("Ann", "1"), ("Bob", "2"), ("Cy", "3")])
    (hidden,) = add_tracks(context, callers.elsewhere, [("Dee", "4")])
    unknown = new_id()
    wanted = [three, hidden, one, unknown, two, one, hidden]
    answer = callers["viewer"].post("/api/tracks/batch", json={"ids": [str(one) for one in wanted]}).json()
    assert [item["id"] for item in answer["items"]] == [str(three), str(one), str(two), str(one)]
    assert answer["missing"] == [str(hidden), str(unknown)]
    known = callers["viewer"].get("/api/tracks").json()["items"]
    assert {item["id"]: item for item in answer["items"]} == {item["id"]: item for item in known}
    assert callers["stranger"].post("/api/tracks/batch", json={"ids": [str(hidden)]}).json()["missing"] == []


def test_what_is_no_list_of_ids_is_refused(callers: Callers) -> None:
    viewer = callers["viewer"]
    assert viewer.post("/api/tracks/batch", json={"ids": []}).json() == {"items": [], "missing": []}
    refused: tuple[Any, ...] = ({"ids": [str(new_id())] * 501}, {"ids": ["x"]}, {"ids": None}, {}, [])
    for wrong in refused:
        assert viewer.post("/api/tracks/batch", json=wrong).status_code == 422


def test_many_tracks_cost_as_many_statements_as_one(callers: Callers, context: Context) -> None:
    ids = add_tracks(context, callers.home, [("Ann", str(number)) for number in range(500)])
    browser = callers.browsers["viewer"]
    server: Context = browser.app.state.context  # type: ignore[attr-defined]
    counts = []
    for wanted in (ids[:1], ids):
        with statements(server) as sent:
            found = browser.post("/api/tracks/batch", json={"ids": [str(one) for one in wanted]}).json()
        assert len(found["items"]) == len(wanted)
        counts.append(len(sent))
    assert counts[0] == counts[1]
