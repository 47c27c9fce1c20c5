"""The library: its lists, the search, and each album, artist and genre."""

import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.library.catalogue.models import Album, Artist, Term
from tests.callers import Callers
from tests.web.conftest import Browser, Counting
from tests.web.recordings import add_song


def one(context: Context, table: Any, **columns: Any) -> UUID:
    with context.database.read(SYSTEM) as session:
        found: UUID = session.scalars(select(table.id).filter_by(**columns)).one()
    return found


def titles(page: str) -> list[str]:
    return re.findall(r'<td role="cell" class="title"><a href="/tracks/[^"]+">([^<]+)</a>', page)


@pytest.fixture
def shelf(callers: Callers, context: Context) -> Sequence[UUID]:
    """Three albums by two artists."""
    home = callers.home
    return [
        add_song(context, home, "Tidal Room", number=2, tempo=120.0, key="A", mode="minor", camelot="8A"),
        add_song(context, home, "Low Water", number=1, tempo=90.0, key="C", mode="major", camelot="8B"),
        add_song(context, home, "Night Bus", artist="Ostinato", album="Depot", genre="Dub", year=2011, tempo=140.0,
                 key="E", mode="minor", camelot="9A"),
        add_song(context, home, "Ring Road", artist="Ostinato", album="Orbital", genre="Techno", year=2014, tempo=128.0,
                 key="F", mode="major", camelot="7B"),
    ]  # fmt: skip


def test_an_empty_library_says_what_to_do(browser: Browser) -> None:
    for path, said in (
        ("/library", "No albums yet"),
        ("/library/tracks", "Silence, so far"),
        ("/library/artists", "Nobody yet"),
        ("/library/genres", "No genres yet"),
        ("/library/map", "No map yet"),
        ("/library/health", "Nothing to look at yet"),
    ):
        page = browser("owner").get(path)
        assert page.status_code == 200, path
        assert said in page.text, path


def test_albums_stand_in_a_grid_with_their_covers(
    browser: Browser, callers: Callers, context: Context, shelf: Sequence[UUID]
) -> None:
    page = browser("viewer").get("/library").text
    album = one(context, Album, title="Depot")
    assert "3 albums" in page
    assert f'href="/albums/{album}"' in page
    assert f'src="/api/albums/{album}/cover?size=320"' in page
    assert page.index("Harbour") < page.index("Depot")
    by_title = browser("viewer").get("/library?sort=title").text
    assert by_title.index("Depot") < by_title.index("Harbour")


@pytest.mark.usefixtures("shelf")
def test_words_find_albums_artists_and_tracks(browser: Browser) -> None:
    client = browser("viewer")
    assert "Orbital" in client.get("/library?q=orb").text
    assert "Harbour" not in client.get("/library?q=orb").text
    assert "Ostinato" in client.get("/library/artists?q=ostin").text
    assert titles(client.get("/library/tracks?q=night").text) == ["Night Bus"]
    assert "Nothing found" in client.get("/library/tracks?q=zzzzzz").text


@pytest.mark.usefixtures("shelf")
def test_filters_narrow_down(browser: Browser) -> None:
    client = browser("viewer")
    assert titles(client.get("/library/tracks?key=8A&sort=title").text) == ["Tidal Room"]
    mixing = client.get("/library/tracks?key=8A&mix=yes&sort=title").text
    assert titles(mixing) == ["Low Water", "Night Bus", "Tidal Room"]
    both = client.get("/library/tracks?key=8A&mix=yes&bpm_min=110&bpm_max=130").text
    assert titles(both) == ["Tidal Room"]
    assert "Mixes with A minor" in both
    assert "Tempo 110–130 BPM" in both
    assert titles(client.get("/library/tracks?year_max=2000&sort=title").text) == ["Low Water", "Tidal Room"]
    assert titles(client.get("/library/tracks?within=genre:%3D%22Dub%22").text) == ["Night Bus"]


@pytest.mark.usefixtures("shelf")
def test_a_chip_takes_its_filter_away(browser: Browser) -> None:
    client = browser("viewer")
    page = client.get("/library/tracks?q=o&bpm_min=100&rating=&key=8A").text
    chips = re.findall(r'<a href="([^"]+)">([^<]+)<svg', page.split('class="chips')[1])
    assert [label for _, label in chips] == ["Tempo ≥ 100 BPM", "A minor"]
    assert chips[0][0].replace("&amp;", "&") == "/library/tracks?q=o&key=8A"
    assert chips[1][0].replace("&amp;", "&") == "/library/tracks?q=o&bpm_min=100"


@pytest.mark.usefixtures("shelf")
def test_facets_count_what_was_found_and_lead_on(browser: Browser) -> None:
    client = browser("viewer")
    for path in ("/library/facets", "/library/tracks?narrow=yes"):
        page = client.get(path).text
        facets = page.split('id="facets"')[1]
        href = re.search(r'href="([^"]+)">Techno <span class="number">1<', facets)
        assert href is not None, path
        assert titles(client.get(href[1].replace("&amp;", "&")).text) == ["Ring Road"]
    assert "Techno" not in client.get("/library/facets?q=harbour").text


