"""The path between two recordings: both chosen by search, each step with its reason."""

import re
from uuid import UUID

import numpy as np
import pytest

from otolith.core.context import Context
from tests.callers import Callers
from tests.library.similar.sounds import Made, add
from tests.web.conftest import Browser
from tests.web.test_library import titles


@pytest.fixture
def line(callers: Callers, context: Context) -> list[UUID]:
    """Recordings that lie on an arc from one sound to another, in the same key and tempo."""
    angles = np.linspace(0, np.pi / 2, 9)
    heard = {"tempo": 120.0, "camelot": "8A", "key": "A", "mode": "minor"}
    made = [
        Made(f"Stop {n}", [float(np.cos(a)), float(np.sin(a))], f"Artist {n}", heard=heard)
        for n, a in enumerate(angles)
    ]
    return add(context, callers.home, *made)


def choices(page: str) -> list[tuple[str, str]]:
    """What is offered for an end, each with the address that chooses it."""
    offered = page.split('class="choices"')[1].split("</ul>", maxsplit=1)[0] if 'class="choices"' in page else ""
    return [(title, href.replace("&amp;", "&")) for href, title in re.findall(r'<a href="([^"]+)">([^<]+)<', offered)]


def test_both_ends_are_chosen_by_search(browser: Browser, line: list[UUID]) -> None:
    client = browser("viewer")
    page = client.get("/path?from_q=stop+0").text
    assert ("Stop 0", f"/path?from={line[0]}") in choices(page)
    page = client.get(f"/path?from={line[0]}&to_q=stop+8").text
    chosen = dict(choices(page))["Stop 8"]
    assert chosen == f"/path?from={line[0]}&to={line[8]}"
    way = client.get(chosen).text
    assert (titles(way)[0], titles(way)[-1]) == ("Stop 0", "Stop 8")
    assert f'href="/path?from={line[8]}&amp;to={line[0]}"' in way


def test_each_step_says_what_it_has_in_common_with_the_last(browser: Browser, line: list[UUID]) -> None:
    page = browser("viewer").get(f"/path?from={line[0]}&to={line[8]}&steps=3").text
    assert len(titles(page)) == 4
    reasons = re.findall(r'<td role="cell" class="facts">([^<]+)<', page)
    assert reasons[0] == "Here it begins"
    assert all("same tempo" in reason and "same key" in reason for reason in reasons[1:])
    assert 'data-play-all="#way"' in page
    assert "<option selected>3</option>" in page


def test_what_leads_nowhere_says_why(browser: Browser, callers: Callers, context: Context, line: list[UUID]) -> None:
    client = browser("viewer")
    same = client.get(f"/path?from={line[0]}&to={line[0]}")
    assert same.status_code == 400
    assert "begins and ends with the same track" in same.text
    (waiting,) = add(context, callers.home, Made("Waiting", None))
    unheard = client.get(f"/path?from={line[0]}&to={waiting}")
    assert unheard.status_code == 409
    assert "not analysed yet" in unheard.text
    odd = client.get("/path?from_q=colour:red")
    assert odd.status_code == 400
    assert "There is no filter" in odd.text
    assert "Nothing found" in client.get("/path?to_q=zzzzzz").text
    assert client.get(f"/path?from={callers.home}").status_code == 404


def test_nobody_finds_a_way_through_the_library_of_others(browser: Browser, line: list[UUID]) -> None:
    client = browser("stranger")
    assert choices(client.get("/path?from_q=stop").text) == []
    assert client.get(f"/path?from={line[0]}&to={line[8]}").status_code == 404
