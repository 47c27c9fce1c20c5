"""The main job in a browser that runs no script at all."""

import re
import time

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import HOME_NAME, House, Visit
from tests.browser.sounds import write_tune

LANGUAGES = {
    "en": ("What was heard", "Upload", "Activity", "Tempo"),
    "fr": ("Ce qui a été écouté", "Envoyer", "Activité", "Tempo"),
}


def wait_until_heard(page: Page, path: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        page.goto(path)
        if page.locator(".facts-grid").count():
            return
        page.wait_for_timeout(500)
    pytest.fail("It was not heard in time.")


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_works(house: House, visit: Visit, language: str) -> None:
    heading, upload, activity, tempo = LANGUAGES[language]
    page = visit(javascript=False, language=language, colours="dark" if language == "fr" else "light")
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    name = f"Plain {language}"
    tune = write_tune(house.folder / f"{name}.wav", seconds=5.0, bpm=110.0 if language == "en" else 140.0)
    page.set_input_files("#files", str(tune))
    page.get_by_role("button", name=upload, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(activity)
    assert "refresh=5" in page.url
    expect(page.locator(".jobs li").first).to_be_visible()
    page.get_by_role("link", name=heading).first.click()
    page.get_by_role("link", name=name, exact=True).click()
    wait_until_heard(page, page.url)
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    expect(page.locator(".facts-grid")).to_contain_text(tempo)
    expect(page.locator("svg.wave").first).to_be_visible()
    player = page.locator("audio.without-js")
    expect(player).to_be_visible()
    stream = page.request.get(str(player.get_attribute("src")), headers={"Range": "bytes=0-99"})
    assert stream.status == 206
    assert len(stream.body()) == 100


def test_what_is_refused_says_why(house: House, visit: Visit) -> None:
    page = visit(javascript=False)
    text = house.folder / "plain.mp3"
    text.write_text("This is no music.\n" * 100)
    page.set_input_files("#files", str(text))
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("plain.mp3:")


def test_language_and_colours_are_plain_forms(visit: Visit) -> None:
    page = visit(javascript=False)
    page.click("#account summary")
    page.get_by_role("button", name="Français").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ce qui a été écouté")
    page.click("#account summary")
    page.get_by_role("button", name="Sombre").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.click("#account summary")
    page.get_by_role("button", name="Se déconnecter").click()
    expect(page).to_have_url(re.compile(r"/sign-in$"))


def test_activity_looks_again_by_itself_when_asked(visit: Visit) -> None:
    page = visit(javascript=False)
    page.goto("/activity")
    page.get_by_role("link", name="Look again every 5 seconds").click()
    with page.expect_navigation(timeout=15_000):
        pass
    page.get_by_role("link", name="Stop looking again").click()
    assert page.url.endswith("/activity")


def test_an_invitation_is_accepted_where_browsers_tell_little(visit: Visit) -> None:
    page = visit(javascript=False)
    page.goto("/users")
    page.locator('form[action="/users/invite"] button').click()
    link = re.search(r"http://[^\s\"<]+/auth/confirm/[\w-]+", page.content())
    assert link is not None
    guest = visit(javascript=False, signed_in=False)
    guest.goto(link[0].replace("127.0.0.1", HOME_NAME))
    guest.fill("#username", "Guest")
    guest.fill("#password", "lamp orbit velvet canyon")
    guest.click("button.first")
    expect(guest.locator("#account")).to_contain_text("Guest")
