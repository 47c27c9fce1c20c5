"""Shelving: which album a track stands in."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from otolith.core.db import now
from otolith.core.ids import new_id
from otolith.library.catalogue import filing_queries as queries
from otolith.library.catalogue.albums import settle_albums
from otolith.library.catalogue.crediting import Artists
from otolith.library.catalogue.describing import album_key
from otolith.library.catalogue.entries import Entry
from otolith.library.catalogue.models import Album
from otolith.library.catalogue.names import Names


class Shelves:
    """The albums that a transaction touches."""

    def __init__(self, session: Session, workspace_id: UUID, version: int, names: Names, artists: Artists) -> None:
        self._session, self._workspace_id, self._version = session, workspace_id, version
        self._names, self._artists = names, artists
        self._albums: dict[str, UUID] = {}
        self._touched: set[UUID] = set()

    def place(self, entries: Sequence[Entry]) -> None:
        """Give every entry its album key and its album; others without a release follow where their album has one."""
        old_keys = {entry.before.album_key for entry in entries if entry.before.album_key}
        for entry in entries:
            entry.track.album_key = self._key_of(entry)
        keys = old_keys | {entry.track.album_key for entry in entries if entry.track.album_key}
        identities = self._identities(keys, entries)
        ids = {entry.track.id for entry in entries}
        loose = [
            (key, album_id)
            for key, album_id in queries.loose_albums(self._session, self._workspace_id, sorted(keys))
            if key is not None
        ]
        needed = {identities[key] for key, _ in loose}
        needed |= {self._identity_of(entry, identities) for entry in entries if entry.facts is not None}
        self._prepare(needed)
        self._move(loose, identities, ids)
        for entry in entries:
            if entry.before.album_id is not None:
                self._touched.add(entry.before.album_id)
            entry.track.album_id = None
            if entry.facts is not None:
                entry.track.album_id = self._albums[self._identity_of(entry, identities)]
                self._touched.add(entry.track.album_id)

    def _key_of(self, entry: Entry) -> str | None:
        if entry.facts is None or entry.described is None:
            return None
        owners = [self._names.identity(key, mbid) for _, key, mbid in entry.facts.artists]
        return album_key(entry.facts, entry.described.release, owners)

    def _identities(self, keys: Collection[str], entries: Sequence[Entry]) -> dict[str, str]:
        """What the tracks without a release belong to, by album key: the one release that has it, or an own album."""
        releases: dict[str, set[str]] = defaultdict(set)
        ids = {entry.track.id for entry in entries}
        for row in queries.releases_of_keys(self._session, self._workspace_id, sorted(keys), ids):
            releases[row.album_key].add(row.release_mbid)
        for entry in entries:
            if entry.counts and entry.track.album_key and entry.described is not None and entry.described.release:
                releases[entry.track.album_key].add(entry.described.release)
        return {key: f"r:{next(iter(releases[key]))}" if len(releases[key]) == 1 else f"k:{key}" for key in keys}

    def _identity_of(self, entry: Entry, identities: dict[str, str]) -> str:
        if entry.described is not None and entry.described.release:
            return f"r:{entry.described.release}"
        return identities[entry.track.album_key or ""]

    def _prepare(self, identities: set[str]) -> None:
        """Look up or make the albums of these identities; what they are is settled when their tracks are stored."""
        for row in queries.albums(self._session, self._workspace_id, (), sorted(identities)):
            self._albums[row.identity] = row.id
        made = []
        for identity in sorted(identities - self._albums.keys()):
            self._albums[identity] = new_id()
            made.append(
                {
                    "id": self._albums[identity],
                    "workspace_id": self._workspace_id,
                    "identity": identity,
                    "release_mbid": identity[2:] if identity.startswith("r:") else None,
                    "title": "?",
                    "title_key": "?",
                    "added_at": now(),
                }
            )
        queries.add(self._session, Album, made)

    def _move(
        self, loose: Sequence[tuple[str, UUID | None]], identities: dict[str, str], but: Collection[UUID]
    ) -> None:
        for key, album_id in loose:
            target = self._albums[identities[key]]
            if album_id == target:
                continue
            queries.move_loose(self._session, self._workspace_id, key, target, self._version, but)
            self._touched.add(target)
            if album_id is not None:
                self._touched.add(album_id)

    def settle(self) -> None:
        """Store what the touched albums are by all of their tracks; those without any are forgotten."""
        settle_albums(self._session, self._workspace_id, self._version, self._touched, self._artists)
