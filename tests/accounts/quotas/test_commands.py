"""`otolith quota` and `otolith seed` on this machine."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from otolith.accounts import queries
from otolith.accounts.models import ApiToken
from otolith.cli import app as commands
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.db import Database
from tests.callers import add_user
from tests.conftest import ADMIN_PASSWORD


@pytest.fixture
def folder(context: Context, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder whose database commands find in the environment."""
    monkeypatch.setenv("OTOLITH_DATABASE_URL", context.settings.database_url)
    monkeypatch.setenv("OTOLITH_ADMIN_PASSWORD", ADMIN_PASSWORD)
    monkeypatch.setenv("OTOLITH_ACCOUNTS_HASH_MEMORY", "19MiB")
    monkeypatch.setenv("OTOLITH_ACCOUNTS_HASH_ROUNDS", "2")
    return context.settings.data


def run(folder: Path, *arguments: str) -> Any:
    return CliRunner().invoke(commands, [*arguments, "--data", str(folder)])


def storage_of(document: str) -> dict[str, Any]:
    return next(one for one in json.loads(document)["quotas"] if one["kind"] == "storage")


def test_a_quota_is_set_shown_and_left_to_the_settings_again(context: Context, folder: Path) -> None:
    add_user(context, "Ann")
    for amount, bound in (("5gb", 5_000_000_000), ("unlimited", None), ("7", 7), ("default", None)):
        done = run(folder, "quota", "set", "storage", amount, "--user", "ANN", "--json")
        assert done.exit_code == 0, done.output
        assert storage_of(done.stdout)["amount"] == bound
    assert "storage" in run(folder, "quota", "list", "--user", "Ann").stdout
    assert run(folder, "quota", "reset", "lookups.audd", "--workspace", "Home").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["list"], "Name either --user or --workspace."),
        (["list", "--user", "nobody"], "There is no user called nobody."),
        (["set", "cakes", "5", "--workspace", "Home"], "There is no quota of this kind"),
        (["set", "storage", "many", "--workspace", "Home"], "many is no amount"),
    ],
)
def test_mistakes_are_told_in_a_sentence(folder: Path, arguments: list[str], said: str) -> None:
    failed = run(folder, "quota", *arguments, "--json")
    assert failed.exit_code == 1
    assert json.loads(failed.stdout)["error"].startswith(said)


def test_seeding_makes_the_accounts_and_follows_rotated_secrets(
    database: Database, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for token in ("a-token-of-its-own-1", "a-token-of-its-own-1", "another-token-of-its-own"):
        monkeypatch.setenv("OTOLITH_ADMIN_TOKEN", token)
        done = run(folder, "seed", "--json")
        assert (done.exit_code, json.loads(done.stdout)["admin"]) == (0, "admin")
    with database.read(SYSTEM) as session:
        admin = queries.user_by_name(session, "admin")
        assert admin is not None
        revoked = session.scalars(select(ApiToken.revoked_at).where(ApiToken.user_id == admin.id)).all()
    assert sorted(one is None for one in revoked) == [False, True]
