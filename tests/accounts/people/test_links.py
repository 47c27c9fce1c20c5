"""Invitations, registrations, lost passwords and new addresses, with mails that really are sent."""

import datetime as dt
from collections.abc import Iterator

import pytest
from sqlalchemy import event, select, update
from starlette.testclient import TestClient

from otolith.accounts.credentials import digest
from otolith.accounts.models import AccountLink, Membership, User
from otolith.accounts.sessions.signing import WrongPassword, sign_in
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.db import now
from otolith.core.settings import Settings
from tests.accounts.people.mailing import Postbox, deliver, mail_server
from tests.callers import Callers, add_user, browser_of

GOOD = "lamp orbit velvet canyon"


@pytest.fixture
def post() -> Iterator[tuple[Postbox, dict[str, object]]]:
    with mail_server() as (box, settings):
        yield box, settings.model_dump()


@pytest.fixture
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    """As everywhere, with a mail server where the test has one, and open for registration."""
    changed: dict[str, object] = {
        "public_url": "https://otolith.example",
        "accounts": settings.accounts.model_copy(update={"registration": True}),
    }
    if "post" in request.fixturenames:
        changed["mail"] = type(settings.mail)(**request.getfixturevalue("post")[1])
    return settings.model_copy(update=changed)


@pytest.fixture
def box(post: tuple[Postbox, dict[str, object]]) -> Postbox:
    return post[0]


def confirm(client: TestClient, link: str, **values: str) -> tuple[int, dict[str, str]]:
    answer = client.post("/api/auth/confirm", json={"link": link, **values})
    return answer.status_code, answer.json()


def test_an_invitation_goes_by_mail_and_makes_a_member(box: Postbox, callers: Callers, context: Context) -> None:
    body = {"email": "Ann@example.org", "workspace_id": str(callers.home), "workspace_role": "editor", "language": "fr"}
    made = callers["admin"].post("/api/invitations", json=body)
    assert (made.status_code, made.json()["link"]) == (201, None)
    assert deliver(context) == ["succeeded"]
    assert box.recipients == ["Ann@example.org"]
    assert box.mails[0]["Subject"] == "Votre invitation à Otolith"
    assert box.mails[0]["From"] == "Otolith <otolith@example.org>"
    stranger = callers["anonymous"]
    status, told = confirm(stranger, box.link(), username="Ann", password=GOOD)
    assert (status, told) == (200, {"kind": "invitation", "username": "Ann"})
    signed_in = sign_in(context, "ann@EXAMPLE.org", GOOD)
    with context.database.read(SYSTEM) as session:
        roles = session.scalars(select(Membership.role).where(Membership.user_id == signed_in.user_id)).all()
    assert roles == ["editor"]
    assert confirm(stranger, box.link(), username="Bob", password=GOOD)[0] == 404


def test_the_link_is_in_no_job_and_in_no_table(box: Postbox, callers: Callers, context: Context) -> None:
    callers["admin"].post("/api/invitations", json={"email": "ann@example.org"})
    deliver(context)
    secret = box.link()
    jobs = callers["admin"].get("/api/jobs?task=accounts.mail").json()["items"]
    shown = callers["admin"].get(f"/api/jobs/{jobs[0]['id']}").text
    assert secret not in shown
    assert "ann@example.org" not in shown
    with context.database.read(SYSTEM) as session:
        stored = session.scalars(select(AccountLink)).one()
    assert stored.secret_hash == digest(secret)
    assert stored.sent_at is not None


def test_without_a_mail_server_the_administrator_gets_the_link(callers: Callers, context: Context) -> None:
    made = callers["admin"].post("/api/invitations", json={"email": "ann@example.org"}).json()
    assert made["link"].startswith("https://otolith.example/auth/confirm/")
    secret = made["link"].rpartition("/")[2]
    assert confirm(callers["anonymous"], secret, username="Ann", password=GOOD)[0] == 200
    listed = callers["admin"].get("/api/invitations").json()
    assert listed["total"] == 0


def test_an_invitation_can_be_withdrawn(callers: Callers) -> None:
    made = callers["admin"].post("/api/invitations", json={}).json()
    assert callers["admin"].get("/api/invitations").json()["items"][0]["id"] == made["id"]
    assert callers["admin"].delete(f"/api/invitations/{made['id']}").status_code == 204
    assert confirm(callers["anonymous"], made["link"].rpartition("/")[2], username="Ann", password=GOOD)[0] == 404


def test_a_lost_password_is_chosen_anew_and_ends_every_session(
    box: Postbox, callers: Callers, context: Context
) -> None:
    ann = add_user(context, "Ann", password="the old password", email="a@example.org", email_key="a@example.org")
    before = sign_in(context, "Ann", "the old password")
    stranger = callers["anonymous"]
    asked = stranger.post("/api/auth/forgot", json={"username": "ANN"}, headers={"Accept-Language": "fr"})
    assert asked.status_code == 202
    deliver(context)
    assert box.mails[0]["Subject"] == "Un nouveau mot de passe pour Otolith"
    assert "Ann" in box.text()
    assert confirm(stranger, box.link(), password="too short")[0] == 422
    assert confirm(stranger, box.link(), password=GOOD)[0] == 200
    assert stranger.get("/whoami", headers={"Cookie": f"otolith_session={before.secret}"}).status_code == 401
    with pytest.raises(WrongPassword):
        sign_in(context, "Ann", "the old password")
    assert sign_in(context, "Ann", GOOD).user_id == ann.id
    assert confirm(stranger, box.link(), password=GOOD)[0] == 404


