"""The version of a workspace's catalogue: the lock under which it changes, and how others learn of changes."""

import secrets
from typing import Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from otolith.library.catalogue.models import Catalogue

_MARK_BITS: Final = 62


def next_version(session: Session, workspace_id: UUID) -> int:
    """Take the catalogue for the rest of this transaction; the version to stamp every changed row with.

    Whoever else would change the same catalogue waits until this transaction ends, so keep it short, and take it
    before locking rows of tracks, always in that order.
    """
    known = update(Catalogue).where(Catalogue.workspace_id == workspace_id)
    values = {"version": Catalogue.version + 1, "mark": secrets.randbits(_MARK_BITS)}
    taken = known.values(values).returning(Catalogue.version)
    version = session.scalar(taken)
    if version is None:
        dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
        first = dialect.insert(Catalogue).values(workspace_id=workspace_id, version=0)
        session.execute(first.on_conflict_do_nothing())
        version = session.scalars(taken).one()
    return version


def version_of(session: Session, workspace_id: UUID) -> int:
    """The newest version that is visible; 0 for a catalogue that nobody has changed yet."""
    return session.scalar(select(Catalogue.version).where(Catalogue.workspace_id == workspace_id)) or 0
