"""Radio, path, search by sound and the names of artists in a real browser, with a script and without."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from otolith.media.tags import write_tags
from tests.browser.conftest import House, Visit
from tests.browser.sounds import write_tune

SCANNED = 180_000
FROGS = 24
SHOWN = 20


@pytest.fixture(scope="module")
def pond(house: House) -> Path:
    """More recordings than a radio shows at once, by six artists."""
    folder = house.folder / "pond"
    folder.mkdir()
    for number in range(FROGS):
        path = write_tune(folder / f"{number:02}.wav", seconds=2.0, bpm=90.0 + 4 * number)
        artist = f"Frog {number % 6}"
        write_tags(path, {"title": f"Pond {number:02}", "artists": [artist], "album": "Pond", "genres": ["Croak"]})
    return folder


@pytest.fixture
def library(visit: Visit, pond: Path) -> Page:
    """A page of a server that has heard the pond; the first to ask has it scanned."""
    page = visit()
    page.goto("/library/tracks?q=pond+croak")
    if page.locator("#found tbody tr").count() < FROGS:
        page.goto("/scans")
        page.fill("#path", str(pond))
        page.fill("#name", "The pond")
        page.get_by_role("button", name="Add and scan").click()
        row = page.locator("[id^=scan-row-]").first
        expect(row.locator(".phases li").first).to_be_visible()
        scan = page.locator(f"#{row.get_attribute('id')}")
        expect(scan).to_contain_text("Done", timeout=SCANNED)
        expect(scan).to_contain_text(f"Added {FROGS}")
    return page


def open_recording(page: Page, title: str) -> None:
    page.goto(f"/library/tracks?q={title.replace(' ', '+')}")
    page.get_by_role("link", name=title, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(title)


def test_a_radio_plays_on_by_itself(library: Page) -> None:
    page = library
    open_recording(page, "Pond 00")
    page.get_by_role("link", name="Radio", exact=True).click()
    rows = page.locator("#radio tbody tr")
    expect(rows).to_have_count(SHOWN)
    page.get_by_role("button", name="Play the radio").click()
    playing = page.locator("#player .what a")
    expect(playing).to_have_text(rows.first.locator(".title a").inner_text())
    first = rows.locator(".title a").all_inner_texts()
    rows.nth(SHOWN - 3).locator("button.play").click()
    expect(rows.nth(SHOWN)).to_be_visible()
    for _ in range(8):
        if playing.inner_text() not in first:
            break
        page.keyboard.press("n")
        page.wait_for_timeout(200)
    assert playing.inner_text() not in first
    assert playing.inner_text() in rows.locator(".title a").all_inner_texts()
    expect(page.locator("tr.current")).to_have_count(1)


def test_more_of_a_radio_is_added_to_its_list(library: Page) -> None:
    page = library
    open_recording(page, "Pond 01")
    page.get_by_role("link", name="Radio", exact=True).click()
    rows = page.locator("#radio tbody tr")
    expect(rows).to_have_count(SHOWN)
    address = page.url
    page.get_by_role("link", name="More", exact=True).click()
    expect(rows.nth(SHOWN + 2)).to_be_visible()
    titles = rows.locator(".title a").all_inner_texts()
    assert len(set(titles)) == len(titles)
    assert page.url == address


def test_a_path_is_found_as_one_types(library: Page) -> None:
    page = library
    open_recording(page, "Pond 02")
    page.get_by_role("link", name="Path to another").click()
    page.fill("#to_q", "")
    page.locator("#to_q").click()
    page.keyboard.type("pond 20")
    choices = page.locator(".choices a")
    expect(choices.first).to_contain_text("Pond 20")
    expect(page.locator("#to_q")).to_be_focused()
    choices.first.click()
    rows = page.locator("#way tbody tr")
    expect(rows.first).to_contain_text("Pond 02")
    expect(rows.last).to_contain_text("Pond 20")
    page.select_option("#steps", "3")
    expect(rows).to_have_count(4)
    page.get_by_role("button", name="Play these").click()
    expect(page.locator("#player .what a")).to_have_text("Pond 02")


def test_arrows_lead_through_every_list(library: Page) -> None:
    page = library
    for address, item in (
        ("/library?q=tide", ".albums li a"),
        ("/library/artists", ".entries li a"),
        ("/library/tracks?q=pond", "#found tbody tr .title a"),
        ("/path?from_q=pond", ".choices li a"),
        ("/scans", ".jobs li a"),
        ("/library/health", ".kinds li a"),
    ):
        page.goto(address)
        links = page.locator(item)
        if links.count() < 2:
            continue
        links.first.focus()
        page.keyboard.press("ArrowDown")
        assert page.evaluate("document.activeElement.href") != links.first.evaluate("(link) => link.href"), address
        page.keyboard.press("ArrowUp")
        expect(links.first).to_be_focused()
    assert page.url.endswith("/library/health")


def test_a_sound_is_described_and_found(library: Page) -> None:
    page = library
    page.goto("/library/tracks")
    page.get_by_role("link", name="By sound").click()
    expect(page.get_by_text("Say how it sounds")).to_be_visible()
    page.evaluate("window.stays = true")
    page.fill("#q", "croak")
    page.keyboard.press("Enter")
    rows = page.locator("#found tbody tr")
    expect(rows.first).to_contain_text("Pond")
    expect(rows.first.locator(".facts")).to_contain_text("croak")
    expect(page.locator("#total")).to_contain_text("by words and by how they sound")
    assert page.evaluate("window.stays")


@pytest.mark.parametrize("javascript", [True, False])
def test_an_artist_is_given_a_name_and_joined_with_another(library: Page, visit: Visit, javascript: bool) -> None:
    del library
    page = visit(javascript=javascript)
    page.goto("/library/artists?q=frog+1")
    page.get_by_role("link", name="Frog 1", exact=True).click()
    page.get_by_role("link", name="Names", exact=True).click()
    page.fill("#name", "Toad")
    page.get_by_role("button", name="Show the changes").click()
    expect(page.locator(".changes-said")).to_contain_text("“Toad” becomes another name of Frog 1.")
    page.get_by_role("button", name="Do it").click()
    expect(page.get_by_text("Also known as Toad")).to_be_visible()
    page.get_by_role("link", name="Names", exact=True).click()
    page.get_by_role("link", name="Take away Toad").click()
    page.get_by_role("button", name="Do it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Frog 1")
    expect(page.get_by_text("Also known as")).to_have_count(0)
    page.get_by_role("link", name="Names", exact=True).click()
    page.fill("#q", "frog 2")
    if not javascript:
        page.get_by_role("button", name="Search").click()
    page.locator("#others").get_by_role("link", name=re.compile("^Frog 2")).click()
    expect(page.locator(".changes-said")).to_contain_text("Frog 1 is no longer in the list of artists.")
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Names of Frog 1")


def test_all_of_it_works_without_javascript(library: Page, visit: Visit) -> None:
    del library
    page = visit(javascript=False)
    open_recording(page, "Pond 03")
    page.get_by_role("link", name="Radio", exact=True).click()
    players = page.locator("#radio audio.without-js")
    expect(players).to_have_count(SHOWN)
    expect(players.first).to_be_visible()
    expect(page.locator("#radio button.play").first).to_be_hidden()
    page.get_by_role("link", name="More", exact=True).click()
    expect(players.first).to_be_visible()
    open_recording(page, "Pond 03")
    page.get_by_role("link", name="Path to another").click()
    page.fill("#to_q", "pond 21")
    page.get_by_role("button", name="Search").click()
    page.locator(".choices a", has_text="Pond 21").click()
    rows = page.locator("#way tbody tr")
    expect(rows.first).to_contain_text("Pond 03")
    expect(rows.last).to_contain_text("Pond 21")
    page.get_by_role("link", name="The other way round").click()
    expect(rows.first).to_contain_text("Pond 21")
    page.get_by_role("link", name="Library", exact=True).click()
    page.get_by_role("link", name="By sound").click()
    page.fill("#q", "croak")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#found tbody tr").first).to_contain_text("Pond")
