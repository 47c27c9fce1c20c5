"""The main job in a real browser, with JavaScript."""

import re
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import House, Visit
from tests.browser.sounds import write_aiff, write_large, write_tune

HEARD = 60_000


def put_in(page: Page, *files: Path) -> None:
    # Nobody is quicker than the scripts of the page.
    page.wait_for_load_state()
    with page.expect_file_chooser() as chooser:
        page.click("[data-choose]")
    chooser.value.set_files([str(file) for file in files])


def until(page: Page, expression: str, seconds: float = 20) -> None:
    """Wait until an expression holds, asked from outside, because the pages' policy forbids them to evaluate text."""
    deadline = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, expression
        page.wait_for_timeout(50)


def in_the_ledger(house: House, statement: str) -> None:
    with closing(sqlite3.connect(house.folder / "data" / "otolith.db", timeout=10)) as database, database:
        database.execute(statement)


@pytest.fixture
def heard(house: House, visit: Visit) -> Page:
    """A page that lists the tune, heard to its end."""
    page = visit()
    if page.get_by_role("link", name="Tidal Room", exact=True).count() == 0:
        put_in(page, house.tune)
    row = page.locator("tr", has_text="Tidal Room").first
    expect(row).to_contain_text("LUFS", timeout=HEARD)
    return page


def test_an_upload_is_followed_until_it_was_heard(house: House, visit: Visit) -> None:
    page = visit()
    tune = write_tune(house.folder / "Lantern Street.wav", bpm=100.0)
    put_in(page, tune)
    upload = page.locator("#uploads li", has_text="Lantern Street.wav")
    expect(upload).to_be_visible()
    row = page.locator("tr", has_text="Lantern Street").first
    expect(row).to_contain_text("LUFS", timeout=HEARD)
    expect(row.locator("svg.wave")).to_be_visible()
    expect(upload).to_contain_text(re.compile("Heard|Stored"))


def test_what_is_refused_says_why(house: House, visit: Visit) -> None:
    page = visit()
    text = house.folder / "notes.mp3"
    text.write_text("This is no music.\n" * 100)
    empty = house.folder / "empty.wav"
    empty.touch()
    put_in(page, text, empty)
    expect(page.locator("#uploads li.bad", has_text="empty.wav")).to_contain_text("This file is empty.")
    refused = page.locator("#uploads li.bad", has_text="notes.mp3")
    expect(refused).to_be_visible()
    expect(refused.locator(".said")).not_to_be_empty()
    refused.get_by_role("button", name="Dismiss").click()
    expect(refused).to_have_count(0)


def test_a_file_is_dropped_onto_the_page(house: House, visit: Visit) -> None:
    page = visit()
    data = write_tune(house.folder / "Dropped.wav", seconds=4.0).read_bytes()
    handle = page.evaluate_handle(
        """(bytes) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], "Dropped.wav", { type: "audio/wav" }));
            return transfer;
        }""",
        list(data),
    )
    page.dispatch_event("main", "dragover", {"dataTransfer": handle})
    expect(page.locator("html.dragging")).to_have_count(1)
    page.dispatch_event("main", "drop", {"dataTransfer": handle})
    expect(page.locator("tr", has_text="Dropped").first).to_contain_text("0:04", timeout=HEARD)


def test_a_large_file_goes_in_pieces_over_a_connection_that_breaks(house: House, visit: Visit) -> None:
    page = visit()
    large = write_large(house.folder / "Seventy.wav", megabytes=70)
    broken: list[str] = []

    def break_off(route: Route) -> None:
        broken.append(route.request.method)
        route.abort()

    page.route("**/media/uploads/*", break_off, times=3)
    put_in(page, large)
    expect(page.locator("#uploads li", has_text="Seventy.wav")).to_be_visible()
    expect(page.locator("tr", has_text="Seventy").first).to_be_visible(timeout=HEARD)
    assert broken == ["PATCH", "HEAD", "HEAD"]
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('otolith.tus')).length") == 0


