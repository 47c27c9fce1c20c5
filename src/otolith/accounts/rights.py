"""Telling open streams that somebody's rights changed, from a transaction of whoever changed them."""

from uuid import UUID

from sqlalchemy.orm import Session

from otolith.core.db import as_system
from otolith.jobs.service import tell_rights_changed


def rights_changed(session: Session, user_id: UUID) -> None:
    """Let what this user has open ask anew what it may show.

    The news belong to no workspace, so the rest of the transaction is the system's; what the actor did up to here was
    checked as the actor's.
    """
    session.flush()
    as_system(session)
    tell_rights_changed(session, user_id)
