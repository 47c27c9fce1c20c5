"""How the pages look and read: no sideways scrolling, and nothing that shuts people out."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from otolith.media.tags import write_tags
from tests.browser.conftest import House, Visit

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
WIDTHS = (320, 390, 820, 1280, 1920)
TITLE = "An interview with the harbour master, second part, recorded on the pier in Quimper-Guézennec-sur-Odet"
ONE_WORD = "x" * 120


@pytest.fixture(scope="module")
def pages(house: House) -> dict[str, str]:
    """The addresses of every kind of page, the recording's filled in by `filled`."""
    return {
        "home": "/",
        "activity": "/activity",
        "failed": "/activity?state=failed",
        "missing": "/no-such-page",
        "albums": "/library",
        "tracks": "/library/tracks?bpm_min=20",
        "narrow": "/library/tracks?narrow=yes",
        "artists": "/library/artists",
        "genres": "/library/genres",
        "map": "/library/map",
        "folders": "/scans",
        "health": "/library/health",
        "tags": "/library/health/tags",
        "changes": "/edits",
    }


@pytest.fixture
def filled(house: House, visit: Visit, pages: dict[str, str]) -> dict[str, str]:
    """The same, once there is a recording with a long name that was heard."""
    if "recording" not in pages:
        page = visit(javascript=False)
        tune = house.folder / f"{TITLE} {ONE_WORD}.wav"
        tune.write_bytes(house.tune.read_bytes() + b"LIST\x04\x00\x00\x00INFO")
        page.set_input_files("#files", str(tune))
        page.click("#drop button.first.without-js")
        page.goto("/")
        page.get_by_role("link", name=TITLE).click()
        pages["recording"] = page.url
        for _ in range(120):
            if page.locator(".facts-grid").count():
                break
            page.wait_for_timeout(500)
            page.goto(pages["recording"])
        expect(page.locator(".facts-grid")).to_be_visible()
        pages["edit"] = f"{pages['recording']}/edit"
        pages["similar"] = f"{pages['recording']}/similar"
        track = pages["recording"].rpartition("/")[2]
        pages["radio"] = f"/radio?track={track}"
        pages["path"] = f"/path?from={track}&to_q=interview"
        pages["by sound"] = "/library/description?q=slow+sad+interview"
        _scan(page, house, pages)
    return pages


def _scan(page: Page, house: House, pages: dict[str, str]) -> None:
    """Have a folder with an album in it scanned, and add the addresses of what came of it."""
    folder = house.folder / "looks"
    folder.mkdir()
    tune = folder / "1.wav"
    tune.write_bytes(house.tune.read_bytes())
    names = [f"{TITLE} {ONE_WORD}", "Ida", "Ole"]
    write_tags(tune, {"title": names[0], "artists": names, "album": names[0], "genres": [ONE_WORD], "track": 1})
    (folder / "broken.mp3").write_bytes(b"")
    page.goto("/scans")
    page.fill("#path", str(folder))
    page.get_by_role("button", name="Add and scan").click()
    page.locator(".jobs a", has_text="looks").last.click()
    pages["scan"] = page.url
    for _ in range(120):
        if page.get_by_text("Done", exact=True).count():
            break
        page.wait_for_timeout(500)
        page.goto(pages["scan"])
    page.goto("/library?q=interview")
    page.locator(".albums a").first.click()
    pages["album"] = page.url
    page.locator(".who a").first.click()
    pages["artist"] = page.url
    pages["names"] = f"{page.url}/names?q=ole"
    pages["another name"] = f"{page.url}/names/add?name={ONE_WORD}"
    page.goto("/library/genres")
    page.locator(".entries a").last.click()
    pages["genre"] = page.url


def _is_wide(page: Page) -> bool:
    """Whether the page, or a part of it that may not, is wider than its place."""
    return bool(
        page.evaluate(
            """() => document.documentElement.scrollWidth > document.documentElement.clientWidth
              || [...document.querySelectorAll(".nav a")].some((link) => link.scrollWidth > link.clientWidth)
              || [...document.querySelectorAll(".recordings")].some(
                (list) => list.getBoundingClientRect().right > innerWidth)"""
        )
    )


@pytest.mark.parametrize("language", ["en", "fr"])
def test_no_page_scrolls_sideways(visit: Visit, filled: dict[str, str], language: str) -> None:
    page = visit(language=language)
    wide = []
    for name, address in filled.items():
        page.goto(address)
        if name == "recording":
            page.click(".play.large")
            expect(page.locator("#player")).to_be_visible()
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 700})
            if _is_wide(page):
                wide.append((name, width))
    assert wide == []


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core comes with `npm install`.")
@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_shuts_people_out(visit: Visit, filled: dict[str, str], colours: str, width: int) -> None:
    """No violation that axe-core finds, of WCAG 2.2 AA and of what is simply good."""
    page = visit(colours=colours, width=width)
    rules = AXE.read_text()
    found = {}
    for name, address in filled.items():
        page.goto(address)
        found[name] = _violations(page, rules)
    page.click("#account summary")
    found["the menu"] = _violations(page, rules)
    page.goto(filled["recording"])
    page.click(".play.large")
    expect(page.locator("#player")).to_be_visible()
    found["the player"] = _violations(page, rules)
    assert {name: faults for name, faults in found.items() if faults} == {}


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core comes with `npm install`.")
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_nothing_keeps_people_from_signing_in(visit: Visit, colours: str) -> None:
    page = visit(colours=colours, signed_in=False)
    page.goto("/sign-in")
    rules = AXE.read_text()
    assert _violations(page, rules) == []
    page.fill("#username", "admin")
    page.fill("#password", "wrong")
    page.click("button.first")
    expect(page.get_by_role("alert")).to_be_visible()
    assert _violations(page, rules) == []


def _violations(page: Page, rules: str) -> list[str]:
    """What axe-core finds: the rule and the element."""
    page.evaluate(rules)
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [f"{one['id']}: {node['html'][:120]}" for one in found["violations"] for node in one["nodes"]]


def test_what_needs_javascript_is_not_offered_without_it(visit: Visit) -> None:
    page = visit(javascript=False)
    for hidden in ("[data-choose]", "button.play", "#player"):
        expect(page.locator(hidden).first).to_be_hidden()
    expect(page.locator("#files")).to_be_visible()


def test_the_keyboard_reaches_the_content_first(visit: Visit) -> None:
    page = visit()
    page.goto("/")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
