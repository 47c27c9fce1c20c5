"""The page of a radio: a list that plays without a script, and tells the player where to go on."""

import re
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import select

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.library.engine.embedding import DIMENSIONS
from otolith.library.models import Track
from tests.callers import Callers
from tests.library.similar.sounds import Made, add
from tests.web.conftest import Browser, Counting
from tests.web.test_library import titles


@pytest.fixture
def heard(callers: Callers, context: Context) -> list[UUID]:
    """Thirty recordings of five artists on one album, each with a sound of its own."""
    sounds = np.random.default_rng(3).standard_normal((30, DIMENSIONS)).astype(np.float32)
    made = (Made(f"Song {n:02}", sounds[n], f"Artist {n % 5}", album="Record") for n in range(30))
    return add(context, callers.home, *made)


def address(page: str, rel: str) -> str:
    found = re.search(rf'href="([^"]+)" rel="{rel}"', page)
    assert found is not None
    return found[1].replace("&amp;", "&")


def test_it_goes_on_until_everything_was_played_once(browser: Browser, heard: list[UUID]) -> None:
    client = browser("viewer")
    first = client.get(f"/radio?track={heard[0]}").text
    second = client.get(address(first, "next")).text
    assert (len(titles(first)), len(titles(second))) == (20, 9)
    assert sorted(titles(first) + titles(second)) == [f"Song {n:02}" for n in range(1, 30)]
    assert "That was everything" in second
    assert 'data-radio=""' in second


def test_each_plays_by_itself_without_a_script(browser: Browser, heard: list[UUID]) -> None:
    page = browser("viewer").get(f"/radio?track={heard[0]}").text
    assert (
        len(re.findall(r'<audio class="without-js" controls preload="none" src="/api/media/[^"]+/stream">', page)) == 20
    )


def test_the_player_is_told_to_go_on_with_what_the_page_would_show(browser: Browser, heard: list[UUID]) -> None:
    client = browser("viewer")
    page = client.get(f"/radio?track={heard[0]}").text
    onward = re.search(r'data-radio="([^"]+)"', page)
    assert onward is not None
    items: list[dict[str, Any]] = client.get(onward[1].replace("&amp;", "&")).json()["items"]
    assert [one["track"]["title"] for one in items] == titles(client.get(address(page, "next")).text)


def test_it_starts_from_a_recording_an_album_or_several(
    browser: Browser, callers: Callers, context: Context, heard: list[UUID]
) -> None:
    client = browser("viewer")
    with context.database.read(SYSTEM) as session:
        album = session.scalars(select(Track.album_id).where(Track.id == heard[0])).one()
    others = add(context, callers.home, *(Made(f"Other {n}", [n + 1.0, 1.0], "Someone") for n in range(3)))
    of_album = client.get(f"/radio?album={album}").text
    assert f'From <a href="/albums/{album}">Record</a>' in of_album
    assert sorted(titles(of_album)) == ["Other 0", "Other 1", "Other 2"]
    of_two = client.get(f"/radio?track={heard[0]}&track={others[0]}").text
    assert f'<a href="/tracks/{others[0]}">Other 0</a>' in of_two.split("From ")[1].split("</p>")[0]
    assert "Song 00" not in titles(of_two)


def test_what_cannot_be_started_says_why(browser: Browser, callers: Callers, context: Context) -> None:
    client = browser("viewer")
    assert "Start from something" in client.get("/radio").text
    (waiting,) = add(context, callers.home, Made("Waiting", None))
    answer = client.get(f"/radio?track={waiting}")
    assert answer.status_code == 409
    assert "This track was not analysed yet" in answer.text
    assert client.get(f"/radio?track={callers.home}").status_code == 404
    assert client.get(f"/radio?track={waiting}&cursor=nonsense").status_code in (400, 409)


def test_others_hear_nothing_of_it(browser: Browser, heard: list[UUID]) -> None:
    answer = browser("stranger").get(f"/radio?track={heard[0]}")
    assert answer.status_code == 404
    assert "Song 00" not in answer.text


def test_it_costs_as_many_statements_whatever_it_plays(
    browser: Browser, callers: Callers, context: Context, heard: list[UUID], counting: Counting
) -> None:
    client = browser("viewer")
    (alone,) = add(context, callers.elsewhere, Made("Alone", [1.0]))
    del alone
    client.get(f"/radio?track={heard[0]}")
    with counting() as one:
        client.get(f"/radio?track={heard[0]}")
    with counting() as several:
        client.get("/radio?" + "&".join(f"track={track}" for track in heard[:9]))
    assert len(several) == len(one), several


def test_recordings_albums_and_artists_lead_to_it(browser: Browser, heard: list[UUID]) -> None:
    page = browser("viewer").get(f"/tracks/{heard[0]}").text
    assert f'href="/radio?track={heard[0]}"' in page
    assert f'href="/path?from={heard[0]}"' in page
