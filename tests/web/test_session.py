"""Signing in and out through the pages, and the choice of language and colours."""

import pytest

from tests.conftest import ADMIN_PASSWORD
from tests.web.conftest import Browser

ELSEWHERE = ["//evil.example", "https://evil.example/", "/\\evil.example", "evil", "", "/a\r\nSet-Cookie: x=y"]


@pytest.mark.parametrize("path", ["/", "/activity", "/tracks/0190c5d0-0000-7000-8000-000000000000"])
def test_strangers_are_asked_to_sign_in_and_come_back(browser: Browser, path: str) -> None:
    answer = browser("anonymous").get(f"{path}?a=b")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/sign-in?next={path}%3Fa%3Db"


@pytest.mark.parametrize("path", ["/", "/activity", "/sign-in", "/robots.txt", "/docs"])
def test_the_head_of_a_page_is_told_alone(browser: Browser, path: str) -> None:
    client = browser("admin")
    whole, head = client.get(path), client.head(path)
    assert head.status_code == whole.status_code
    assert head.headers.get("content-type") == whole.headers.get("content-type")


def test_signing_in_leads_to_the_page_that_was_wanted(browser: Browser) -> None:
    client = browser("anonymous")
    form = client.get("/sign-in?next=/activity")
    assert 'name="next" value="/activity"' in form.text
    answer = client.post("/sign-in", data={"username": "admin", "password": ADMIN_PASSWORD, "next": "/activity"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/activity")
    cookies = answer.headers.get_list("set-cookie")
    assert any(cookie.startswith("otolith_session=") and "HttpOnly" in cookie for cookie in cookies)
    home = client.get("/")
    assert home.status_code == 200
    assert "<span>admin</span>" in home.text


def test_a_wrong_password_is_said_and_the_name_is_kept(browser: Browser) -> None:
    answer = browser("anonymous").post("/sign-in", data={"username": "<admin>", "password": "nope"})
    assert answer.status_code == 401
    assert 'role="alert"' in answer.text
    assert 'value="&lt;admin&gt;"' in answer.text
    assert "nope" not in answer.text
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_nobody_is_sent_to_another_site(browser: Browser, elsewhere: str) -> None:
    client = browser("anonymous")
    data = {"username": "admin", "password": ADMIN_PASSWORD, "next": elsewhere}
    assert client.post("/sign-in", data=data).headers["location"] == "/"


def test_whoever_is_signed_in_needs_no_form(browser: Browser) -> None:
    answer = browser("viewer").get("/sign-in?next=/activity")
    assert (answer.status_code, answer.headers["location"]) == (303, "/activity")


def test_signing_out_ends_the_session(browser: Browser) -> None:
    client = browser("owner")
    assert client.get("/").status_code == 200
    answer = client.post("/sign-out")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert client.get("/").status_code == 303


def test_forms_without_their_token_are_refused_with_a_page(browser: Browser) -> None:
    client = browser("owner")
    del client.headers["X-CSRF-Token"]
    answer = client.post("/sign-out")
    assert answer.status_code == 403
    assert answer.headers["content-type"].startswith("text/html")
    assert client.get("/").status_code == 200


def test_every_form_carries_the_token(browser: Browser) -> None:
    client = browser("owner")
    token = client.headers["X-CSRF-Token"]
    for path in ("/", "/activity"):
        page = client.get(path).text
        assert page.count("<form") == page.count(f'name="csrf_token" value="{token}"') > 0, path


def test_the_language_follows_the_browser_and_then_the_choice(browser: Browser) -> None:
    client = browser("anonymous")
    french = client.get("/sign-in", headers={"Accept-Language": "fr-CA,fr;q=0.9,en;q=0.5"})
    assert '<html lang="fr"' in french.text
    assert french.headers["content-language"] == "fr"
    assert "Mot de passe" in french.text
    assert "Password" in client.get("/sign-in").text
    chosen = client.post("/preferences", data={"language": "fr", "next": "/sign-in"})
    assert (chosen.status_code, chosen.headers["location"]) == (303, "/sign-in")
    assert "Mot de passe" in client.get("/sign-in").text


def test_colours_are_chosen_without_javascript(browser: Browser) -> None:
    client = browser("viewer")
    assert "data-theme" not in client.get("/").text
    client.post("/preferences", data={"theme": "dark", "next": "/"})
    assert 'data-theme="dark"' in client.get("/").text
    client.post("/preferences", data={"theme": "auto", "next": "/"})
    assert "data-theme" not in client.get("/").text


def test_an_unknown_choice_changes_nothing(browser: Browser) -> None:
    answer = browser("viewer").post("/preferences", data={"theme": "pink", "language": "xx", "shortcuts": "?"})
    assert answer.status_code == 303
    assert "set-cookie" not in answer.headers
