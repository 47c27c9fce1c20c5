"""Making covers: finds the pictures of tracks, has them decoded by the helper process, and keeps thumbnails."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from otolith.core.context import Context
from otolith.core.db import now
from otolith.jobs.service import RetryLater, Run
from otolith.library.catalogue.versions import next_version
from otolith.library.covers import folders, queries
from otolith.library.covers.artists import settle_artists
from otolith.library.covers.events import CoversPayload
from otolith.library.covers.models import FolderPicture
from otolith.library.models import Track
from otolith.library.roots import phases
from otolith.library.roots import queries as scans
from otolith.library.roots.places import is_gone
from otolith.media import service as media
from otolith.media.engine.picture import Picture
from otolith.media.listening import Listener, ListenFailure
from otolith.media.models import Media

log = structlog.get_logger(__name__)

EXTENSION: Final = "webps"
"""Thumbnails of one picture, one WebP behind the other."""
# What is wrong with the picture itself, and not with the way to it.
_BROKEN: Final = frozenset({"crash", "memory", "timeout", "too_large"})
# What is wrong with the way to it, and may be mended without touching it.
_MAY_PASS: Final = frozenset({"unreadable", "io_error"})
# How often a folder is looked into whose pictures change while they are read.
_LOOKS: Final = 3


@dataclass(frozen=True, slots=True)
class _Looked:
    """What was found in a folder: the digest of its listing, its cover, and the picture of the artist whose it is."""

    listing: str
    key: str | None
    artist_key: str | None


class _Unknown(Exception):
    """Nothing certain can be told of the pictures in a folder just now; `key` is one that was found all the same."""

    def __init__(self, key: str | None) -> None:
        super().__init__(key)
        self.key = key


def make_covers(run: Run, payload: CoversPayload) -> dict[str, Any]:
    """Give the tracks of a chunk their pictures, and then their albums."""
    assert run.workspace_id is not None  # noqa: S101 -- Whoever submits these jobs names the workspace.
    with run.context.database.read(run.actor) as session:
        rows = [(track, row) for track, row in queries.tracks(session, payload.tracks) if not row.missing]
    finder = _Finder(run, run.workspace_id, payload.scan_id, rows)
    chosen: dict[UUID, str | None] = {}
    for number, (track, row) in enumerate(rows):
        run.check()
        run.progress(number, len(rows), note=row.name)
        # Of a file whose disk is away, nothing more can be told than is known.
        is_there = row.path is None or not is_gone(row.path)
        chosen[track.id] = finder.cover_of(track, row) if is_there else track.cover_key
        if is_there and row.path is not None:
            finder.look_for_artist(row.path)
    _keep(run, run.workspace_id, payload, rows, chosen, finder)
    return {"tracks": len(rows), "covered": sum(key is not None for key in chosen.values()), "made": len(finder.made)}


def _keep(
    run: Run,
    workspace_id: UUID,
    payload: CoversPayload,
    rows: Sequence[tuple[Track, Media]],
    chosen: dict[UUID, str | None],
    finder: "_Finder",
) -> None:
    """Store the pictures and who bears them, in one step."""
    covers = [_stored(run.context, picture) for picture in finder.made.values()]
    changed = {track.id: chosen[track.id] for track, _ in rows if track.cover_key != chosen[track.id]}
    albums = {track.album_id for track, _ in rows if track.album_id is not None} | set(payload.albums)
    with run.step(checkpoint={"done": len(rows)}) as session:
        version = next_version(session, workspace_id)
        queries.keep_covers(session, covers)
        wanted = {key for key in chosen.values() if key is not None} | finder.folder_keys()
        if queries.hold(session, wanted) != wanted:
            raise RetryLater(1.0, "A picture was tidied away while it was being used again; it is made anew.")
        queries.set_tracks(session, changed, version)
        queries.keep_folders(session, finder.folder_rows())
        settle_albums(session, workspace_id, albums, version)
        settle_artists(session, workspace_id, albums, version)
        if payload.scan_id is not None:
            scans.advance(session, payload.scan_id, phases.Step("covers", done=len(payload.tracks)))


def _stored(context: Context, picture: Picture) -> dict[str, Any]:
    """Put a picture's thumbnails into the storage; the row that tells where they are."""
    place, sizes = None, ""
    if picture.error is None:
        with context.storage.incoming() as incoming:
            for _, data in picture.thumbnails:
                incoming.write(data)
            place = context.storage.place(incoming.finish(), EXTENSION, "covers")
        sizes = ",".join(f"{edge}:{len(data)}" for edge, data in picture.thumbnails)
    return {
        "key": picture.sha256,
        "mime": picture.mime,
        "size": picture.size,
        "width": picture.width,
        "height": picture.height,
        "stored": place,
        "sizes": sizes,
        "colour": picture.colour,
        "error": picture.error,
        "made_at": now(),
    }


