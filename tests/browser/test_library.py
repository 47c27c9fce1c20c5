"""The library in a real browser: scanned while watching, searched, played through, mapped, and changed."""

import re
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from otolith.media.tags import write_tags
from tests.browser.conftest import House, Visit
from tests.browser.sounds import write_tune

SCANNED = 120_000
# Title, album, seconds, beats a minute.
SONGS: Sequence[tuple[str, str, float, float]] = (
    ("Lantern Hill", "Short Tides", 2.5, 120.0),
    ("Lantern Street Two", "Short Tides", 2.5, 120.0),
    ("Slack Water", "Short Tides", 2.5, 120.0),
    ("Weir", "Long Tides", 12.0, 100.0),
    ("Sluice", "Long Tides", 12.0, 140.0),
    ("Estuary", "Long Tides", 12.0, 140.0),
)


def compose(folder: Path) -> Path:
    """The demo folder: two albums of one band."""
    folder.mkdir()
    for number, (title, album, seconds, bpm) in enumerate(SONGS, 1):
        path = write_tune(folder / f"{number:02} {title}.wav", seconds=seconds, bpm=bpm)
        write_tags(
            path,
            {
                "title": title,
                "artists": ["The Ferrymen"],
                "album_artists": ["The Ferrymen"],
                "album": album,
                "track": (number - 1) % 3 + 1,
                "date": "1998" if album == "Short Tides" else "2006",
                "genres": ["Shanty" if album == "Short Tides" else "Dub"],
            },
        )
    return folder


