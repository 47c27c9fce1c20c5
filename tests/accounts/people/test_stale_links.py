"""Links that were sent in time and must lead nowhere any more, because what they stand on has changed."""

import pytest
from starlette.testclient import TestClient

from otolith.accounts.links import service as links
from otolith.accounts.links.making import LinkOver
from otolith.accounts.models import User
from otolith.accounts.people.service import change_user, set_password
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.settings import MailSettings, Settings
from tests.accounts.people.mailing import deliver, mail_server
from tests.callers import Callers, add_user, browser_of

PASSWORD = "the old password"
GOOD = "lamp orbit velvet canyon"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"public_url": "https://otolith.example"})


def secret_of(link: str | None) -> str:
    assert link is not None
    return link.rpartition("/")[2]


def test_a_new_address_that_was_asked_for_before_a_new_password_is_not_taken(
    client: TestClient, context: Context
) -> None:
    ann = add_user(context, "Ann", password=PASSWORD, email="ann@example.org", email_key="ann@example.org")
    thief = browser_of(client.app, context, ann)  # type: ignore[arg-type]  # The tests' app.
    with mail_server() as (box, mail):
        context.settings.mail = mail
        thief.app.state.context.settings.mail = mail  # type: ignore[attr-defined]  # As above.
        body = {"current": PASSWORD, "email": "thief@example.org"}
        assert thief.post("/api/account/address", json=body).status_code == 202
        deliver(context)
        context.settings.mail = MailSettings()
    set_password(context, SYSTEM, ann, GOOD)
    with pytest.raises(LinkOver):
        links.confirm_address(context, box.link())
    with context.database.read(SYSTEM) as session:
        assert session.get_one(User, ann.id).email == "ann@example.org"


@pytest.mark.parametrize("change", [{"role": "user"}, {"active": False}])
def test_whoever_administrates_no_more_has_no_link_left_that_they_made(
    callers: Callers, context: Context, change: dict[str, object]
) -> None:
    boss = callers.actors["admin"]
    invited = links.invite(context, boss, role="admin")
    victim = add_user(context, "Ann", role="admin")
    reset = links.reset_link(context, boss, victim.id)
    assert boss.user_id is not None
    change_user(context, SYSTEM, boss.user_id, change)
    with pytest.raises(LinkOver):
        links.join(context, secret_of(invited.address), "Eve", GOOD)
    with pytest.raises(LinkOver):
        links.choose_password(context, secret_of(reset.address), GOOD)


def test_what_was_sent_to_an_address_ends_with_it(callers: Callers, context: Context) -> None:
    ann = add_user(context, "Ann", password=PASSWORD, email="ann@example.org", email_key="ann@example.org")
    made = links.reset_link(context, callers.actors["admin"], ann.id)
    change_user(context, SYSTEM, ann.id, {"display_name": "Ann"})
    assert links.look(context, secret_of(made.address)).kind == "reset"
    change_user(context, SYSTEM, ann.id, {"email": "ann@example.com"})
    with pytest.raises(LinkOver):
        links.look(context, secret_of(made.address))
