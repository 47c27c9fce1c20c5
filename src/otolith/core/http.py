"""What every route depends on: the context, the caller, and a transaction that ends before the response begins."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends
from fastapi.requests import HTTPConnection
from sqlalchemy.orm import Session

from otolith.core.actor import Actor
from otolith.core.context import Context
from otolith.core.errors import NotAllowed, NotSignedIn
from otolith.core.features import Feature

Authenticate = Callable[[HTTPConnection], Actor]


def context_of(connection: HTTPConnection) -> Context:
    context: Context = connection.app.state.context
    return context


def maybe_actor(connection: HTTPConnection) -> Actor:
    """The caller, who may be nobody; found once a request. It asks the database, so call it from a thread."""
    known: Actor | None = getattr(connection.state, "actor", None)
    if known is None:
        authenticate: Authenticate = connection.app.state.authenticate
        known = authenticate(connection)
        connection.state.actor = known
    return known


def actor_of(connection: HTTPConnection) -> Actor:
    """The caller, who must be somebody."""
    actor = maybe_actor(connection)
    if actor.kind == "anonymous":
        raise NotSignedIn(headers={"WWW-Authenticate": "Bearer"})
    return actor


Ctx = Annotated[Context, Depends(context_of)]
MaybeActor = Annotated[Actor, Depends(maybe_actor)]
CurrentActor = Annotated[Actor, Depends(actor_of)]


class FeatureNotGranted(NotAllowed):
    """This feature was not granted to you, or your API token leaves it out; an administrator grants it."""


@dataclass(frozen=True)
class Needs:
    """The dependency of routes that belong to a feature."""

    feature: Feature

    def __call__(self, actor: CurrentActor) -> None:
        if not actor.may_use(self.feature):
            raise FeatureNotGranted(feature=self.feature)


def needs(feature: Feature) -> Any:
    """For the `dependencies` of a router or a route: callers who were not granted the feature are refused."""
    return Depends(Needs(feature))


def _reading(context: Ctx, actor: CurrentActor) -> Iterator[Session]:
    with context.database.read(actor) as session:
        yield session


def _writing(context: Ctx, actor: CurrentActor) -> Iterator[Session]:
    with context.database.write(actor) as session:
        yield session


# The function scope makes the commit happen before the response is sent, so that a failing commit is an error
# response and never a broken promise.
Reading = Annotated[Session, Depends(_reading, scope="function")]
Writing = Annotated[Session, Depends(_writing, scope="function")]
