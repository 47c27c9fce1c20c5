"""What accounts can do: say who calls, and prepare the first start."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy.orm import Session
from starlette.requests import HTTPConnection

from otolith.accounts import queries
from otolith.accounts.credentials import token_of
from otolith.accounts.models import ApiToken, User, Workspace
from otolith.accounts.seeding import Seeded, seed
from otolith.accounts.sessions.callers import actor_of_browser
from otolith.accounts.tokens.service import actor_of_token
from otolith.accounts.workspaces.queries import visible_workspaces
from otolith.core.actor import Actor
from otolith.core.context import Context
from otolith.core.errors import NotFound, NotSignedIn

__all__ = ["Seeded", "authenticate", "seed"]

log = structlog.get_logger(__name__)


def authenticate(context: Context) -> Callable[[HTTPConnection], Actor]:
    """A function that tells who makes a request. A token wins over a cookie; a wrong token is an error."""

    def find(connection: HTTPConnection) -> Actor:
        token = token_of(connection.headers)
        if token is not None:
            return actor_of_token(context, token, connection.client.host if connection.client else "")
        return actor_of_browser(context, connection)

    return find


@dataclass(frozen=True, slots=True)
class Self:
    """What callers may know about themselves."""

    user: User
    token: ApiToken | None
    workspaces: Sequence[Workspace]


def whoami(session: Session, actor: Actor) -> Self:
    found = queries.user_with_token(session, actor.user_id, actor.token_id)
    if found is None:
        raise NotSignedIn
    return Self(*found, visible_workspaces(session, actor))


def home_workspace(session: Session) -> Workspace:
    """The workspace of the first start; the commands of the machine's owner work in it."""
    workspace = queries.home_workspace(session)
    if workspace is None:
        detail = "This data folder was never started; run `otolith up` or `otolith migrate` first."
        raise NotFound(detail)
    return workspace
