"""The people of the tests: everyone who may call, as a client that carries their credential."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from starlette.testclient import TestClient

from otolith.accounts.credentials import csrf_of, digest, new_token, shown_part
from otolith.accounts.models import ApiToken, Membership, User, UserSession, Workspace
from otolith.accounts.names import fold
from otolith.accounts.passwords import passwords_of
from otolith.accounts.service import home_workspace
from otolith.accounts.sessions.secrets import first_pair
from otolith.core.actor import SYSTEM, Actor, ServerRole, WorkspaceRole
from otolith.core.context import Context
from otolith.core.db import now
from otolith.core.ids import new_id

# Who may call, and what they are in the Home workspace; `stranger` owns another one.
MEMBERS: Mapping[str, WorkspaceRole] = {"viewer": "viewer", "editor": "editor", "owner": "owner", "admin": "owner"}
REFUSED = ("anonymous", "unknown-token", "expired-token", "revoked-token", "deactivated")
KINDS = (*REFUSED, *MEMBERS, "readonly", "stranger")


def add_user(context: Context, name: str, *, role: ServerRole = "user", password: str = "", **columns: Any) -> User:
    hashed = passwords_of(context.settings.accounts).hash(password) if password else None
    user = User(id=new_id(), name=name, name_key=fold(name), role=role, password_hash=hashed, **columns)
    with context.database.write(SYSTEM) as session:
        session.add(user)
    return user


def add_workspace(context: Context, name: str) -> UUID:
    workspace = Workspace(id=new_id(), name=name)
    with context.database.write(SYSTEM) as session:
        session.add(workspace)
    return workspace.id


def join(context: Context, workspace: UUID, user: User, role: WorkspaceRole) -> None:
    with context.database.write(SYSTEM) as session:
        session.add(Membership(workspace_id=workspace, user_id=user.id, role=role))


def add_token(context: Context, user: User, **columns: Any) -> str:
    secret = new_token()
    columns.setdefault("scopes", ["read", "write", "admin"])
    token = ApiToken(user_id=user.id, name="test", prefix=shown_part(secret), secret_hash=digest(secret), **columns)
    with context.database.write(SYSTEM) as session:
        session.add(token)
    return secret


def browser_of(app: FastAPI, context: Context, user: User) -> TestClient:
    """A client that carries a session and the CSRF header, as the pages' scripts do."""
    pair, until = first_pair(), now() + dt.timedelta(days=1)
    secret = pair.access
    seat = UserSession(
        secret_hash=digest(secret),
        refresh_hash=digest(pair.refresh),
        user_id=user.id,
        access_until=until,
        expires_at=until,
    )
    with context.database.write(SYSTEM) as session:
        session.add(seat)
    browser = TestClient(app, headers={"X-CSRF-Token": csrf_of(secret)})
    browser.cookies.set("otolith_session", secret)
    return browser


@dataclass(frozen=True)
class Callers:
    """Clients by the kind of their caller, and the two workspaces they live in.

    `callers[kind]` carries an API token; `callers.browsers[kind]` carries a session.
    """

    clients: Mapping[str, TestClient]
    browsers: Mapping[str, TestClient]
    actors: Mapping[str, Actor]
    home: UUID
    elsewhere: UUID

    def __getitem__(self, kind: str) -> TestClient:
        return self.clients[kind]


def make_callers(app: FastAPI, context: Context) -> Callers:
    """Everyone in `KINDS`; the accounts of the first start must be there."""
    with context.database.read(SYSTEM) as session:
        home = home_workspace(session).id
    elsewhere = add_workspace(context, "Elsewhere")
    people = dict(_people(context, home, elsewhere))
    past = now() - dt.timedelta(seconds=1)
    tokens = {kind: add_token(context, user) for kind, user in people.items()}
    tokens["unknown-token"] = new_token()
    tokens["expired-token"] = add_token(context, people["owner"], expires_at=past)
    tokens["revoked-token"] = add_token(context, people["owner"], revoked_at=past)
    clients = {kind: TestClient(app, headers={"X-API-Token": token}) for kind, token in tokens.items()}
    clients["anonymous"] = TestClient(app)
    actors = {kind: _actor_of(kind, user, home, elsewhere) for kind, user in people.items()}
    browsers = {kind: browser_of(app, context, user) for kind, user in people.items()}
    return Callers(clients, browsers, actors, home, elsewhere)


def _actor_of(kind: str, user: User, home: UUID, elsewhere: UUID) -> Actor:
    memberships: dict[UUID, WorkspaceRole] = {home: MEMBERS.get(kind, "viewer")}
    if kind == "stranger":
        memberships = {elsewhere: "owner"}
    return Actor(kind="user", user_id=user.id, user_name=user.name, role=user.role, memberships=memberships)


def _people(context: Context, home: UUID, elsewhere: UUID) -> Iterator[tuple[str, User]]:
    for kind, role in MEMBERS.items():
        user = add_user(context, f"the {kind}", role="admin" if kind == "admin" else "user")
        join(context, home, user, role)
        yield kind, user
    readonly = add_user(context, "the reader", role="readonly")
    join(context, home, readonly, "viewer")
    yield "readonly", readonly
    gone = add_user(context, "the one who left", active=False)
    join(context, home, gone, "owner")
    yield "deactivated", gone
    stranger = add_user(context, "the stranger")
    join(context, elsewhere, stranger, "owner")
    yield "stranger", stranger
