"""The map as a page: what its script needs, and the table for those without one."""

import re

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.library.similar.models import Place
from tests.callers import Callers
from tests.web.conftest import Browser, Counting
from tests.web.recordings import add_song


def put(context: Context, callers: Callers, title: str, x: float, y: float) -> None:
    track = add_song(context, callers.home, title)
    with context.database.write(SYSTEM) as session:
        session.add(Place(track_id=track, workspace_id=callers.home, x=x, y=y))


def test_places_are_listed_from_left_to_right(browser: Browser, callers: Callers, context: Context) -> None:
    for title, x, y in (("East", 0.8, 0.0), ("West", -0.6, 0.5), ("Middle", 0.0, -1.0)):
        put(context, callers, title, x, y)
    page = browser("viewer").get("/library/map").text
    assert 'data-map="/api/map"' in page
    assert "3 recordings; what sounds alike lies together." in page
    rows = re.findall(r'<a href="/tracks/[^"]+">(\w+)</a>', page)
    assert rows == ["West", "Middle", "East"]
    assert "20% · 75%" in page
    assert 'action="/library/map"' not in page
    assert "East" not in browser("stranger").get("/library/map").text


def test_only_editors_have_it_drawn(browser: Browser) -> None:
    assert browser("editor").post("/library/map").headers["location"].startswith("/activity")
    assert browser("viewer").post("/library/map").status_code == 403


def test_more_places_cost_no_more_statements(
    browser: Browser, callers: Callers, context: Context, counting: Counting
) -> None:
    client = browser("viewer")
    put(context, callers, "One", 0.1, 0.1)
    client.get("/library/map")
    with counting() as few:
        client.get("/library/map")
    for number in range(6):
        put(context, callers, f"No. {number}", number / 10, 0.0)
    client.get("/library/map")
    with counting() as many:
        client.get("/library/map")
    assert len(many) == len(few)
