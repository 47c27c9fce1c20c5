"""A file as it was read for the library: its tags, and the words beside it."""

import os
from dataclasses import dataclass, replace
from typing import Final

from otolith.library.engine.walk import bounded
from otolith.library.events import FileSeen
from otolith.media import service as media
from otolith.media.engine.tagging import Tags
from otolith.media.service import FileFacts

_LARGEST_WORDS: Final = 1 << 18
_WORDS: Final = (b".lrc", b".LRC", b".Lrc")


@dataclass(frozen=True, slots=True)
class Read:
    """A file with its tags; `lyrics` is what the ``.lrc`` beside it says, `sha256` the hash of it all, where known."""

    seen: FileSeen
    tags: Tags
    lyrics: str | None = None
    lyrics_ns: int | None = None
    sha256: str | None = None

    @property
    def facts(self) -> FileFacts:
        return FileFacts(self.seen.path, self.seen.size, self.seen.mtime_ns, self.tags.quick_key)

    @property
    def digest(self) -> bytes:
        return media.path_digest(self.seen.path)


def is_as_read(one: Read) -> bool:
    """Whether the file still is what was read of it; one that is gone counts as such."""
    try:
        status = os.stat(one.seen.path)  # noqa: PTH116 -- The path is bytes.
    except OSError:
        return True
    return (status.st_size, bounded(status.st_mtime_ns)) == (one.seen.size, one.seen.mtime_ns)


def read_words(one: Read) -> Read:
    """The same with the words beside the file, where a walk saw any."""
    if one.seen.lyrics_ns is None:
        return one
    stem = one.seen.path.rpartition(b".")[0]
    for suffix in _WORDS:
        found = _text_of(stem + suffix)
        if found is not None:
            return replace(one, lyrics=found[0], lyrics_ns=found[1])
    # It is there and cannot be read; what was seen is remembered, so that only a change of it is looked at again.
    return replace(one, lyrics_ns=one.seen.lyrics_ns)


def _text_of(path: bytes) -> tuple[str, int] | None:
    try:
        # Without blocking or following a link: since the walk the file may have become a pipe, or lead elsewhere.
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(path, flags), "rb") as file:  # noqa: PTH123
            changed = bounded(os.fstat(file.fileno()).st_mtime_ns)
            return decoded(file.read(_LARGEST_WORDS)), changed
    except OSError:
        return None


def decoded(raw: bytes) -> str:
    """Text of a file that does not say how it is written."""
    for mark, name in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig")):
        if raw.startswith(mark):
            return raw.decode(name, "replace").replace("\x00", "")
    try:
        return raw.decode().replace("\x00", "")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace").replace("\x00", "")
