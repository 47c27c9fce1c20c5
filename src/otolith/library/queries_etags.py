"""The statements about how new things are, which ETags are made from."""

import datetime as dt
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from otolith.core.actor import Actor, visible_to
from otolith.library.catalogue.models import Catalogue
from otolith.library.listens.models import Listening


def visible_versions(session: Session, actor: Actor) -> list[tuple[UUID, int, int]]:
    """The versions and the marks of the catalogues that the caller sees; together they never come again."""
    columns = Catalogue.workspace_id, Catalogue.version, Catalogue.mark
    statement = select(*columns).where(visible_to(actor, Catalogue.workspace_id))
    return [(row[0], row[1], row[2]) for row in session.execute(statement.order_by(Catalogue.workspace_id))]


Stamp = tuple[int, int, int, dt.datetime | None, dt.datetime | None]


def listening_stamp(session: Session, actor: Actor) -> Stamp:
    """What changes with every play and every rating of the caller."""
    sums = func.count(), func.coalesce(func.sum(Listening.plays), 0), func.coalesce(func.sum(Listening.rating), 0)
    moments = func.max(Listening.played_at), func.max(Listening.rated_at)
    mine = visible_to(actor, Listening.workspace_id), Listening.user_id == actor.user_id
    found = session.execute(select(*sums, *moments).where(*mine)).one()
    return int(found[0]), int(found[1]), int(found[2]), found[3], found[4]
