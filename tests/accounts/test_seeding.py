"""The first start, and many first starts at once."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import func, select, update

from otolith.accounts.models import ApiToken, Membership, User, Workspace
from otolith.accounts.service import home_workspace, seed
from otolith.accounts.sessions.callers import actor_of_session
from otolith.accounts.sessions.signing import WrongPassword, sign_in
from otolith.accounts.tokens.service import BadToken, actor_of_token
from otolith.composition import build_context
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.settings import AdminSettings, ReadonlySettings, Settings
from tests.accounts.starting import start_together


def under(settings: Settings, **changes: Any) -> Context:
    return build_context(settings.model_copy(update=changes))


def counts(context: Context) -> list[int]:
    with context.database.read(SYSTEM) as session:
        return [session.scalar(select(func.count()).select_from(table)) or 0 for table in (User, Workspace, Membership)]


def test_the_first_start_makes_home_and_an_admin_with_a_random_password(settings: Settings) -> None:
    context = under(settings, admin=AdminSettings())
    seeded = seed(context)
    assert seeded.password is not None
    assert len(seeded.password) >= 20
    assert seeded.password not in repr(seeded)
    assert sign_in(context, "admin", seeded.password).user_name == "admin"
    with context.database.read(SYSTEM) as session:
        home = home_workspace(session)
        member = session.scalars(select(Membership)).one()
    assert (home.name, member.workspace_id, member.role) == ("Home", home.id, "owner")
    again = seed(context)
    assert again.password is None
    assert counts(context) == [1, 1, 1]
    context.close()


def test_a_password_from_the_settings_is_not_shown(context: Context) -> None:
    assert seed(context).password is None


def test_the_settings_name_the_admin_and_both_tokens(settings: Settings) -> None:
    admin = AdminSettings(username="chef", password=SecretStr("a long password"), token=SecretStr("t" * 40))
    context = under(settings, admin=admin, readonly=ReadonlySettings(token=SecretStr("r" * 40)))
    seed(context)
    assert actor_of_token(context, "t" * 40).role == "admin"
    reader = actor_of_token(context, "r" * 40)
    assert (reader.user_name, reader.role, list(reader.memberships.values())) == ("readonly", "readonly", ["viewer"])
    seed(context)
    with context.database.read(SYSTEM) as session:
        assert len(session.scalars(select(ApiToken)).all()) == 2
    context.close()


def test_a_rotated_token_replaces_the_one_before(settings: Settings) -> None:
    for token in ("first" * 8, "second" * 8, "first" * 8):
        context = under(settings, admin=AdminSettings(password=settings.admin.password, token=SecretStr(token)))
        seed(context)
        assert actor_of_token(context, token).is_admin
        for other in {"first" * 8, "second" * 8} - {token}:
            with pytest.raises(BadToken):
                actor_of_token(context, other)
        context.close()
    context = under(settings)
    seed(context)
    with pytest.raises(BadToken):
        actor_of_token(context, "first" * 8)
    context.close()


def test_a_rotated_password_replaces_the_one_before_but_not_ones_own(settings: Settings) -> None:
    first = under(settings, admin=AdminSettings(password=SecretStr("the first password")))
    seed(first)
    before = sign_in(first, "admin", "the first password")
    assert actor_of_session(first, before.secret).is_admin
    second = under(settings, admin=AdminSettings(password=SecretStr("the second password")))
    seed(second)
    assert actor_of_session(second, before.secret).kind == "anonymous"
    with pytest.raises(WrongPassword):
        sign_in(second, "admin", "the first password")
    sign_in(second, "admin", "the second password")
    from otolith.accounts.passwords import passwords_of

    own = passwords_of(settings.accounts).hash("chosen in the pages")
    with second.database.write(SYSTEM) as session:
        session.execute(update(User).values(password_hash=own))
    seed(second)
    sign_in(second, "admin", "chosen in the pages")
    first.close()
    second.close()


def test_a_renamed_admin_does_not_come_back(settings: Settings) -> None:
    context = under(settings, admin=AdminSettings())
    seed(context)
    with context.database.write(SYSTEM) as session:
        session.execute(update(User).values(name="Ann", name_key="ann"))
    assert seed(context).password is None
    assert counts(context) == [1, 1, 1]
    context.close()


def test_a_readonly_setting_does_not_make_a_namesake_of_it(settings: Settings) -> None:
    context = under(settings, readonly=ReadonlySettings(token=SecretStr("r" * 40)))
    seed(context)
    seed(context)
    assert counts(context) == [2, 1, 2]
    context.close()


@pytest.mark.parametrize("empty", [True, False], ids=["empty database", "migrated database"])
def test_eight_processes_may_start_at_once(
    settings: Settings, context: Context, empty: bool, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url = settings.database_url
    if empty and context.database.is_sqlite:
        url = f"sqlite:///{tmp_path / 'empty.db'}"
    elif empty:
        url = request.getfixturevalue("postgres").create_database(f"empty_{uuid4().hex}")
    started = start_together(url, tmp_path / "data", 8)
    assert len({home for home, _ in started}) == 1
    shown = [text for _, text in started if text]
    assert len(shown) == 1
    check = build_context(settings.model_copy(update={"database_url": url}))
    assert counts(check) == [1, 1, 1]
    assert actor_of_token(check, "t" * 40).is_admin
    password = shown[0].split("with the password ")[1].split()[0]
    assert sign_in(check, "admin", password).user_name == "admin"
    check.close()
