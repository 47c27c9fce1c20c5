"""Which artist a picture in a folder shows."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from otolith.library.catalogue.models import Artist
from otolith.library.catalogue.naming import VARIOUS_KEY, name_key
from otolith.library.covers import folders, queries
from otolith.library.covers.models import FolderPicture

# Of an artist's files, so many are looked at to find the folders where they lie.
_FILES: Final = 500


def settle_artists(session: Session, workspace_id: UUID, album_ids: Collection[UUID], version: int) -> None:
    """Give the artists of these albums the pictures that lie in their folders."""
    artists = queries.artists_of(session, album_ids)
    if not any(artist.image_key for artist in artists) and not queries.has_artist_pictures(session, workspace_id):
        return
    changed = {}
    for artist in artists:
        key = _picture_of(session, workspace_id, artist) if artist.name_key != VARIOUS_KEY else None
        if key != artist.image_key:
            changed[artist.id] = key
    queries.set_artists(session, changed, version)


def _picture_of(session: Session, workspace_id: UUID, artist: Artist) -> str | None:
    """The first picture in a folder that is the artist's own: those around albums before those of single albums."""
    places = {folders.folder_of(path) for path in queries.paths_of_artist(session, artist.id, _FILES)}
    around = {folders.artist_folders(place)[0] for place in places}
    wanted = around | {folders.outer_of(place) for place in places}
    digests = [folders.folder_digest(folder) for folder in wanted]
    found = [row for row in queries.folder_pictures(session, workspace_id, digests).values() if row.artist_key]
    for row in sorted(found, key=lambda row: (row.folder not in around, row.folder)):
        if _is_of(session, workspace_id, row, artist):
            return row.artist_key
    return None


def _is_of(session: Session, workspace_id: UUID, row: FolderPicture, artist: Artist) -> bool:
    """Whether a folder bears an artist's name, or holds nothing but albums of that artist."""
    name = name_key(row.folder.rpartition(b"/")[2].decode("utf-8", "replace"))
    if name in {artist.name_key, artist.sort_key}:
        return True
    return queries.artists_below(session, workspace_id, row.folder, 2) == [artist.id]
