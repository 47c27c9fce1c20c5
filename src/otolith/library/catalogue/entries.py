"""A track on its way into the catalogue: what it was there, and what it becomes."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from otolith.library.catalogue import filing_queries as queries
from otolith.library.catalogue.describing import Described, Facts, Labelled, Named
from otolith.library.models import Track


@dataclass(frozen=True, slots=True)
class Standing:
    """What the catalogue holds of a track so far."""

    counted: bool = False
    album_id: UUID | None = None
    album_key: str | None = None


@dataclass(slots=True)
class Entry:
    """One track with its new description, or none where it leaves; `counts` once its file is there."""

    track: Track
    described: Described | None
    counts: bool
    before: Standing = Standing()
    old_credits: list[Any] = field(default_factory=list)
    old_labels: list[Any] = field(default_factory=list)

    @property
    def credits(self) -> Sequence[Named]:
        return self.described.credits if self.described is not None else ()

    @property
    def labels(self) -> Sequence[Labelled]:
        return self.described.labels if self.described is not None else ()

    @property
    def facts(self) -> Facts | None:
        return self.described.facts if self.described is not None else None


def load_links(session: Session, entries: Sequence[Entry], known: Collection[UUID]) -> None:
    """Give the entries the credits and labels that they have so far; those of new tracks have none."""
    by_id = {entry.track.id: entry for entry in entries if entry.track.id in known}
    for row in queries.credits_of(session, by_id):
        by_id[row.track_id].old_credits.append(row)
    for row in queries.labels_of(session, by_id):
        by_id[row.track_id].old_labels.append(row)
