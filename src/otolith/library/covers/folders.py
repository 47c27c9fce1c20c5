"""Pictures that lie in folders beside the sound: which there are, and which one is the cover."""

import hashlib
import os
import re
import stat
from dataclasses import dataclass
from typing import Final

from otolith.library.catalogue.naming import album_folder

_NAME: Final = re.compile(rb"(?:(cover|folder|front|album|albumart)|artist)\.(?:jpe?g|png|webp|gif)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Listing:
    """The pictures of a folder that may be covers, and those that may show the artist whose folder it is.

    The largest come first; `digest` is another when one of them changes.
    """

    covers: tuple[bytes, ...]
    artists: tuple[bytes, ...]
    digest: str


def folder_digest(folder: bytes) -> bytes:
    return hashlib.sha256(folder).digest()


def folder_of(path: bytes) -> bytes:
    return path.rpartition(b"/")[0] or b"/"


def outer_of(folder: bytes) -> bytes:
    """The folder of the album of which a folder holds one disc; any other is its own."""
    return album_folder(folder + b"/")


def artist_folders(folder: bytes) -> tuple[bytes, bytes]:
    """Where the artist of what lies in a folder may be pictured: beside the album, and in the album's folder."""
    album = outer_of(folder)
    return folder_of(album), album


def pictures_in(folder: bytes) -> Listing | None:
    """Look into a folder; None where it cannot be read, which says nothing of its pictures."""
    found: list[tuple[int, bytes, int]] = []
    of_covers: set[bytes] = set()
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                named = _NAME.fullmatch(entry.name)
                if named is None:
                    continue
                if named[1]:
                    of_covers.add(entry.path)
                # A link is not followed: whoever may write here could show what lies elsewhere through it.
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode):
                    found.append((status.st_size, entry.path, status.st_mtime_ns))
    except OSError:
        return None
    found.sort(key=lambda one: (-one[0], one[1]))
    digest = hashlib.blake2b(digest_size=32)
    for size, path, mtime in found:
        digest.update(b"%d\0%s\0%d\0" % (size, path, mtime))
    paths = [path for _, path, _ in found]
    covers = tuple(path for path in paths if path in of_covers)
    artists = tuple(path for path in paths if path not in of_covers)
    return Listing(covers, artists, digest.hexdigest() if found else "")