def settle_albums(session: Session, workspace_id: UUID, album_ids: Iterable[UUID], version: int) -> int:
    """Give albums the picture that their tracks agree on, or that lies in their folder; how many changed."""
    wanted = set(album_ids)
    present = queries.album_keys(session, wanted)
    on_tracks: dict[UUID, dict[str, int]] = {}
    for album_id, key, count in queries.keys_of_tracks(session, wanted):
        on_tracks.setdefault(album_id, {})[key] = count
    changed: dict[UUID, str | None] = {}
    for album_id, now_shown in present.items():
        keys = on_tracks.get(album_id, {})
        best = next(iter(keys), None) if len(keys) < 2 else _elected(session, workspace_id, album_id)
        if best != now_shown:
            changed[album_id] = best
    queries.set_albums(session, changed, version)
    return len(changed)


def _elected(session: Session, workspace_id: UUID, album_id: UUID) -> str | None:
    """Of an album whose tracks bear different pictures: the one in its folder, else the most frequent, else the first.

    A picture in several folders, or in one that holds other albums too, still is the better guess than any song's.
    """
    tracks = queries.electors(session, album_id)
    places = {folders.folder_of(path) for _, path in tracks if path is not None}
    places |= {folders.outer_of(place) for place in places}
    known = queries.folder_pictures(session, workspace_id, [folders.folder_digest(place) for place in places])
    beside = {row.key for row in known.values() if row.key is not None}
    if len(beside) == 1:
        return beside.pop()
    votes = Counter(key for key, _ in tracks if key is not None)
    return votes.most_common(1)[0][0] if votes else None


