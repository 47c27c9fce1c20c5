"""Everybody who may call, and a workspace with one of everything in it."""

from pathlib import Path

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from otolith.accounts.models import User
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from tests.accounts.permissions.world import World, make_world
from tests.callers import Callers, add_token

# `nobody` has no credential; `wrong`, `expired` and `revoked` are tokens; `gone` is the session of a user who was
# deactivated; `stranger` owns another workspace; then come the members of this one, all with a session; `token` is one
# that the owner gave the scopes `read` and `write`.
CALLERS = (
    *("nobody", "wrong", "expired", "revoked", "gone", "stranger"),
    *("viewer", "editor", "owner", "admin", "readonly", "token"),
)


@pytest.fixture
def clients(callers: Callers, context: Context) -> dict[str, TestClient]:
    kinds = {"nobody": "anonymous", "wrong": "unknown-token", "expired": "expired-token", "revoked": "revoked-token"}
    found = {name: callers[kind] for name, kind in kinds.items()}
    found["gone"] = callers.browsers["deactivated"]
    found |= {kind: callers.browsers[kind] for kind in CALLERS if kind in callers.browsers}
    with context.database.read(SYSTEM) as session:
        owner = session.scalars(select(User).where(User.name == "the owner")).one()
    secret = add_token(context, owner, scopes=["read", "write"])
    found["token"] = TestClient(callers["anonymous"].app, headers={"X-API-Token": secret})
    for client in found.values():
        client.follow_redirects = False
    return found


@pytest.fixture
def world(context: Context, callers: Callers, tmp_path: Path) -> World:
    return make_world(context, callers, tmp_path / "music")