def until(page: Page, expression: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, expression
        page.wait_for_timeout(50)


@pytest.fixture(scope="module")
def music(house: House) -> Path:
    return compose(house.folder / "ferrymen")


@pytest.fixture
def library(house: House, visit: Visit, music: Path) -> Page:
    """A page of a server that has heard the demo folder; the first to ask has it scanned and watches."""
    page = visit()
    page.goto("/library?q=tides")
    if page.locator(".albums li").count() < 2:
        page.goto("/scans")
        page.fill("#path", str(music))
        page.fill("#name", "The ferrymen's shelf")
        page.get_by_role("button", name="Add and scan").click()
        row = page.locator("[id^=scan-row-]").first
        expect(row.locator(".phases li").first).to_be_visible()
        # By its own name, since watching the folder may begin another scan above it.
        scan = page.locator(f"#{row.get_attribute('id')}")
        expect(scan.locator(".phases li", has_text="Listen")).to_be_visible()
        expect(scan).to_contain_text("Done", timeout=SCANNED)
        expect(scan).to_contain_text("Added 6")
    return page


def test_a_scan_is_watched_to_its_report(library: Page) -> None:
    page = library
    page.goto("/scans")
    page.get_by_role("link", name="The ferrymen's shelf").last.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Scan of")
    expect(page.locator(".phases li.done")).to_have_count(7)
    expect(page.locator(".counts")).to_contain_text("Added6")


def test_a_search_finds_as_one_types(library: Page) -> None:
    page = library
    page.goto("/activity")
    page.locator("h1").click()
    page.keyboard.press("/")
    search = page.get_by_role("searchbox")
    expect(search).to_be_focused()
    page.get_by_role("link", name="Tracks", exact=True).click()
    expect(page.locator("#found tbody tr").first).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    page.keyboard.press("/")
    expect(search).to_be_focused()
    page.evaluate("window.stays = true")
    page.keyboard.type("lantern hil")
    expect(page.locator("#found tbody tr")).to_have_count(1)
    expect(page.locator("#found")).to_contain_text("Lantern Hill")
    expect(page.locator("#total")).to_have_text(re.compile("^1 recording"))
    expect(search).to_be_focused()
    expect(page).to_have_url(re.compile(r"\?q=lantern\+hil"))
    assert page.evaluate("window.stays")


def test_key_and_tempo_narrow_down(library: Page) -> None:
    page = library
    page.goto("/library/tracks?q=ferrymen")
    rows = page.locator("#found tbody tr")
    expect(rows).to_have_count(6)
    page.get_by_text("Filters", exact=True).click()
    page.fill("[name=bpm_min]", "130")
    page.fill("[name=bpm_max]", "150")
    expect(rows).to_have_count(2)
    key = rows.first.locator(".key").inner_text()
    code = page.locator("#key option", has_text=key).first.get_attribute("value")
    page.select_option("#key", code)
    expect(page.locator(".chips").first).to_contain_text(key)
    expect(rows.filter(has_text="Weir")).to_have_count(0)
    expect(rows.first).to_be_visible()
    expect(page).to_have_url(re.compile(r"bpm_min=130&bpm_max=150&key="))
    page.goto("/library/tracks?q=ferrymen")
    page.get_by_text("Narrow down").click()
    page.locator("#facets").get_by_role("link", name=re.compile("^Dub")).click()
    expect(rows).to_have_count(3)


def test_an_album_plays_through_while_one_looks_elsewhere(library: Page) -> None:
    page = library
    page.goto("/library")
    page.get_by_role("link", name="Short Tides").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Short Tides")
    page.get_by_role("button", name="Play album").click()
    playing = page.locator("#player .what a")
    expect(playing).to_have_text("Lantern Hill")
    expect(page.locator("tr.current")).to_contain_text("Lantern Hill")
    page.get_by_role("link", name="Activity").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Activity")
    expect(playing).to_have_text("Lantern Street Two")
    expect(playing).to_have_text("Slack Water")
    until(page, "document.querySelector('#player audio').ended")
    page.keyboard.press("p")
    page.keyboard.press("p")
    expect(playing).to_have_text("Lantern Street Two")
    page.get_by_role("button", name="Next", exact=True).click()
    expect(playing).to_have_text("Slack Water")


def test_the_map_is_drawn_and_plays(library: Page) -> None:
    page = library
    page.goto("/library/map")
    if not page.locator("canvas").count():
        page.get_by_role("button", name="Draw it now").click()
        for _ in range(120):
            page.goto("/library/map")
            if page.locator("canvas").count():
                break
            page.wait_for_timeout(500)
    canvas = page.locator("canvas")
    expect(canvas).to_be_visible()
    canvas.focus()
    tip = page.locator(".atlas .tip")
    for _ in range(20):
        page.keyboard.press("ArrowRight")
        if tip.is_visible():
            break
        page.wait_for_timeout(250)
    expect(tip).to_be_visible()
    page.get_by_role("button", name="Come nearer").click()
    canvas.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#player .what a")).to_have_text(tip.locator("b").inner_text())
    page.keyboard.press("0")


def test_a_tag_is_changed_and_the_change_undone(library: Page) -> None:
    page = library
    page.goto("/library/tracks?q=estuary")
    page.get_by_role("link", name="Estuary", exact=True).click()
    page.get_by_role("link", name="Edit tags").click()
    page.fill("[name=title]", "Estuary at Night")
    page.get_by_role("button", name="Show the changes").click()
    expect(page.locator("ins")).to_have_text("Estuary at Night")
    page.get_by_role("button", name="Keep the changes").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("1 track changed")
    page.get_by_role("link", name="Estuary at Night").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Estuary at Night")
    page.go_back()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#batch")).to_contain_text("Undone")
    page.get_by_role("link", name="Estuary", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Estuary")


def test_a_recording_shows_its_neighbours(library: Page) -> None:
    page = library
    page.goto("/library/tracks?q=sluice")
    page.get_by_role("link", name="Sluice", exact=True).click()
    near = page.locator("#similar tbody tr")
    expect(near.filter(has_text="Estuary")).to_be_visible()
    expect(near.filter(has_text="Estuary").locator(".facts")).to_contain_text("same tempo")


def test_a_page_stays_whole_when_its_neighbours_cannot_be_had(library: Page) -> None:
    page = library
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=500, content_type="text/html", body="<html><body>A proxy's own page</body></html>")

    page.route("**/similar?few=true", refuse)
    page.goto("/library/tracks?q=sluice")
    page.get_by_role("link", name="Sluice", exact=True).click()
    expect(page.get_by_role("link", name="What sounds like this recording")).to_be_visible()
    page.wait_for_timeout(1500)
    expect(page.get_by_role("heading", level=1)).to_have_text("Sluice")
    assert len(asked) == 1


def test_no_page_loads_more_javascript_than_the_budget(library: Page) -> None:
    """As the browser counts it: what was decoded of every script of a page that was loaded whole."""
    page = library
    for path in ("/", "/library/tracks", "/library/map", "/path", "/scans"):
        page.goto(path, wait_until="networkidle")
        size = page.evaluate(
            "performance.getEntriesByType('resource').filter((one) => one.initiatorType === 'script'"
            " || one.name.endsWith('.js')).reduce((sum, one) => sum + one.decodedBodySize, 0)"
        )
        assert 20_000 < size < 60 * 1024, (path, size)


def test_all_but_the_map_works_without_javascript(library: Page, visit: Visit) -> None:
    del library
    page = visit(javascript=False)
    page.get_by_role("link", name="Folders").click()
    page.get_by_role("link", name="The ferrymen's shelf").first.click()
    expect(page.locator(".phases li.done")).to_have_count(7)
    page.get_by_role("link", name="Library", exact=True).click()
    page.get_by_role("link", name="Tracks", exact=True).click()
    page.fill("#q", "ferrymen")
    page.get_by_text("Filters", exact=True).click()
    page.fill("[name=bpm_min]", "130")
    page.get_by_role("button", name="Search").click()
    rows = page.locator("#found tbody tr")
    expect(rows.first).to_be_visible()
    expect(rows.filter(has_text="Weir")).to_have_count(0)
    page.get_by_role("link", name=re.compile("take away")).first.click()
    expect(rows).to_have_count(6)
    page.get_by_text("Narrow down").click()
    page.get_by_role("link", name=re.compile("Count genres")).click()
    page.locator("#facets").get_by_role("link", name=re.compile("^Shanty")).click()
    expect(rows).to_have_count(3)
    page.get_by_role("link", name="Slack Water", exact=True).click()
    expect(page.locator("audio.without-js")).to_be_visible()
    page.get_by_role("link", name="What sounds like this recording").click()
    expect(page.locator("#similar")).to_be_visible()
    page.go_back()
    page.get_by_role("link", name="Short Tides").click()
    expect(page.locator("tbody tr")).to_have_count(3)
    page.get_by_role("link", name="Edit tags").click()
    page.fill("[name=genres]", "Shanty; Folk")
    page.get_by_role("button", name="Show the changes").click()
    expect(page.locator("ins")).to_have_count(3)
    page.get_by_role("button", name="Keep the changes").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#batch")).to_contain_text("Undone")
    page.get_by_role("link", name="Health").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Health")
    page.get_by_role("link", name="Map").click()
    expect(page.locator("canvas")).to_be_hidden()
