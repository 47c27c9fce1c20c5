"""What every route depends on: the context, the caller, and a transaction that ends before the response begins."""

from collections.abc import Callable, Iterator
from typing import Annotated

from fastapi import Depends
from fastapi.requests import HTTPConnection
from sqlalchemy.orm import Session

from otolith.core.actor import Actor
from otolith.core.context import Context
from otolith.core.errors import NotSignedIn

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