@pytest.mark.parametrize("name", ["nobody", "gone", "without", "no\x00body"])
def test_asking_for_nobody_reads_as_asking_for_somebody(
    box: Postbox, callers: Callers, context: Context, name: str
) -> None:
    add_user(context, "gone", active=False, email="gone@example.org", email_key="gone@example.org")
    add_user(context, "without")
    answer = callers["anonymous"].post("/api/auth/forgot", json={"username": name})
    assert (answer.status_code, answer.text) == (202, "")
    deliver(context)
    assert box.mails == []


def test_asking_does_the_same_work_for_everybody(box: Postbox, callers: Callers, context: Context) -> None:
    add_user(context, "Ann", email="a@example.org", email_key="a@example.org")
    statements: dict[str, list[str]] = {}

    for name in ("Ann", "nobody"):
        seen = statements[name] = []

        def note(*asked: object, seen: list[str] = seen) -> None:
            # The thread that rings the bells asks at moments of its own.
            if any(table in str(asked[2]) for table in ("users", "account_links", "INTO jobs")):
                seen.append(str(asked[2]))

        engine = callers["anonymous"].app.state.context.database.engine  # type: ignore[attr-defined]  # The tests' app.
        event.listen(engine, "before_cursor_execute", note)
        callers["anonymous"].post("/api/auth/forgot", json={"username": name})
        event.remove(engine, "before_cursor_execute", note)
    assert statements["Ann"] == statements["nobody"] != []


def test_a_registration_is_confirmed_by_mail(box: Postbox, callers: Callers, context: Context) -> None:
    stranger = callers["anonymous"]
    assert stranger.post("/api/auth/register", json={"email": "new@example.org"}).status_code == 202
    deliver(context)
    assert confirm(stranger, box.link(), username="New", password=GOOD)[1] == {
        "kind": "registration",
        "username": "New",
    }
    # Once more: the answer is the same, and the mail says that there is an account.
    assert stranger.post("/api/auth/register", json={"email": "NEW@example.org"}).status_code == 202
    deliver(context)
    assert box.mails[-1]["Subject"] == "You already have an account"
    assert "/auth/confirm/" not in box.text()


def test_nobody_registers_unless_it_is_switched_on(client: TestClient, app: object, context: Context) -> None:
    context.settings.accounts.registration = False
    client.app.state.context.settings.accounts.registration = False  # type: ignore[attr-defined]  # The tests' app.
    assert client.post("/api/auth/register", json={"email": "new@example.org"}).status_code == 403


def test_a_new_address_is_used_once_it_is_confirmed(box: Postbox, callers: Callers, context: Context) -> None:
    ann = add_user(context, "Ann", password="the old password", email="a@example.org", email_key="a@example.org")
    app = callers["anonymous"].app
    browser = browser_of(app, context, ann)  # type: ignore[arg-type]  # The tests' app.
    wrong = {"current": "wrong", "email": "b@example.org"}
    assert browser.post("/api/account/address", json=wrong).status_code == 403
    assert browser.post("/api/account/address", json={**wrong, "current": "the old password"}).status_code == 202
    deliver(context)
    assert box.recipients == ["b@example.org"]
    assert browser.get("/whoami").json()["email"] == "a@example.org"
    assert confirm(callers["anonymous"], box.link())[0] == 200
    assert browser.get("/whoami").json()["email"] == "b@example.org"


def test_a_link_expires(callers: Callers, context: Context) -> None:
    made = callers["admin"].post("/api/invitations", json={}).json()
    with context.database.write(SYSTEM) as session:
        session.execute(update(AccountLink).values(expires_at=now() - dt.timedelta(seconds=1)))
    assert confirm(callers["anonymous"], made["link"].rpartition("/")[2], username="Ann", password=GOOD)[0] == 404


def test_a_refused_mail_is_given_up_and_a_postponed_one_is_not(
    box: Postbox, callers: Callers, context: Context
) -> None:
    box.refused["gone@example.org"] = "550 no such user"
    callers["admin"].post("/api/invitations", json={"email": "gone@example.org"})
    assert deliver(context) == ["succeeded"]
    listed = callers["admin"].get("/api/invitations").json()["items"]
    assert [item["sent_at"] for item in listed] == [None]


def test_no_header_is_smuggled_into_a_mail(box: Postbox, callers: Callers) -> None:
    evil = "ann@example.org\r\nBcc: all@example.org"
    assert callers["admin"].post("/api/invitations", json={"email": evil}).status_code == 422


def test_texts_of_ones_own_take_the_place_of_ours(
    post: tuple[Postbox, dict[str, object]], callers: Callers, context: Context, settings: Settings
) -> None:
    folder = settings.data / "mails"
    folder.mkdir()
    (folder / "invitation.en.txt").write_text("Come in\n\n$link and $unknown stays\n")
    context.settings.mail.templates = folder
    callers["admin"].post("/api/invitations", json={"email": "ann@example.org"})
    deliver(context)
    assert post[0].mails[0]["Subject"] == "Come in"
    assert "and $unknown stays" in post[0].text()


def test_one_link_makes_one_user_however_many_follow_it_at_once(callers: Callers, context: Context) -> None:
    from concurrent.futures import ThreadPoolExecutor

    link = callers["admin"].post("/api/invitations", json={}).json()["link"].rpartition("/")[2]
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(confirm, callers["anonymous"], link, username=f"Ann {n}", password=GOOD) for n in (1, 2)]
        statuses = sorted(future.result(60)[0] for future in asked)
    assert statuses == [200, 404]
    with context.database.read(SYSTEM) as session:
        assert len(session.scalars(select(User).where(User.name.startswith("Ann"))).all()) == 1
