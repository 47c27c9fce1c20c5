"""What can be guessed at besides the sign-in itself, and what the delays must not tell or take away."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from otolith.accounts.factors.service import CodeWanted, WrongCode, begin_setup
from otolith.accounts.limits.guessing import FREE, TooManyGuesses, remember_browser
from otolith.accounts.models import CodeGenerator, User
from otolith.accounts.sessions.signing import Seat, WrongPassword, answer, sign_in
from otolith.composition import build_context
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.db import now
from otolith.core.settings import LimitSettings, Settings
from tests.callers import add_user, browser_of

PASSWORD = "the old password"
# More than are looked at however slow the machine is, since the delay doubles.
MANY = 4 * FREE


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"limits": LimitSettings()})


@pytest.fixture
def context(settings: Settings) -> Iterator[Context]:
    context = build_context(settings)
    yield context
    context.close()


@pytest.fixture
def ann(context: Context) -> User:
    return add_user(context, "Ann", password=PASSWORD, email="ann@example.org", email_key="ann@example.org")


def refused(context: Context, name: str, times: int) -> list[str]:
    """How so many wrong passwords for this name are answered."""
    found = []
    for _ in range(times):
        with pytest.raises((WrongPassword, TooManyGuesses)) as error:
            sign_in(context, name, "wrong")
        found.append(type(error.value).__name__)
    return found


def test_the_delay_of_a_name_does_not_tell_the_address_that_belongs_to_it(context: Context, ann: User) -> None:
    assert "TooManyGuesses" in refused(context, ann.name, MANY)
    assert refused(context, "ann@example.org", 1) == refused(context, "nobody@example.org", 1) == ["WrongPassword"]


CHANGES: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("POST", "/api/account/password", {"password": "lamp orbit velvet canyon"}),
    ("POST", "/api/account/codes", {}),
    ("DELETE", "/api/account/codes", {}),
    ("POST", "/api/account/address", {"email": "eve@example.org"}),
)


def test_a_stolen_session_cannot_try_passwords_for_long(
    app: FastAPI, client: TestClient, context: Context, ann: User
) -> None:
    assert client.get("/health").status_code == 200
    thief = browser_of(app, context, ann)
    tried = [CHANGES[number % len(CHANGES)] for number in range(MANY)]
    statuses = [thief.request(method, path, json={**body, "current": "w"}).status_code for method, path, body in tried]
    assert statuses[:FREE] == [403] * FREE
    assert 429 in statuses
    # Neither is anybody kept from signing in by that.
    assert sign_in(context, "Ann", PASSWORD).user_id == ann.id


def test_a_code_that_is_being_set_up_cannot_be_guessed(
    app: FastAPI, client: TestClient, context: Context, ann: User
) -> None:
    assert client.get("/health").status_code == 200
    begin_setup(context, ann)
    thief = browser_of(app, context, ann)
    path = "/api/account/codes/confirm"
    statuses = [thief.post(path, json={"code": "x"}).status_code for _ in range(MANY)]
    assert statuses[:FREE] == [403] * FREE
    assert 429 in statuses


def test_wrong_codes_of_others_do_not_delay_a_browser_that_is_known(context: Context, ann: User) -> None:
    begin_setup(context, ann)
    with context.database.write(SYSTEM) as session:
        session.get_one(CodeGenerator, ann.id).confirmed_at = now()
    remember_browser(context, ann.id, "hers")
    assert "TooManyGuesses" in [refusal_of_code(context) for _ in range(MANY)]
    assert refusal_of_code(context, "hers") == "WrongCode"


def refusal_of_code(context: Context, browser: str | None = None) -> str:
    with pytest.raises((WrongCode, TooManyGuesses)) as error:
        answer(context, challenge(context), "x", Seat(), browser=browser)
    return type(error.value).__name__


def challenge(context: Context) -> str:
    with pytest.raises(CodeWanted) as asked:
        sign_in(context, "Ann", PASSWORD)
    return str(asked.value.extra["challenge"])
