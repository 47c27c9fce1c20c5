"""A library in which pictures are looked for."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from otolith.composition import HANDLERS
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.jobs.contracts import Handlers
from otolith.jobs.service import LANES, submit
from otolith.jobs.slot import Slot
from otolith.library.catalogue.models import Album
from otolith.library.covers.events import TIDY_COVERS, TidyCoversPayload
from otolith.library.models import Track
from otolith.library.roots import scans
from tests.callers import Callers


class Library:
    """Scans folders into Home and tells what the catalogue shows."""

    def __init__(self, context: Context, callers: Callers, slot: Slot) -> None:
        self.context, self.callers, self.slot = context, callers, slot

    def scan(self, folder: Path) -> None:
        owner = self.callers.actors["admin"]
        with self.context.database.write(owner) as session:
            scans.start_scan(session, self.context, owner, folder, self.callers.home)
        self.work()

    def work(self) -> None:
        self.slot.work(LANES)

    def tidy(self) -> None:
        with self.context.database.write(SYSTEM) as session:
            submit(session, TIDY_COVERS, TidyCoversPayload())
        self.work()

    def tracks(self) -> dict[str, tuple[UUID, str | None]]:
        """Id and picture of every track, by title."""
        with self.context.database.read(SYSTEM) as session:
            return {track.title: (track.id, track.cover_key) for track in session.scalars(select(Track))}

    def albums(self) -> dict[str, tuple[UUID, str | None]]:
        with self.context.database.read(SYSTEM) as session:
            return {album.title: (album.id, album.cover_key) for album in session.scalars(select(Album))}


@pytest.fixture
def library(context: Context, callers: Callers) -> Iterator[Library]:
    slot = Slot(context, Handlers(HANDLERS), "test")
    yield Library(context, callers, slot)
    slot.close()
