"""Pictures that lie in folders beside the sound: which there are, and which one is the cover."""

import hashlib
import os
import re
import stat
from dataclasses import dataclass
from typing import Final

from otolith.library.catalogue.naming import album_folder

_NAME: Final = re.compile(rb"(?:cover|folder|front|album|albumart)\.(?:jpe?g|png|webp|gif)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Listing:
    """The pictures of a folder that may be covers, the largest first; `digest` is another when one of them changes."""

    paths: tuple[bytes, ...]
    digest: str


NOTHING: Final = Listing((), "")


def folder_digest(folder: bytes) -> bytes:
    return hashlib.sha256(folder).digest()


def folder_of(path: bytes) -> bytes:
    return path.rpartition(b"/")[0] or b"/"


def outer_of(folder: bytes) -> bytes:
    """The folder of the album of which a folder holds one disc; any other is its own."""
    return album_folder(folder + b"/")


def pictures_in(folder: bytes) -> Listing:
    """Look into a folder; one that cannot be read has no pictures."""
    found: list[tuple[int, bytes, int]] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if _NAME.fullmatch(entry.name) is None:
                    continue
                # A link is not followed: whoever may write here could show what lies elsewhere through it.
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode):
                    found.append((status.st_size, entry.path, status.st_mtime_ns))
    except OSError:
        return NOTHING
    found.sort(key=lambda one: (-one[0], one[1]))
    digest = hashlib.blake2b(digest_size=32)
    for size, path, mtime in found:
        digest.update(b"%d\0%s\0%d\0" % (size, path, mtime))
    return Listing(tuple(path for _, path, _ in found), digest.hexdigest() if found else "")
