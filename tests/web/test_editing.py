"""Changing tags in the page: the form, the preview, keeping, undoing."""

import re
from html import unescape
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from otolith.core.context import Context
from tests.callers import Callers
from tests.web.conftest import Browser
from tests.web.recordings import add_song


def form_of(page: str) -> dict[str, str | list[str]]:
    """What a browser would send of the form as it stands."""
    main = page.split('class="sheet-form"')[1].split("</form>", maxsplit=1)[0]
    found: dict[str, str | list[str]] = {"track": []}
    for tag in re.findall(r"<input[^>]*>", main):
        name = re.search(r'name="([^"]+)"', tag)
        value = re.search(r'value="([^"]*)"', tag)
        if name is None or ('type="checkbox"' in tag and "checked" not in tag):
            continue
        text = unescape(value[1]) if value else ""
        if name[1] == "track":
            found["track"] = [*found["track"], text]
        else:
            found[name[1]] = text
    for name_, text in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>([^<]*)</textarea>', main):
        found[name_] = unescape(text)
    return found


def change(client: TestClient, path: str, **changes: str) -> str:
    """The preview of a form in which somebody changed something."""
    answer = client.post("/edit", data=form_of(client.get(path).text) | changes)
    assert answer.status_code == 200, answer.text
    return answer.text


def keep(client: TestClient, preview: str) -> str:
    wish = re.search(r'name="wish" value="([^"]+)"', preview)
    assert wish is not None
    answer = client.post("/edit/keep", data={"wish": unescape(wish[1])})
    assert answer.status_code == 303
    return str(answer.headers["location"])


@pytest.fixture
def song(callers: Callers, context: Context) -> UUID:
    return add_song(context, callers.home, "Tidal Room")


def test_only_what_was_changed_is_previewed_kept_and_undone(browser: Browser, song: UUID) -> None:
    client = browser("editor")
    preview = change(client, f"/tracks/{song}/edit", title="Tidal Rooms", genres="Folk; Drone")
    assert "<del>Tidal Room</del>" in preview
    assert "<ins>Tidal Rooms</ins>" in preview
    assert "<ins>Folk; Drone</ins>" in preview
    assert preview.count("<ins>") == 2
    assert "Tidal Rooms" not in client.get(f"/tracks/{song}").text
    batch = keep(client, preview)
    assert "Tidal Rooms" in client.get(f"/tracks/{song}").text
    shown = client.get(batch).text
    assert "In the library" in shown
    assert "1 track changed" in shown
    assert batch in client.get("/edits").text
    assert client.post(f"{batch}/undo").headers["location"] == batch
    assert "Undone" in client.get(batch).text
    assert "Tidal Rooms" not in client.get(f"/tracks/{song}").text
    again = client.post(f"{batch}/undo")
    assert again.status_code == 409
    assert "These changes are undone already." in again.text


def test_several_tracks_change_at_once_and_keep_what_differs(
    browser: Browser, callers: Callers, context: Context, song: UUID
) -> None:
    other = add_song(context, callers.home, "Low Water", genre="Drone", number=2)
    client = browser("editor")
    path = f"/edit?track={song}&track={other}"
    page = client.get(path).text
    assert "2 tracks" in page
    assert 'placeholder="different ones, kept"' in page
    assert 'name="title"' not in page
    preview = change(client, path, album="Harbour Songs")
    assert preview.count("<ins>Harbour Songs</ins>") == 2
    assert preview.count("<ins>") == 2
    keep(client, preview)
    assert "Drone" in client.get(f"/tracks/{other}").text


def test_nothing_changed_is_told_and_changes_nothing(browser: Browser, song: UUID) -> None:
    client = browser("editor")
    answer = client.post("/edit", data=form_of(client.get(f"/tracks/{song}/edit").text))
    assert answer.status_code == 400
    assert "Nothing is to be changed" in answer.text


def test_what_tags_cannot_hold_is_told_with_what_was_typed(browser: Browser, song: UUID) -> None:
    client = browser("editor")
    filled = form_of(client.get(f"/tracks/{song}/edit").text) | {"date": "last summer", "title": "New <b>"}
    answer = client.post("/edit", data=filled)
    assert answer.status_code == 400
    assert "“Date” cannot hold what you typed" in answer.text
    assert 'value="last summer"' in answer.text
    assert "is no date" in client.post("/edit", data=filled | {"date": "summer"}).text
    assert 'value="New &lt;b&gt;"' in answer.text


def test_only_editors_may(browser: Browser, song: UUID) -> None:
    assert f"/tracks/{song}/edit" in browser("editor").get(f"/tracks/{song}").text
    assert f"/tracks/{song}/edit" not in browser("viewer").get(f"/tracks/{song}").text
    filled = form_of(browser("editor").get(f"/tracks/{song}/edit").text) | {"title": "Mine"}
    for kind, status in (("viewer", 403), ("readonly", 403), ("stranger", 404)):
        assert browser(kind).post("/edit", data=filled).status_code == status, kind
    assert browser("stranger").get(f"/tracks/{song}/edit").status_code == 404


def test_the_parts_of_a_broken_form_are_refused(browser: Browser, song: UUID) -> None:
    client = browser("editor")
    assert client.post("/edit/keep", data={"wish": "no json"}).status_code == 400
    for was in ("{", "[]", "1", "[" * 100_000):
        assert client.post("/edit", data={"track": str(song), "was": was}).status_code == 400
    assert client.get("/edit").status_code == 404
    assert client.get("/edits/01a1f92b-8f2c-7286-b428-d89a61c85b5a").status_code == 404


def test_a_rating_is_given_and_taken_back(browser: Browser, song: UUID) -> None:
    client = browser("viewer")
    assert client.post(f"/tracks/{song}/rating", data={"rating": 4}).headers["location"] == f"/tracks/{song}"
    assert client.get(f"/tracks/{song}").text.count('class="given"') == 4
    client.post(f"/tracks/{song}/rating", data={"rating": 0})
    assert 'class="given"' not in client.get(f"/tracks/{song}").text
    assert client.post(f"/tracks/{song}/rating", data={"rating": 9}).status_code == 422
