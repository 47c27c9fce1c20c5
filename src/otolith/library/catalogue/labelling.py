"""Labelling: the genres and moods of filed tracks come into being, are counted, and go with their last track."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from otolith.core.ids import new_id
from otolith.library.catalogue import filing_queries as queries
from otolith.library.catalogue.entries import Entry
from otolith.library.catalogue.links import TrackTerm
from otolith.library.catalogue.models import Term, TermKind
from otolith.library.catalogue.names import favourite, spelling_row

Key = tuple[TermKind, str]


class Labels:
    """The genres and moods that a transaction touches."""

    def __init__(self, session: Session, workspace_id: UUID) -> None:
        self._session, self._workspace_id = session, workspace_id
        self._terms: dict[Key, dict[str, Any]] = {}
        self._stored: dict[UUID, tuple[str, int]] = {}
        self._uses: dict[Key, Counter[str]] = defaultdict(Counter)
        self._respelt: set[Key] = set()
        self._left: set[UUID] = set()

    def store(self, entries: Sequence[Entry]) -> None:
        """Write the labels that changed, count them, and name each as most files write it."""
        self._load(entries)
        self._count(entries)
        self._link(entries)
        self._settle()

    def _load(self, entries: Sequence[Entry]) -> None:
        old = {row.term_id for entry in entries for row in entry.old_labels}
        new: dict[Key, str] = {}
        for entry in entries:
            for label in entry.labels:
                new.setdefault((label.kind, label.key), label.name)
        for row in queries.terms(self._session, self._workspace_id, sorted(old), sorted({key for _, key in new})):
            term = {"id": row.id, "kind": row.kind, "name": row.name, "name_key": row.name_key, "tracks": row.tracks}
            if self._terms.setdefault((row.kind, row.name_key), term) is term:
                self._stored[row.id] = (row.name, row.tracks)
        made = []
        for kind, key in sorted(new.keys() - self._terms.keys()):
            term = {"id": new_id(), "kind": kind, "name": new[kind, key], "name_key": key, "tracks": 0}
            self._terms[kind, key] = term
            self._stored[term["id"]] = (term["name"], 0)
            made.append({**term, "workspace_id": self._workspace_id})
        queries.add(self._session, Term, made)

    def _count(self, entries: Sequence[Entry]) -> None:
        changes: Counter[tuple[Key, str]] = Counter()
        for entry in entries:
            for row in entry.old_labels if entry.before.counted else ():
                self._terms[row.kind, row.name_key]["tracks"] -= 1
                changes[(row.kind, row.name_key), row.name] -= 1
            for label in entry.labels if entry.counts else ():
                self._terms[label.kind, label.key]["tracks"] += 1
                changes[(label.kind, label.key), label.name] += 1
        rows = [
            spelling_row(self._workspace_id, kind, (key, "", name, ""), number)
            for ((kind, key), name), number in sorted(changes.items())
            if number
        ]
        self._respelt = {key for (key, _), number in changes.items() if number}
        if rows:
            queries.add_uses(self._session, rows)

    def _link(self, entries: Sequence[Entry]) -> None:
        dropped: list[UUID] = []
        added: list[dict[str, Any]] = []
        for entry in entries:
            rows = [
                (self._terms[label.kind, label.key]["id"], position, label.name)
                for position, label in enumerate(entry.labels)
            ]
            old = sorted(((row.term_id, row.position, row.name) for row in entry.old_labels), key=lambda row: row[1])
            if rows == old:
                continue
            if old:
                dropped.append(entry.track.id)
            self._left |= {row[0] for row in old} - {row[0] for row in rows}
            ours = {"track_id": entry.track.id, "workspace_id": self._workspace_id}
            added += [{**ours, "term_id": row[0], "position": row[1], "name": row[2]} for row in rows]
        queries.drop_links(self._session, TrackTerm, TrackTerm.track_id, dropped)
        queries.add(self._session, TrackTerm, added)

    def _settle(self) -> None:
        for kind in ("genre", "mood"):
            keys = sorted(key for of, key in self._respelt if of == kind)
            for key, _, name, _, uses in queries.spellings(self._session, self._workspace_id, kind, keys):
                self._uses[kind, key][name] += uses
        for key, uses in self._uses.items():
            self._terms[key]["name"] = favourite(uses)
        rows = [
            {"id": term["id"], "name": term["name"], "tracks": term["tracks"]}
            for term in self._terms.values()
            if (term["name"], term["tracks"]) != self._stored[term["id"]]
        ]
        queries.change(self._session, Term, rows)
        queries.drop_unused_terms(self._session, sorted(self._left))
