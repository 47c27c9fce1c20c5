"""One-time codes: what the standard says, signing in with them, and what a wrong or used one is worth."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from otolith.accounts.factors import codes
from otolith.accounts.factors.service import CodeWanted, WrongCode, begin_setup
from otolith.accounts.models import AccountLink, CodeGenerator, User
from otolith.accounts.sessions.signing import ChallengeOver, Seat, answer, sign_in
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.db import now
from tests.callers import Callers, add_user, browser_of

PASSWORD = "the old password"
# RFC 6238, appendix B: the secret "12345678901234567890" and the codes of SHA-1, their last six digits.
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
TRUTH = {59: "287082", 1111111109: "081804", 1234567890: "005924", 20000000000: "353130"}


@pytest.mark.parametrize(("seconds", "code"), TRUTH.items())
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    assert codes.code_at(SECRET, codes.step_of(seconds)) == code
    assert codes.matching_step(SECRET, f"{code[:3]} {code[3:]}", seconds, None) == seconds // 30


def test_a_code_lasts_for_a_step_around_its_own_and_works_once() -> None:
    code = codes.code_at(SECRET, 100)
    found = [codes.matching_step(SECRET, code, step * 30, None) for step in (98, 99, 100, 101, 102)]
    assert found == [None, 100, 100, 100, None]
    assert codes.matching_step(SECRET, code, 3000, 100) is None
    assert codes.matching_step(SECRET, "", 3000, None) is None


def current(secret: str, ahead: int = 0) -> str:
    return codes.code_at(secret, codes.step_of(now().timestamp()) + ahead)


def with_codes(callers: Callers, context: Context) -> tuple[User, str, list[str]]:
    """A user who switched codes on, the secret of the app, and the recovery codes."""
    ann = add_user(context, "Ann", password=PASSWORD)
    browser = browser_of(callers["anonymous"].app, context, ann)  # type: ignore[arg-type]  # The tests' app.
    assert browser.post("/api/account/codes", json={"current": "wrong"}).status_code == 403
    made = browser.post("/api/account/codes", json={"current": PASSWORD}).json()
    assert f"secret={made['secret']}" in made["address"]
    assert sign_in(context, "Ann", PASSWORD).user_name == "Ann"  # Nothing is asked before a code was confirmed.
    assert browser.post("/api/account/codes/confirm", json={"code": "abc"}).status_code == 403
    kept = browser.post("/api/account/codes/confirm", json={"code": current(made["secret"])})
    assert kept.status_code == 200
    assert browser.post("/api/account/codes", json={"current": PASSWORD}).status_code == 409
    # What was just confirmed is used up; the tests may use the next one.
    return ann, made["secret"], kept.json()["codes"]


def challenge(context: Context) -> str:
    with pytest.raises(CodeWanted) as asked:
        sign_in(context, "Ann", PASSWORD, remember=True)
    return str(asked.value.extra["challenge"])


def test_signing_in_takes_the_password_and_a_code(callers: Callers, context: Context) -> None:
    _, secret, _ = with_codes(callers, context)
    client = TestClient(callers["anonymous"].app)
    half = client.post("/api/auth/login", json={"username": "Ann", "password": PASSWORD})
    assert (half.status_code, half.json()["type"]) == (401, "urn:otolith:problem:code-wanted")
    assert "set-cookie" not in half.headers
    given = {"challenge": half.json()["challenge"], "code": current(secret)}
    assert client.post("/api/auth/login/code", json=given).status_code == 401  # Used when it was confirmed.
    whole = client.post("/api/auth/login/code", json={**given, "code": current(secret, 1)})
    assert whole.status_code == 200
    assert client.get("/whoami").json()["username"] == "Ann"
    assert client.post("/api/auth/login/code", json=given).status_code == 401


def test_a_recovery_code_works_once_however_it_is_typed(callers: Callers, context: Context) -> None:
    _, _, kept = with_codes(callers, context)
    assert len(set(kept)) == 10
    signed_in = answer(context, challenge(context), kept[0].upper().replace("-", " "), Seat())
    assert signed_in.expires_at > now() + dt.timedelta(days=29)  # Whether to remember was said with the password.
    with pytest.raises(WrongCode):
        answer(context, challenge(context), kept[0], Seat())


def test_a_challenge_bears_five_tries_and_five_minutes(callers: Callers, context: Context) -> None:
    _, _, kept = with_codes(callers, context)
    context.settings.limits.enabled = False
    asked = challenge(context)
    for _ in range(5):
        with pytest.raises(WrongCode):
            answer(context, asked, "000000", Seat())
    with pytest.raises(ChallengeOver):
        answer(context, asked, kept[0], Seat())
    late = challenge(context)
    with context.database.write(SYSTEM) as session:
        session.execute(update(AccountLink).values(expires_at=now() - dt.timedelta(seconds=1)))
    with pytest.raises(ChallengeOver):
        answer(context, late, kept[0], Seat())


def test_codes_that_are_set_up_twice_at_once_are_those_of_one(context: Context) -> None:
    ann = add_user(context, "Ann", password=PASSWORD)
    with ThreadPoolExecutor(4) as pool:
        made = [one.secret for one in pool.map(lambda _: begin_setup(context, ann), range(4))]
    with context.database.read(SYSTEM) as session:
        assert session.get_one(CodeGenerator, ann.id).secret in made


def test_codes_are_switched_off_with_the_password(callers: Callers, context: Context) -> None:
    ann, _, _ = with_codes(callers, context)
    browser = browser_of(callers["anonymous"].app, context, ann)  # type: ignore[arg-type]  # The tests' app.
    assert browser.request("DELETE", "/api/account/codes", json={"current": "wrong"}).status_code == 403
    assert browser.request("DELETE", "/api/account/codes", json={"current": PASSWORD}).status_code == 204
    assert sign_in(context, "Ann", PASSWORD).user_name == "Ann"


def test_the_pages_lead_through_codes(callers: Callers, context: Context) -> None:
    ann = add_user(context, "Ann", password=PASSWORD)
    app = callers["anonymous"].app
    browser = browser_of(app, context, ann)  # type: ignore[arg-type]  # The tests' app.
    shown = browser.post("/account/codes", data={"current": PASSWORD})
    assert "<svg" in shown.text
    with context.database.read(SYSTEM) as session:
        generator = session.get(CodeGenerator, ann.id)
    assert generator is not None
    assert generator.secret in shown.text
    kept = browser.post("/account/codes/confirm", data={"code": current(generator.secret)})
    recovery = kept.text.partition("<li><code>")[2].partition("<")[0]
    guest = TestClient(app, follow_redirects=False)
    asked = guest.post("/sign-in", data={"username": "Ann", "password": PASSWORD, "next": "/account"})
    assert asked.status_code == 200
    secret = asked.text.partition('name="challenge" value="')[2].partition('"')[0]
    wrong = guest.post("/sign-in/code", data={"challenge": secret, "code": "000000", "next": "/account"})
    assert wrong.status_code == 401
    assert "was used already" in wrong.text
    right = guest.post("/sign-in/code", data={"challenge": secret, "code": recovery, "next": "/account"})
    assert (right.status_code, right.headers["location"]) == (303, "/account")
    assert "9 recovery codes are left" in guest.get("/account").text
    off = browser.post("/account/codes/off", data={"current": PASSWORD})
    assert "Codes are asked for no more." in off.text
