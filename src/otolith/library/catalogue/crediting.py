"""Crediting: the artists of filed tracks come into being, are counted and named, and go when nothing credits them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from otolith.core.db import now
from otolith.core.ids import new_id
from otolith.library.catalogue import filing_queries as queries
from otolith.library.catalogue.describing import Owner
from otolith.library.catalogue.entries import Entry
from otolith.library.catalogue.links import Credit
from otolith.library.catalogue.models import Artist
from otolith.library.catalogue.names import Names, Spelt
from otolith.library.catalogue.naming import name_key, sort_key

_SETTLED = ("name", "name_key", "sort_name", "sort_key", "tracks", "albums")


def note_names(names: Names, entries: Sequence[Entry]) -> None:
    """Load all names that the entries credit or credited, and store how often they are written from now on."""
    uses: Counter[Spelt] = Counter()
    keys: set[str] = set()
    for entry in entries:
        for row in entry.old_credits:
            keys.add(row.name_key)
            if entry.before.counted:
                uses[row.name_key, row.mbid or "", row.name, row.sort_name] -= 1
        for one in entry.credits:
            keys.add(one.key)
            if entry.counts:
                uses[one.key, one.mbid or "", one.name, one.sort_name] += 1
        if entry.facts is not None:
            keys.update(key for _, key, _ in entry.facts.artists)
    names.load(keys)
    names.change(uses)


class Artists:
    """The artists that a transaction touches."""

    def __init__(self, session: Session, workspace_id: UUID, version: int, names: Names) -> None:
        self._session, self._workspace_id, self._version, self._names = session, workspace_id, version, names
        self._by_identity: dict[str, dict[str, Any]] = {}
        self._by_id: dict[UUID, dict[str, Any]] = {}
        self._stored: dict[UUID, tuple[Any, ...]] = {}
        self._left: set[UUID] = set()

    def prepare(self, entries: Sequence[Entry]) -> None:
        """Look up or make every artist that the entries name, or named."""
        needed: dict[str, tuple[str, str, str | None]] = {}
        for entry in entries:
            for one in entry.credits:
                needed.setdefault(self._names.identity(one.key, one.mbid), (one.name, one.key, one.mbid))
        old = {row.artist_id for entry in entries for row in entry.old_credits}
        self._load(old, needed)
        self._make(needed)

    def owners(self, of_albums: Iterable[Sequence[Owner]]) -> None:
        """Look up or make the artists of albums, who may have no part in any of the tracks at hand."""
        told = [one for owners in of_albums for one in owners]
        self._names.load(key for _, key, _ in told)
        needed = {self._names.identity(key, mbid): (name, key, mbid) for name, key, mbid in told}
        missing = {identity: one for identity, one in needed.items() if identity not in self._by_identity}
        self._load((), missing)
        self._make(missing)

    def id_of(self, key: str, mbid: str | None) -> UUID:
        found: UUID = self._by_identity[self._names.identity(key, mbid)]["id"]
        return found

    def load(self, ids: Iterable[UUID]) -> None:
        """Look up artists that are known to be there."""
        self._load([one for one in ids if one not in self._by_id], ())

    def add_albums(self, artist_id: UUID, number: int) -> None:
        self._by_id[artist_id]["albums"] += number

    def may_be_unused(self, artist_id: UUID) -> None:
        self._left.add(artist_id)

    def _load(self, ids: Iterable[UUID], identities: Iterable[str]) -> None:
        for row in queries.artists(self._session, self._workspace_id, sorted(ids), sorted(identities)):
            if row.id not in self._by_id:
                self._keep(dict(row._mapping))  # noqa: SLF001 -- The documented way to a row as a mapping.
                self._stored[row.id] = tuple(getattr(row, name) for name in _SETTLED)

    def _keep(self, artist: dict[str, Any]) -> None:
        self._by_identity[artist["identity"]] = artist
        self._by_id[artist["id"]] = artist

    def _make(self, needed: dict[str, tuple[str, str, str | None]]) -> None:
        made = []
        for identity in sorted(needed.keys() - self._by_identity.keys()):
            name, key, _ = needed[identity]
            artist: dict[str, Any] = {
                "id": new_id(),
                "workspace_id": self._workspace_id,
                "identity": identity,
                "name": name,
                "name_key": key,
                "sort_name": "",
                "sort_key": sort_key(name),
                "mbid": identity[2:] if identity.startswith("m:") else None,
                "tracks": 0,
                "albums": 0,
                "version": self._version,
                "added_at": now(),
            }
            self._keep(artist)
            made.append(artist)
        queries.add(self._session, Artist, made)
        self._stored |= {artist["id"]: tuple(artist[name] for name in _SETTLED) for artist in made}

    def store_credits(self, entries: Sequence[Entry]) -> None:
        """Write the credits that changed, and count for whom."""
        dropped: list[UUID] = []
        added: list[dict[str, Any]] = []
        for entry in entries:
            rows = [
                (one.role, one.position, self.id_of(one.key, one.mbid), one.name, one.key, one.sort_name, one.mbid)
                for one in entry.credits
            ]
            old = [tuple(row)[1:] for row in entry.old_credits]
            self._count(entry, {row[2] for row in old}, {row[2] for row in rows})
            if sorted(rows, key=_place) == sorted(old, key=_place):
                continue
            if old:
                dropped.append(entry.track.id)
            ours = {"track_id": entry.track.id, "workspace_id": self._workspace_id}
            added += [{**ours, **dict(zip(_COLUMNS, row, strict=True))} for row in rows]
        queries.drop_links(self._session, Credit, Credit.track_id, dropped)
        queries.add(self._session, Credit, added)

    def _count(self, entry: Entry, old: set[UUID], new: set[UUID]) -> None:
        self._left |= old - new
        for artist_id in old if entry.before.counted else ():
            self._by_id[artist_id]["tracks"] -= 1
        for artist_id in new if entry.counts else ():
            self._by_id[artist_id]["tracks"] += 1

    def settle(self) -> None:
        """Store the counts and the names by which the artists are shown; forget those who are left with nothing."""
        self._names.load_shown(self._by_identity)
        changed = []
        for artist in self._by_id.values():
            name, sort_name = self._names.shown(artist["identity"])
            if name:
                artist["name"], artist["sort_name"] = name, sort_name
                artist["sort_key"] = sort_key(name, sort_name)
                if artist["mbid"]:
                    artist["name_key"] = name_key(name)
            values = tuple(artist[field] for field in _SETTLED)
            if values != self._stored[artist["id"]]:
                changed.append(
                    {"id": artist["id"], "version": self._version, **dict(zip(_SETTLED, values, strict=True))}
                )
        queries.change(self._session, Artist, changed)
        queries.drop_unused_artists(self._session, sorted(self._left))


_COLUMNS = ("role", "position", "artist_id", "name", "name_key", "sort_name", "mbid")


def _place(row: Sequence[Any]) -> tuple[str, int]:
    return row[0], row[1]
