"""The people of the tests: everyone who may call, as a client that carries their credential."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
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
# Their names, and what their rows say beside.
PEOPLE: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    **{kind: (f"the {kind}", {"role": "admin" if kind == "admin" else "user"}) for kind in MEMBERS},
    "readonly": ("the reader", {"role": "readonly"}),
    "deactivated": ("the one who left", {"active": False}),
    "stranger": ("the stranger", {}),
}


def new_user(name: str, *, role: ServerRole = "user", **columns: Any) -> User:
    return User(id=new_id(), name=name, name_key=fold(name), role=role, **columns)


def add_user(context: Context, name: str, *, role: ServerRole = "user", password: str = "", **columns: Any) -> User:
    hashed = passwords_of(context.settings.accounts).hash(password) if password else None
    user = new_user(name, role=role, password_hash=hashed, **columns)
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


def token_of(user: User, **columns: Any) -> tuple[str, ApiToken]:
    """A token's secret, and its row, which is yet to be stored."""
    secret = new_token()
    columns.setdefault("scopes", ["read", "write", "admin"])
    kept = {"prefix": shown_part(secret), "secret_hash": digest(secret)}
    return secret, ApiToken(user_id=user.id, name="test", **kept, **columns)


def add_token(context: Context, user: User, **columns: Any) -> str:
    secret, token = token_of(user, **columns)
    with context.database.write(SYSTEM) as session:
        session.add(token)
    return secret


def session_of(user: User) -> tuple[str, UserSession]:
    """A session's secret, and its row, which is yet to be stored."""
    pair, until = first_pair(), now() + dt.timedelta(days=1)
    hashes = {"secret_hash": digest(pair.access), "refresh_hash": digest(pair.refresh)}
    return pair.access, UserSession(user_id=user.id, access_until=until, expires_at=until, **hashes)


def browser_with(app: FastAPI, secret: str) -> TestClient:
    browser = TestClient(app, headers={"X-CSRF-Token": csrf_of(secret)})
    browser.cookies.set("otolith_session", secret)
    return browser


def browser_of(app: FastAPI, context: Context, user: User) -> TestClient:
    """A client that carries a session and the CSRF header, as the pages' scripts do."""
    secret, seat = session_of(user)
    with context.database.write(SYSTEM) as session:
        session.add(seat)
    return browser_with(app, secret)


class Made(Mapping[str, TestClient]):
    """Clients by kind, each made when it is first asked for: a test needs few of them."""

    def __init__(self, make: Callable[[str], TestClient], kinds: Iterable[str]) -> None:
        self._make, self._kinds = make, tuple(kinds)
        self._made: dict[str, TestClient] = {}

    def __getitem__(self, kind: str) -> TestClient:
        if kind not in self._kinds:
            raise KeyError(kind)
        if kind not in self._made:
            self._made[kind] = self._make(kind)
        return self._made[kind]

    def __iter__(self) -> Iterator[str]:
        return iter(self._kinds)

    def __len__(self) -> int:
        return len(self._kinds)


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
    people = {kind: new_user(name, **columns) for kind, (name, columns) in PEOPLE.items()}
    past = now() - dt.timedelta(seconds=1)
    tokens = {kind: token_of(user) for kind, user in people.items()}
    tokens["expired-token"] = token_of(people["owner"], expires_at=past)
    tokens["revoked-token"] = token_of(people["owner"], revoked_at=past)
    sessions = {kind: session_of(user) for kind, user in people.items()}
    roles: Mapping[str, WorkspaceRole] = {**MEMBERS, "readonly": "viewer", "deactivated": "owner", "stranger": "owner"}
    with context.database.write(SYSTEM) as session:
        session.add_all(people.values())
        session.flush()
        for kind, role in roles.items():
            place = elsewhere if kind == "stranger" else home
            session.add(Membership(workspace_id=place, user_id=people[kind].id, role=role))
        session.add_all(row for _, row in [*tokens.values(), *sessions.values()])
    secrets = {"unknown-token": new_token()} | {kind: secret for kind, (secret, _) in tokens.items()}

    def client(kind: str) -> TestClient:
        return TestClient(app, headers={"X-API-Token": secrets[kind]} if kind in secrets else {})

    actors = {kind: _actor_of(kind, user, home, elsewhere) for kind, user in people.items()}
    browsers = Made(lambda kind: browser_with(app, sessions[kind][0]), people)
    return Callers(Made(client, [*secrets, "anonymous"]), browsers, actors, home, elsewhere)


def _actor_of(kind: str, user: User, home: UUID, elsewhere: UUID) -> Actor:
    memberships: dict[UUID, WorkspaceRole] = {home: MEMBERS.get(kind, "viewer")}
    if kind == "stranger":
        memberships = {elsewhere: "owner"}
    return Actor(kind="user", user_id=user.id, user_name=user.name, role=user.role, memberships=memberships)
