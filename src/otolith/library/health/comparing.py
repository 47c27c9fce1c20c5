"""Comparing recordings: which files of a workspace hold the same one, found in batches of bounded memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any, Final, Self
from uuid import UUID

import structlog

from otolith.core.actor import SYSTEM
from otolith.identify import service as identify
from otolith.identify.service import Candidate, Sketched
from otolith.jobs.service import Run
from otolith.library.catalogue.versions import version_of
from otolith.library.health import queries_recordings as queries
from otolith.library.health.grouping import Groups
from otolith.library.health.models import Relation
from otolith.library.health.queries_recordings import Level

log = structlog.get_logger(__name__)

_BATCH: Final = 8192
_BLOCK: Final = 512
_CHUNK: Final = 64
_MOST_CANDIDATES: Final = 64
_RANGE_LU: Final = 1.5
_CREST_DB: Final = 3.0


def compare(run: Run, workspace_id: UUID | None) -> dict[str, Any]:
    """Compare what is new in one workspace, or in every one that has changed."""
    if workspace_id is not None:
        wanted: Sequence[UUID] = [workspace_id]
    else:
        with run.context.database.read(SYSTEM) as session:
            wanted = queries.changed_workspaces(session)
    found = {"compared": 0, "pairs": 0}
    for one in wanted:
        compared, pairs = _Comparing(run, one).all()
        found["compared"] += compared
        found["pairs"] += pairs
    return found


class _Comparing:
    """The comparison of one workspace's recordings; what was done is in its tables, so it goes on after an end."""

    def __init__(self, run: Run, workspace_id: UUID) -> None:
        self.run, self.workspace_id = run, workspace_id
        self._database = run.context.database
        self._done = 0

    def all(self) -> tuple[int, int]:
        """Compare batch by batch what was not compared yet; how many contents that were, and how many pairs."""
        # Taken first: what changes while this runs is for the next run.
        with self._database.read(self.run.actor) as session:
            version = version_of(session, self.workspace_id)
        with self.run.step() as session:
            queries.forget_departed(session, self.workspace_id)
        pairs = 0
        while batch := self._next_batch():
            found = self._pairs(batch)
            with self.run.step() as session:
                queries.store_compared(session, self.workspace_id, batch, found)
            pairs += len(found)
            self._done += len(batch)
        self._finish(version)
        return self._done, pairs

    def _next_batch(self) -> list[str]:
        with self._database.read(self.run.actor) as session:
            batch = queries.uncompared(session, self.workspace_id, identify.VERSION, _BATCH)
        for start in range(0, len(batch), _BLOCK):
            with self.run.step() as session:
                identify.make_sketches(session, batch[start : start + _BLOCK])
        return batch

    def _pairs(self, batch: list[str]) -> list[dict[str, Any]]:
        """Which contents of a batch are the same as others of it, or as any that was compared before."""
        with self._database.read(self.run.actor) as session:
            some = identify.sketched(session, batch)
            groups = Groups(queries.copies(session, self.workspace_id))
        found: list[dict[str, Any]] = []
        for others, of_batch in self._blocks(batch):
            pairs = [_Pair.of(some, others, candidate) for candidate in _strongest(some.alike(others))]
            # Within the batch each pair is met from both sides.
            wanted = [pair for pair in pairs if (pair.met_first if of_batch else pair.first != pair.second)]
            for start in range(0, len(wanted), _CHUNK):
                self.run.check()
                found += self._confirmed(wanted[start : start + _CHUNK], groups)
        return found

    def _confirmed(self, pairs: Sequence["_Pair"], groups: Groups) -> list[dict[str, Any]]:
        """Those of the pairs that are of the same recording, as rows; what is known by way of others is left out."""
        pairs = [pair for pair in pairs if groups.of(pair.first) != groups.of(pair.second)]
        contents = {content for pair in pairs for content in (pair.first, pair.second)}
        with self._database.read(self.run.actor) as session:
            codes = identify.codes_of(session, contents)
            levels = queries.levels(session, contents)
        rows: list[dict[str, Any]] = []
        for pair in pairs:
            if groups.of(pair.first) == groups.of(pair.second) or not {pair.first, pair.second} <= codes.keys():
                continue
            alike = identify.likeness(codes[pair.first], codes[pair.second], pair.shift)
            if alike is None:
                continue
            relation = relation_of(levels.get(pair.first), levels.get(pair.second))
            if relation == "copy":
                groups.join(pair.first, pair.second)
            row = {"workspace_id": self.workspace_id, "first": pair.first, "second": pair.second}
            rows.append(row | {"relation": relation, "error": alike.error, "shift": alike.shift})
        return rows

    def _blocks(self, batch: list[str]) -> Iterator[tuple[Sketched, bool]]:
        """The batch itself and then everything that was compared before, a block at a time."""
        for start in range(0, len(batch), _BLOCK):
            with self._database.read(self.run.actor) as session:
                yield identify.sketched(session, batch[start : start + _BLOCK]), True
            self.run.progress(self._done + start, self._done + len(batch), note="Comparing recordings")
        after = ""
        while True:
            with self._database.read(self.run.actor) as session:
                page = queries.compared_after(session, self.workspace_id, after, _BLOCK)
                if not page:
                    return
                block = identify.sketched(session, page)
            yield block, False
            after = page[-1]

    def _finish(self, version: int) -> None:
        """Name the groups anew, where they changed."""
        with self.run.step() as session:
            now = Groups(queries.copies(session, self.workspace_id)).members()
            before = queries.recordings(session, self.workspace_id)
            changes: dict[str, str | None] = {
                content: now.get(content)
                for content in now.keys() | before.keys()
                if now.get(content) != before.get(content)
            }
            queries.regroup(session, self.workspace_id, changes)
            queries.finish(session, self.workspace_id, version)
        log.info("library.duplicates.compared", workspace_id=str(self.workspace_id), contents=self._done)


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two contents worth comparing, the lesser hash first; `met_first` tells whether it was met in that order."""

    first: str
    second: str
    shift: int
    met_first: bool

    @classmethod
    def of(cls, some: Sketched, others: Sketched, candidate: Candidate) -> Self:
        one, other = some.contents[candidate.first], others.contents[candidate.second]
        if one < other:
            return cls(one, other, candidate.shift, met_first=True)
        return cls(other, one, -candidate.shift, met_first=False)


def _strongest(candidates: Sequence[Candidate]) -> Iterator[Candidate]:
    """For each recording the candidates with the most votes, where it has too many to look at them all."""
    by_first = sorted(candidates, key=lambda one: (one.first, -one.votes))
    for _, group in groupby(by_first, key=lambda one: one.first):
        yield from islice(group, _MOST_CANDIDATES)


def relation_of(one: Level | None, other: Level | None) -> Relation:
    """Whether two contents of one recording are copies of one sound, or masters of their own.

    Encoding and turning up or down change neither the loudness range nor by much how far the peaks stand out; another
    master does.
    """
    if one is None or other is None:
        return "copy"
    uneven = _apart(one.loudness_range, other.loudness_range) > _RANGE_LU
    return "master" if uneven or _apart(one.crest, other.crest) > _CREST_DB else "copy"


def _apart(one: float | None, other: float | None) -> float:
    return abs(one - other) if one is not None and other is not None else 0.0
