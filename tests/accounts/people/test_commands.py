"""`otolith user`, with the server stopped."""

import json

import pytest
from typer.testing import CliRunner

from otolith.accounts.seeding import seed
from otolith.accounts.sessions.signing import WrongPassword, sign_in
from otolith.cli import app
from otolith.core.context import Context
from otolith.core.settings import Settings
from tests.conftest import ADMIN_PASSWORD


@pytest.fixture
def run(settings: Settings, context: Context, monkeypatch: pytest.MonkeyPatch) -> "Run":
    seed(context)
    monkeypatch.setenv("OTOLITH_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("OTOLITH_ACCOUNTS_HASH_MEMORY", "19922944")
    monkeypatch.setenv("OTOLITH_ACCOUNTS_HASH_ROUNDS", "2")
    return Run(str(settings.data))


class Run:
    """The command on this test's database."""

    def __init__(self, data: str) -> None:
        self._data = data

    def __call__(self, *arguments: str, given: str = "", code: int = 0) -> dict[str, object]:
        answer = CliRunner().invoke(app, ["user", *arguments, "--data", self._data, "--json"], input=given)
        assert answer.exit_code == code, answer.output
        told: dict[str, object] = json.loads(answer.stdout)
        return told


def test_a_user_is_made_changed_and_deleted(run: Run, context: Context) -> None:
    made = run("add", "Ann", "--email", "ann@example.org", "--role", "readonly")
    assert sign_in(context, "ann@example.org", str(made["password"])).user_name == "Ann"
    assert run("list")["total"] == 2
    assert run("set-role", "ann", "user")["role"] == "user"
    assert run("deactivate", "Ann")["active"] is False
    with pytest.raises(WrongPassword):
        sign_in(context, "Ann", str(made["password"]))
    assert run("activate", "Ann")["active"] is True
    assert run("show", "Ann")["email"] == "ann@example.org"
    run("delete", "Ann")
    assert "There is no user Ann" in str(run("show", "Ann", code=1)["error"])


def test_a_lost_password_is_replaced(run: Run, context: Context) -> None:
    told = run("reset-password", "admin", "--password-stdin", given="lamp orbit velvet canyon\n")
    assert "password" not in told
    assert sign_in(context, "admin", "lamp orbit velvet canyon").user_name == "admin"
    with pytest.raises(WrongPassword):
        sign_in(context, "admin", ADMIN_PASSWORD)
    shown = run("reset-password", "admin")
    assert sign_in(context, "admin", str(shown["password"])).user_name == "admin"


def test_what_may_not_be_is_said(run: Run) -> None:
    assert "last administrator" in str(run("deactivate", "admin", code=1)["error"])
    assert "at least 12" in str(run("add", "Bob", "--password-stdin", given="short\n", code=1)["error"])