def test_many_files_keep_to_the_limit_of_requests(house: House, visit: Visit) -> None:
    page = visit()
    files = [write_tune(house.folder / f"Many {number:02}.wav", seconds=2.0 + number / 10) for number in range(12)]
    refused, asked = [], []
    told = {"Retry-After": "1", "RateLimit-Remaining": "0"}

    def refuse(route: Route) -> None:
        refused.append(route.request.method)
        route.fulfill(status=429, headers=told, json={"detail": "Too many.", "status": 429})

    page.route("**/api/media", refuse, times=3)
    page.on("request", lambda request: asked.append(request.url) if "/api/jobs" in request.url else None)
    put_in(page, *files)
    for file in files:
        expect(page.locator("tr", has_text=file.stem).first).to_contain_text("LUFS", timeout=HEARD)
    expect(page.locator("#uploads li.bad")).to_have_count(0)
    assert refused == ["POST"] * 3
    # Not one for each row whenever anything happens to any job.
    lists = [url for url in asked if "limit=" in url]
    assert lists
    assert len([url for url in asked if "/events" not in url]) <= 2 * len(lists) + len(files)


def test_the_player_plays_on_while_one_moves_about(heard: Page) -> None:
    page = heard
    page.locator("tr", has_text="Tidal Room").first.locator("button.play").click()
    until(page, "document.querySelector('#player audio').currentTime > 0.3")
    page.evaluate("document.querySelector('#player audio').dataset.same = 'yes'")
    page.get_by_role("link", name="Activity").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Activity")
    assert page.url.endswith("/activity")
    before = page.evaluate("document.querySelector('#player audio').currentTime")
    until(page, f"document.querySelector('#player audio').currentTime > {before} + 0.3")
    assert page.evaluate("document.querySelector('#player audio').dataset.same") == "yes"
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("What was heard")
    assert not page.evaluate("document.querySelector('#player audio').paused")
    expect(page.locator("tr.current")).to_contain_text("Tidal Room")


def test_a_click_on_the_waveform_seeks(heard: Page) -> None:
    page = heard
    page.get_by_role("link", name="Tidal Room", exact=True).first.click()
    scope = page.locator(".scope")
    box = scope.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * 0.5, box["y"] + box["height"] / 2)
    until(page, "document.querySelector('#player audio').currentTime > 5.8")
    at = page.evaluate("document.querySelector('#player audio').currentTime")
    assert 5.8 < at < 8.0
    page.mouse.click(box["x"] + box["width"] * 0.1, box["y"] + box["height"] / 2)
    until(page, "document.querySelector('#player audio').currentTime < 4")
    assert page.evaluate("+document.querySelector('[data-heard]').getAttribute('width') > 0")


