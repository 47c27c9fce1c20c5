"""`otolith token` and `otolith workspace` on a data folder."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs
from typer.testing import CliRunner, Result

from otolith.accounts.granting.commands import feature_commands
from otolith.accounts.tokens.commands import token_commands
from otolith.accounts.tokens.service import BadToken, actor_of_token
from otolith.accounts.workspaces.commands import workspace_commands
from otolith.core.context import Context
from otolith.core.settings import Settings
from otolith.local import opened
from tests.callers import add_user

Run = Callable[..., Result]


@pytest.fixture
def run(settings: Settings, context: Context, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command over the test's database, and expect it to end well unless told otherwise."""
    monkeypatch.setattr("otolith.accounts.commands.settings_for", lambda _data: settings)
    apps = {
        "token": token_commands(opened),
        "workspace": workspace_commands(opened),
        "feature": feature_commands(opened),
    }

    def command(group: str, *arguments: str, code: int = 0) -> Result:
        # The program sets its log up apart from stdout; here nothing did.
        with capture_logs():
            result = CliRunner().invoke(apps[group], [*arguments])
        assert result.exit_code == code, result.output
        return result

    return command


def plain(result: Result) -> Any:
    return json.loads(result.stdout)


def test_a_token_is_made_listed_renewed_and_ended(run: Run, context: Context) -> None:
    made = run("token", "create", "backup", "--scope", "read", "--feature", "library", "--days", "2")
    secret = made.stdout.strip()
    actor = actor_of_token(context, secret)
    assert (actor.user_name, actor.role, set(actor.features)) == ("admin", "readonly", {"library"})
    assert secret not in run("token", "list").stdout
    (listed,) = plain(run("token", "list", "--json"))
    assert (listed["name"], listed["username"], listed["scopes"]) == ("backup", "admin", ["read"])
    again = plain(run("token", "rotate", listed["id"], "--json"))["token"]
    assert actor_of_token(context, again).token_id == actor.token_id
    with pytest.raises(BadToken):
        actor_of_token(context, secret)
    run("token", "revoke", listed["id"])
    with pytest.raises(BadToken):
        actor_of_token(context, again)


def test_a_token_for_somebody_else_in_one_workspace(run: Run, context: Context) -> None:
    run("token", "list")
    ada = add_user(context, "ada")
    run("workspace", "create", "Studio", "--owner", "ada")
    secret = run("token", "create", "x", "--user", "ADA", "--workspace", "Studio").stdout.strip()
    actor = actor_of_token(context, secret)
    assert actor.user_id == ada.id
    assert list(actor.memberships.values()) == ["owner"]
    assert [one["username"] for one in plain(run("token", "list", "--all", "--json"))] == ["ada"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create", "x", "--user", "nobody"), "no active user"),
        (("create", "x", "--workspace", "Nowhere"), "no such workspace"),
        (("revoke", "01920000-0000-7000-8000-000000000000"), "no such token"),
    ],
)
def test_what_is_not_there_is_said(run: Run, arguments: tuple[str, ...], said: str) -> None:
    assert said in run("token", *arguments, code=1).stderr


@pytest.mark.parametrize("option", [("--scope", "all"), ("--feature", "telepathy"), ("--network", "here")])
def test_what_makes_no_sense_is_said(run: Run, option: tuple[str, str]) -> None:
    assert option[0][2:] in run("token", "create", "x", *option, code=2).stderr


def test_a_workspace_lives_and_dies(run: Run, context: Context) -> None:
    run("workspace", "list")
    for name in ("ada", "bob"):
        add_user(context, name)
    run("workspace", "create", "Studio", "--owner", "ada")
    run("workspace", "add", "Studio", "bob")
    run("workspace", "set-role", "Studio", "bob", "editor")
    members = plain(run("workspace", "members", "Studio", "--json"))
    assert {one["username"]: one["role"] for one in members} == {"ada": "owner", "bob": "editor"}
    assert "needs an owner" in run("workspace", "remove", "Studio", "ada", code=1).stderr
    run("workspace", "remove", "Studio", "bob")
    run("workspace", "rename", "Studio", "Atelier")
    assert "Studio" not in run("workspace", "list").stdout
    run("workspace", "delete", "Atelier", "--yes")
    assert [one["name"] for one in plain(run("workspace", "list", "--json"))] == ["Home"]
    assert "cannot be deleted" in run("workspace", "delete", "Home", "--yes", code=1).stderr


def test_features_are_granted_by_name_or_by_role(run: Run, context: Context) -> None:
    run("workspace", "list")
    add_user(context, "ada")
    assert "by the role" in run("feature", "show", "ada").stdout
    run("feature", "set", "ada", "library", "audd")
    assert plain(run("feature", "show", "ada", "--json"))["features"] == ["audd", "library"]
    assert "by name: nothing" in run("feature", "set", "ada").stdout
    assert plain(run("feature", "set", "ada", "--by-role", "--json"))["granted"] is None
    assert "no feature telepathy" in run("feature", "set", "ada", "telepathy", code=2).stderr
