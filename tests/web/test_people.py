"""One's own account, the ways to one, and the users of administrators, in the pages."""

import pytest
from sqlalchemy import select

from otolith.accounts.models import User
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from tests.callers import Callers, add_user, browser_of
from tests.web.conftest import Browser, Counting

GOOD = "lamp orbit velvet canyon"


def link_in(page: str) -> str:
    """The path of the link that a page shows once."""
    return "/auth/confirm/" + page.partition("/auth/confirm/")[2].partition('"')[0]


def test_an_invitation_is_made_followed_and_signs_in(browser: Browser) -> None:
    shown = browser("admin").post("/users/invite", data={"role": "readonly", "language": "fr"})
    assert shown.status_code == 200
    assert shown.headers["cache-control"] == "no-store"
    path = link_in(shown.text)
    guest = browser("anonymous")
    form = guest.get(path)
    assert "Welcome to Otolith" in form.text
    assert form.headers["referrer-policy"] == "strict-origin"
    filled = {"secret": path.rpartition("/")[2], "username": "Ann", "password": "tooshort"}
    refused = guest.post("/auth/confirm", data=filled)
    assert refused.status_code == 422
    assert "at least 12 characters" in refused.text
    assert 'value="Ann"' in refused.text
    joined = guest.post("/auth/confirm", data={**filled, "password": GOOD})
    assert (joined.status_code, joined.headers["location"]) == (303, "/")
    assert "<span>Ann</span>" in guest.get("/account").text
    assert guest.get(path).status_code == 404


def test_looking_at_a_link_does_not_use_it_up(browser: Browser) -> None:
    path = link_in(browser("admin").post("/users/invite", data={}).text)
    assert [browser("anonymous").get(path).status_code for _ in range(3)] == [200, 200, 200]


def test_a_link_works_beside_the_session_of_somebody_else(browser: Browser) -> None:
    # With strict cookies the first page comes without them and has no token, and the form is sent with them.
    secret = link_in(browser("admin").post("/users/invite", data={}).text).rpartition("/")[2]
    other = browser("viewer")
    del other.headers["X-CSRF-Token"]
    joined = other.post("/auth/confirm", data={"secret": secret, "username": "Ann", "password": GOOD})
    assert joined.status_code == 303


def test_an_administrator_makes_a_link_for_a_lost_password(browser: Browser, context: Context) -> None:
    ann = add_user(context, "Ann", password="the old password")
    page = browser("admin").post(f"/users/{ann.id}/link")
    secret = link_in(page.text).rpartition("/")[2]
    guest = browser("anonymous")
    assert "Choose a new password" in guest.get(f"/auth/confirm/{secret}").text
    chosen = guest.post("/auth/confirm", data={"secret": secret, "password": GOOD})
    assert (chosen.status_code, chosen.headers["location"]) == (303, "/sign-in")
    assert guest.post("/sign-in", data={"username": "Ann", "password": GOOD}).status_code == 303


def test_without_mail_the_page_says_who_can_help(browser: Browser) -> None:
    answer = browser("anonymous").get("/forgot", headers={"Accept-Language": "fr"})
    assert answer.status_code == 409
    assert "administrateur" in answer.text
    assert browser("anonymous").post("/forgot", data={"address": "admin"}).status_code == 409
    assert browser("anonymous").get("/register").status_code == 403
    assert "/forgot" not in browser("anonymous").get("/sign-in").text


def test_ones_own_account_is_changed(browser: Browser, callers: Callers, context: Context) -> None:
    ann = add_user(context, "Ann", password="the old password")
    app = callers["anonymous"].app
    here, there = browser_of(app, context, ann), browser_of(app, context, ann)  # type: ignore[arg-type]  # The tests' app.
    here.follow_redirects = False
    saved = here.post("/account/profile", data={"display_name": " <b>Ann</b> "})
    assert (saved.status_code, saved.headers["location"]) == (303, "/account?done=profile")
    page = here.get("/account?done=profile").text
    assert "Your profile is changed." in page
    assert "&lt;b&gt;Ann&lt;/b&gt;" in page
    assert page.count("/end") == 2  # One for the other device, one for all others.
    wrong = here.post("/account/password", data={"current": "wrong", "password": GOOD})
    assert wrong.status_code == 403
    assert "The present password is not right." in wrong.text
    changed = here.post("/account/password", data={"current": "the old password", "password": GOOD})
    assert changed.headers["location"] == "/account?done=password"
    assert there.get("/whoami").status_code == 401
    assert here.get("/whoami").status_code == 200


def test_a_device_is_ended_in_the_page(callers: Callers, context: Context) -> None:
    ann = add_user(context, "Ann")
    app = callers["anonymous"].app
    here, there = browser_of(app, context, ann), browser_of(app, context, ann)  # type: ignore[arg-type]  # The tests' app.
    other = next(one["id"] for one in here.get("/api/sessions").json()["items"] if not one["current"])
    assert "That device is signed out." in here.post(f"/account/devices/{other}/end").text
    assert there.get("/whoami").status_code == 401
    assert "All other devices" in here.post("/account/devices/end").text


def test_administrators_change_and_delete_users(browser: Browser, context: Context) -> None:
    ann = add_user(context, "Ann")
    admin = browser("admin")
    assert f'href="/users/{ann.id}"' in admin.get("/users?search=ann").text
    form = {"username": "Anna", "display_name": "Anna\x07 Lee", "email": "", "role": "readonly"}
    assert admin.post(f"/users/{ann.id}", data=form).headers["location"] == f"/users/{ann.id}?done=changed"
    with context.database.read(SYSTEM) as session:
        stored = session.scalars(select(User).where(User.id == ann.id)).one()
    assert (stored.name, stored.display_name, stored.role, stored.active) == ("Anna", "Anna Lee", "readonly", False)
    assert "Deactivated" in admin.get("/users").text
    taken = admin.post(f"/users/{ann.id}", data={**form, "username": "admin"})
    assert taken.status_code == 409
    assert "has this user name" in taken.text
    assert admin.post(f"/users/{ann.id}/delete").headers["location"] == f"/users/{ann.id}"
    assert admin.post(f"/users/{ann.id}/delete", data={"sure": "yes"}).headers["location"] == "/users?done=deleted"
    assert admin.get(f"/users/{ann.id}").status_code == 404


@pytest.mark.parametrize("kind", ["owner", "readonly", "stranger"])
def test_the_pages_of_users_are_for_administrators(browser: Browser, kind: str) -> None:
    one = browser(kind)
    assert one.get("/users").status_code == 403
    assert one.post("/users/invite", data={"role": "admin"}).status_code == 403
    assert 'href="/users"' not in one.get("/account").text
    assert 'href="/users"' in browser("admin").get("/account").text


def test_a_page_of_users_costs_the_same_however_many_there_are(
    browser: Browser, context: Context, counting: Counting
) -> None:
    admin = browser("admin")
    admin.get("/users")
    with counting() as few:
        admin.get("/users")
    for number in range(5):
        add_user(context, f"User {number}")
    with counting() as many:
        admin.get("/users")
    assert len(few) == len(many) > 0