def test_the_keyboard_plays_pauses_and_seeks(heard: Page) -> None:
    page = heard
    page.get_by_role("link", name="Tidal Room", exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    page.keyboard.press("Space")
    until(page, "!document.querySelector('#player audio').paused")
    page.keyboard.press("l")
    until(page, "document.querySelector('#player audio').currentTime > 9")
    page.keyboard.press("k")
    until(page, "document.querySelector('#player audio').paused")
    page.click("#account summary")
    page.locator("button[name=shortcuts][value=off]").click()
    page.keyboard.press("Escape")
    expect(page.locator("#account .sheet")).to_be_hidden()
    page.locator("h1").focus()
    page.keyboard.press("k")
    page.wait_for_timeout(200)
    assert page.evaluate("document.querySelector('#player audio').paused")


def test_colours_change_without_a_reload_and_stay(heard: Page) -> None:
    page = heard
    page.evaluate("window.stays = true")
    light = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    page.click("#account summary")
    page.locator("button[name=theme][value=dark]").click()
    dark = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert dark != light
    assert page.evaluate("window.stays")
    page.reload()
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == dark


def test_activity_is_live(house: House, visit: Visit) -> None:
    watching = visit()
    watching.goto("/activity")
    expect(watching.locator("html.live")).to_have_count(1)
    # By its kind, since housekeeping comes and goes beside it.
    heard = watching.locator(".jobs li", has_text="Listen to recordings")
    before = heard.count()
    # What is heard at once might be over between two looks of the page, so its lane rests for as long as that takes.
    in_the_ledger(house, "INSERT INTO job_lane_pauses VALUES ('audio', '2100-01-01 00:00:00.000000', 'Not yet.')")
    other = visit()
    put_in(other, write_tune(house.folder / "Northbound.wav", seconds=4.0, bpm=90.0))
    expect(watching.locator("#working")).to_have_text(re.compile("^[1-9]"), timeout=HEARD)
    expect(heard).to_have_count(before + 1, timeout=HEARD)
    in_the_ledger(house, "UPDATE job_lane_pauses SET until = '2000-01-01 00:00:00.000000'")
    expect(heard.first).to_contain_text("Done", timeout=HEARD)
    expect(watching.locator("#working")).to_be_empty(timeout=HEARD)


def test_without_the_library_of_others_all_still_works(house: House, visit: Visit) -> None:
    page = visit()
    page.route("**/vendor/*", lambda route: route.abort())
    page.goto("/")
    put_in(page, write_tune(house.folder / "Alone.wav", seconds=4.0, bpm=105.0))
    expect(page.locator("#uploads li", has_text="Alone.wav")).to_contain_text("Stored", timeout=HEARD)
    page.get_by_role("link", name="Activity").first.click()
    expect(page.get_by_role("link", name="Look again", exact=True)).to_be_visible()
    page.goto("/")
    page.locator("tr", has_text="Alone").first.locator("button.play").click()
    until(page, "document.querySelector('#player audio').currentTime > 0.2")


def test_what_the_browser_cannot_play_is_converted(house: House, visit: Visit) -> None:
    page = visit()
    put_in(page, write_aiff(house.folder / "Foghorn.aiff"))
    row = page.locator("tr", has_text="Foghorn").first
    expect(row).to_contain_text("LUFS", timeout=HEARD)
    row.locator("button.play").click()
    until(page, "document.querySelector('#player audio').currentTime > 0.2")
    assert "format=mp3" in page.evaluate("document.querySelector('#player audio').src")
    page.locator("#player .seek").fill("4")
    until(page, "document.querySelector('#player audio').src.endsWith('start=4.00')")
    until(page, "['0:04', '0:05'].includes(document.querySelector('#player .now').textContent)")


def test_a_dead_job_is_retried_in_place(house: House, visit: Visit) -> None:
    page = visit()
    if not page.locator("tr", has_text="Salt").count():
        put_in(page, write_tune(house.folder / "Salt.wav", seconds=4.0, bpm=75.0))
    expect(page.locator("tr", has_text="Salt").first).to_contain_text("LUFS", timeout=HEARD)
    # A few of them, since a page that is full would show one of the next page in the place of the one that left.
    in_the_ledger(
        house,
        "UPDATE jobs SET state = 'dead', error = 'The <disk> broke.' "
        "WHERE id IN (SELECT id FROM jobs WHERE parent_id IS NULL ORDER BY id DESC LIMIT 3)",
    )
    page.goto("/activity?state=failed")
    page.evaluate("window.stays = true")
    rows = page.locator(".jobs li", has_text="The <disk> broke.")
    before = rows.count()
    assert before > 0
    rows.first.get_by_role("button", name="Retry").click()
    expect(rows).to_have_count(before - 1)
    assert page.evaluate("window.stays")
    page.get_by_role("link", name="All", exact=True).click()
    expect(page.locator(".jobs li", has_text="Done").first).to_be_visible(timeout=HEARD)
