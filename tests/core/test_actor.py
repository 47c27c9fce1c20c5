"""Who may see and change what, decided in one place."""

from uuid import uuid4

import pytest

from otolith.core.actor import ANONYMOUS, SYSTEM, Actor, ServerRole, WorkspaceRole
from otolith.core.sizes import parse_size

HERE, THERE = uuid4(), uuid4()


def member(role: WorkspaceRole, server: ServerRole = "user") -> Actor:
    return Actor(kind="user", user_id=uuid4(), role=server, memberships={HERE: role})


@pytest.mark.parametrize(
    ("actor", "sees", "edits"),
    [
        (ANONYMOUS, False, False),
        (SYSTEM, True, True),
        (member("viewer"), True, False),
        (member("editor"), True, True),
        (member("owner"), True, True),
        (member("owner", "readonly"), True, False),
        (member("viewer", "admin"), True, False),
    ],
)
def test_roles_decide_about_the_own_workspace(actor: Actor, sees: bool, edits: bool) -> None:
    assert actor.may_see(HERE) == sees
    assert actor.may_edit(HERE) == edits


@pytest.mark.parametrize("actor", [ANONYMOUS, member("owner"), member("owner", "admin")])
def test_nobody_but_the_system_reaches_another_workspace(actor: Actor) -> None:
    for workspace in (THERE, None):
        assert not actor.may_see(workspace)
        assert not actor.may_edit(workspace)
        assert SYSTEM.may_see(workspace)


def test_administrators_are_people_with_that_role_and_the_system() -> None:
    assert member("viewer", "admin").is_admin
    assert SYSTEM.is_admin
    assert not member("owner").is_admin
    assert not Actor(kind="anonymous", role="admin").is_admin


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("100", 100),
        ("100mb", 10**8),
        ("1GiB", 2**30),
        ("1.5 kB", 1500),
        (" 2T ", 2 * 10**12),
        ("512MiB", 2**29),
        (7, 7),
    ],
)
def test_sizes_are_read_as_people_write_them(text: object, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "mb", "-1", "1e9", "1 zb", "ten"])
def test_what_is_no_size_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="100mb"):
        parse_size(text)