@pytest.mark.usefixtures("shelf")
def test_what_no_form_gives_is_left_out_or_told(browser: Browser) -> None:
    client = browser("viewer")
    odd = client.get("/library/tracks?bpm_min=fast&key=H&rating=9&added=ever&format=exe&voice=alto")
    assert (odd.status_code, len(titles(odd.text))) == (200, 4)
    told = client.get("/library/tracks?q=colour:red")
    assert told.status_code == 400
    assert "There is no filter" in told.text
    assert client.get("/library/tracks?sort=colour").status_code == 400
    assert client.get("/library/tracks?cursor=nonsense").status_code == 400
    assert client.get("/library?cursor=nonsense").status_code == 400


def test_an_album_is_shown_by_disc_and_plays_through(browser: Browser, callers: Callers, context: Context) -> None:
    for title, number, disc in (("One", 1, 1), ("Two", 2, 1), ("Three", 1, 2)):
        add_song(context, callers.home, title, number=number, disc=disc)
    album = one(context, Album, title="Harbour")
    page = browser("viewer").get(f"/albums/{album}").text
    assert titles(page) == ["One", "Two", "Three"]
    assert "Disc 1" in page
    assert "Disc 2" in page
    assert 'data-play-all="#tracks"' in page
    assert page.index('id="tracks" data-list') < page.index("Disc 1")
    assert "1999 · 3 tracks · 2 discs" in page
    assert "Mara Ilves" in page
    assert f"/edit?album={album}" not in page
    assert f"/edit?album={album}" in browser("editor").get(f"/albums/{album}").text


@pytest.mark.usefixtures("shelf")
def test_an_artist_has_albums_and_tracks(browser: Browser, context: Context) -> None:
    artist = one(context, Artist, name="Ostinato")
    page = browser("viewer").get(f"/artists/{artist}").text
    assert "2 albums · 2 tracks" in page
    assert page.index("Depot") < page.index("Orbital")
    assert sorted(titles(page)) == ["Night Bus", "Ring Road"]


@pytest.mark.usefixtures("shelf")
def test_a_genre_has_its_tracks(browser: Browser, context: Context) -> None:
    genre = one(context, Term, name="Folk")
    page = browser("viewer").get(f"/genres/{genre}").text
    assert sorted(titles(page)) == ["Low Water", "Tidal Room"]
    listed = browser("viewer").get("/library/genres").text
    assert f'href="/genres/{genre}"' in listed
    assert "3 genres" in listed


@pytest.mark.usefixtures("shelf")
def test_nobody_sees_the_library_of_others(browser: Browser, context: Context) -> None:
    client = browser("stranger")
    for path in ("/library", "/library/tracks", "/library/artists", "/library/genres", "/library/facets"):
        page = client.get(path).text
        for name in ("Harbour", "Ostinato", "Techno", "Night Bus"):
            assert name not in page, path
    for path in (
        f"/albums/{one(context, Album, title='Depot')}",
        f"/artists/{one(context, Artist, name='Ostinato')}",
        f"/genres/{one(context, Term, name='Folk')}",
    ):
        assert client.get(path).status_code == 404
        assert client.get(f"{path}/similar").status_code == 404


def test_long_lists_come_in_pages(browser: Browser, callers: Callers, context: Context) -> None:
    for number in range(52):
        add_song(context, callers.home, f"No. {number:02}", number=number + 1)
    client = browser("viewer")
    first = client.get("/library/tracks?sort=title").text
    assert len(titles(first)) == 50
    older = first.split('rel="next"')[0].rpartition('href="')[2].split('"')[0].replace("&amp;", "&")
    assert titles(client.get(older).text) == ["No. 50", "No. 51"]


@pytest.mark.parametrize("place", ["/library", "/library/tracks", "/library/artists", "/library/genres", "album"])
def test_a_longer_list_costs_no_more_statements(
    browser: Browser, callers: Callers, context: Context, counting: Counting, place: str
) -> None:
    client = browser("viewer")
    add_song(context, callers.home, "First")
    path = f"/albums/{one(context, Album, title='Harbour')}" if place == "album" else place
    client.get(path)
    with counting() as few:
        client.get(path)
    for number in range(8):
        add_song(context, callers.home, f"No. {number}", number=number + 2)
        add_song(context, callers.home, f"So {number}", album=f"A {number}", artist=f"B {number}", genre=f"C {number}")
    client.get(path)
    with counting() as many:
        client.get(path)
    assert len(many) == len(few), many
    assert len([statement for statement in many if statement.lstrip().upper().startswith("SELECT")]) <= 14, many


def test_what_was_not_heard_yet_says_so_in_its_place(browser: Browser, callers: Callers, context: Context) -> None:
    """The page of a recording takes the place out of this one, whatever came of the search."""
    track = add_song(context, callers.home, "Salt", state="waiting")
    for path in (f"/tracks/{track}/similar", f"/tracks/{track}/similar?few=true"):
        answer = browser("viewer").get(path)
        assert answer.status_code == 409
        place = answer.text.split('<div id="similar">')[1].split("</div>")[0]
        assert '<p class="note">' in place
