"""What was heard: the list."""

import pytest

from otolith.core.context import Context
from otolith.web.home import PER_PAGE
from tests.callers import Callers
from tests.web.conftest import Browser, Counting
from tests.web.recordings import add_recording


def test_a_new_house_is_silent(browser: Browser) -> None:
    page = browser("owner").get("/")
    assert page.status_code == 200
    assert "Silence, so far" in page.text
    assert "Nothing yet." in page.text


def test_a_recording_is_listed_with_what_was_found(browser: Browser, callers: Callers, context: Context) -> None:
    track = add_recording(context, callers.home, "Tidal <Room>", artist="Mara & Ilves")
    page = browser("viewer").get("/").text
    assert f'href="/tracks/{track}"' in page
    assert "Tidal &lt;Room&gt;" in page
    assert "Mara &amp; Ilves" in page
    for shown in ("120 ", "C♯ minor", "−14.2 ", "0:12", "1 recording"):
        assert shown in page
    assert '<svg class="wave" viewBox="0 0 64 100"' in page


def test_french_readers_get_french_figures(browser: Browser, callers: Callers, context: Context) -> None:
    add_recording(context, callers.home, "Valse")
    page = browser("viewer").get("/", headers={"Accept-Language": "fr"}).text
    for shown in ("do♯ mineur", "−14,2 ", "1 enregistrement", "Sonie"):
        assert shown in page


@pytest.mark.parametrize(("state", "said"), [("waiting", "Not heard yet"), ("failed", "Could not be heard")])
def test_the_state_is_told(browser: Browser, callers: Callers, context: Context, state: str, said: str) -> None:
    add_recording(context, callers.home, "Salt", state=state)
    assert said in browser("viewer").get("/").text


def test_nobody_sees_the_recordings_of_others(browser: Browser, callers: Callers, context: Context) -> None:
    track = add_recording(context, callers.home, "Ours alone")
    page = browser("stranger").get("/").text
    assert "Ours alone" not in page
    assert browser("stranger").get(f"/tracks/{track}").status_code == 404


def test_only_those_who_may_add_are_offered_to(browser: Browser) -> None:
    assert 'id="drop"' in browser("editor").get("/").text
    assert 'id="drop"' not in browser("viewer").get("/").text
    assert 'id="drop"' not in browser("readonly").get("/").text


def test_long_lists_come_in_pages(browser: Browser, callers: Callers, context: Context) -> None:
    for number in range(PER_PAGE + 3):
        add_recording(context, callers.home, f"No. {number:03}", state="waiting")
    client = browser("viewer")
    first = client.get("/").text
    assert first.count("data-track=") == PER_PAGE
    assert f"{PER_PAGE + 3} recordings" in first
    older = first.split('rel="next"')[0].rpartition('href="')[2].split('"')[0]
    second = client.get(older).text
    assert second.count("data-track=") == 3
    assert "No. 000" in second
    assert 'rel="next"' not in second
    assert 'rel="prev"' in second


def test_a_made_up_cursor_is_refused_with_a_page(browser: Browser) -> None:
    answer = browser("viewer").get("/?cursor=nonsense")
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/html")


def test_a_longer_list_costs_no_more_statements(
    browser: Browser, callers: Callers, context: Context, counting: Counting
) -> None:
    client = browser("viewer")
    add_recording(context, callers.home, "One")
    client.get("/")
    with counting() as few:
        client.get("/")
    for number in range(20):
        add_recording(context, callers.home, f"No. {number}")
    with counting() as many:
        client.get("/")
    assert len(many) == len(few)
    assert len([statement for statement in many if statement.lstrip().upper().startswith("SELECT")]) <= 7, many