class _Finder:
    """Looks for pictures, each file and folder once."""

    def __init__(self, run: Run, workspace_id: UUID, scan_id: UUID | None, rows: Sequence[tuple[Track, Media]]) -> None:
        self._run, self._workspace_id, self._scan_id = run, workspace_id, scan_id
        self._listener = run.resource("listener", Listener)
        self.made: dict[str, Picture] = {}
        self._looked: dict[bytes, _Looked] = {}
        self._unknown: dict[bytes, str | None] = {}
        self._unread: list[bytes] = []
        places = {folders.folder_of(row.path) for _, row in rows if row.path is not None}
        places |= {outer for place in places for outer in folders.artist_folders(place)}
        with run.context.database.read(run.actor) as session:
            self._library = tuple(one.rstrip(b"/") + b"/" for one in scans.scanned_folders(session, workspace_id))
            self._usable = queries.usable(session, {key for track, _ in rows if (key := _told(track)[1])})
            digests = [folders.folder_digest(place) for place in places]
            self._folders: dict[bytes, FolderPicture] = queries.folder_pictures(session, workspace_id, digests)

    def cover_of(self, track: Track, row: Media) -> str | None:
        """The picture of a track: its own, or the one in its folder."""
        own = self._embedded(track, row)
        return own if own is not None or row.path is None else self._beside(folders.folder_of(row.path))

    def look_for_artist(self, path: bytes) -> None:
        """Look where the artist of a file may be pictured, as far as that is in the library."""
        for folder in folders.artist_folders(folders.folder_of(path)):
            if (folder + b"/").startswith(self._library):
                self._in_folder(folder)

    def folder_keys(self) -> set[str]:
        return {key for one in self._looked.values() for key in (one.key, one.artist_key) if key is not None}

    def folder_rows(self) -> list[dict[str, Any]]:
        """What was learnt about folders, to be kept."""
        return [
            {
                "workspace_id": self._workspace_id,
                "folder_digest": folders.folder_digest(folder),
                "folder": folder,
                "listing": looked.listing,
                "key": looked.key,
                "artist_key": looked.artist_key,
                "scan_id": self._scan_id,
            }
            for folder, looked in self._looked.items()
        ]

    def _embedded(self, track: Track, row: Media) -> str | None:
        was_read, key = _told(track)
        if was_read and key is None:
            return None
        if key is not None and key in self._usable:
            return key if self._usable[key] else None
        try:
            with media.local_file(self._run.context, row) as path:
                picture = self._listener.picture(path, embedded=True)
        except ListenFailure as failure:
            log.info("library.cover.unread", track=str(track.id), kind=failure.kind)
            if key is None or failure.kind not in _BROKEN:
                return None
            cover = track.tags["cover"]
            picture = Picture(cover["mime"], key, cover["size"], error=failure.detail)
        return self._remember(picture)

    def _beside(self, folder: bytes) -> str | None:
        """The picture in a folder, or in that of the album of which the folder is one disc."""
        found = self._in_folder(folder)
        outer = folders.outer_of(folder)
        return found if found is not None or outer == folder else self._in_folder(outer)

    def _key_in(self, folder: bytes) -> str | None:
        return self._looked[folder].key if folder in self._looked else self._unknown[folder]

    def _in_folder(self, folder: bytes) -> str | None:
        if folder in self._looked or folder in self._unknown:
            return self._key_in(folder)
        known = self._folders.get(folders.folder_digest(folder))
        if known is not None and self._scan_id is not None and known.scan_id == self._scan_id:
            return known.key
        try:
            self._looked[folder] = self._look_into(folder, known)
        except _Unknown as unknown:
            # What cannot be read now may be there all the same, and the next scan looks again.
            self._unknown[folder] = known.key if known is not None else unknown.key
        return self._key_in(folder)

    def _look_into(self, folder: bytes, known: FolderPicture | None) -> "_Looked":
        """The pictures in a folder; `_Unknown` where it cannot be read or changes all the time."""
        key = None
        for _ in range(_LOOKS):
            listing = folders.pictures_in(folder)
            if listing is None:
                break
            if known is not None and known.listing == listing.digest:
                return _Looked(listing.digest, known.key, known.artist_key)
            unread = len(self._unread)
            key, artist_key = self._first(listing.covers), self._first(listing.artists)
            if len(self._unread) > unread:
                break
            # Meanwhile another picture may have taken the place of the one that was listed.
            if folders.pictures_in(folder) == listing:
                return _Looked(listing.digest, key, artist_key)
        raise _Unknown(key)

    def _first(self, paths: Iterable[bytes]) -> str | None:
        """The first of these pictures that can be shown."""
        return next((key for path in paths if (key := self._at(path)) is not None), None)

    def _at(self, path: bytes) -> str | None:
        self._run.check()
        try:
            return self._remember(self._listener.picture(path, embedded=False))
        except ListenFailure as failure:
            log.info("library.cover.unread", path=path.decode("utf-8", "replace"), kind=failure.kind)
            if failure.kind in _MAY_PASS:
                self._unread.append(path)
            return None

    def _remember(self, picture: Picture | None) -> str | None:
        if picture is None:
            return None
        if picture.sha256 not in self._usable:
            self.made[picture.sha256] = picture
            self._usable[picture.sha256] = picture.error is None
        return picture.sha256 if self._usable[picture.sha256] else None


def _told(track: Track) -> tuple[bool, str | None]:
    """Whether a track's tags were read, and the hash of the picture that they told of."""
    cover = track.tags.get("cover")
    return bool(track.tags), (cover or {}).get("sha256") or None
