"""Search over HTTP: what is found, by whom, in which order, and how many statements it takes."""

from typing import Any

from tests.callers import Callers
from tests.library.search.conftest import ShelfOf, Song


def titles(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["title"] for item in answer.json()["items"]]


def find(callers: Callers, q: str = "", kind: str = "viewer", **more: Any) -> list[str]:
    return titles(callers[kind].get("/api/search", params={"q": q, **more}))


def test_words_are_found_wherever_they_stand(callers: Callers, shelf_of: ShelfOf) -> None:
    shelf_of(callers.home).add(
        Song("Starlight", "Muse", "Black Holes", genres=["Rock"], lyrics="far away this ship"),
        Song("Uprising", "Muse", "The Resistance"),
        Song("Who Are You", "The Who", "Who Are You"),
    )
    assert find(callers, "muse") == ["Starlight", "Uprising"]
    assert find(callers, "black muse") == ["Starlight"]
    assert find(callers, "rock") == ["Starlight"]
    assert find(callers, "ship") == ["Starlight"]
    assert find(callers, "The Who") == ["Who Are You"]
    assert find(callers, "upr") == ["Uprising"]
    assert find(callers, "uprsing") == ["Uprising"]
