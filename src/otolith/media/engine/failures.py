"""Why a file could not be heard: one exception with a kind for programs and a sentence for people."""

import errno
import os
from typing import Final, Literal, get_args

Kind = Literal[
    "vanished",
    "unreadable",
    "not_a_file",
    "io_error",
    "changed",
    "empty",
    "not_audio",
    "playlist",
    "no_audio_stream",
    "no_decoder",
    "protected",
    "damaged",
    "no_sound",
    "too_large",
    "too_long",
    "too_many_channels",
    "rate_too_high",
    "timeout",
    "memory",
    "crash",
    "cancelled",
    "tags",
    "engine",
    "disk_full",
]

KINDS: Final[tuple[str, ...]] = get_args(Kind)

# What may go well on another attempt without anyone touching the file.
TRANSIENT: Final[frozenset[str]] = frozenset({"io_error", "changed", "crash", "disk_full", "cancelled"})


class ListenFailure(Exception):
    """A file that could not be heard, read or written, and why.

    `kind` is stable and meant for programs, `detail` is a sentence for people, `transient` says whether the same
    call may succeed later with the file as it is.
    """

    def __init__(self, kind: Kind, detail: str) -> None:
        super().__init__(detail)
        self.kind: Kind = kind
        self.detail = detail

    @property
    def transient(self) -> bool:
        return self.kind in TRANSIENT

    def __reduce__(self) -> tuple[type["ListenFailure"], tuple[Kind, str]]:
        return type(self), (self.kind, self.detail)


_VANISHED = frozenset({errno.ENOENT, errno.ENOTDIR})
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM})
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_SENTENCES: Final[dict[int, tuple[Kind, str]]] = {
    errno.ELOOP: ("not_a_file", "This is a symbolic link that leads back to itself."),
    errno.EISDIR: ("not_a_file", "This is a folder, not a sound file."),
    errno.ENAMETOOLONG: ("not_a_file", "The path is longer than the file system allows."),
    errno.ENXIO: ("not_a_file", "This is a socket or a pipe, not a sound file."),
    errno.EINVAL: ("not_a_file", "The path is not one that the file system accepts."),
}


def from_os_error(error: OSError) -> ListenFailure:
    """The failure that tells what the operating system refused."""
    number = error.errno or 0
    if number in _VANISHED:
        return ListenFailure("vanished", "The file is not there (any more).")
    if number in _FORBIDDEN:
        return ListenFailure("unreadable", "Otolith may not read this file: look at its owner and its permissions.")
    if number in _FULL:
        return ListenFailure("disk_full", "The disk is full (or a quota is used up).")
    if number == errno.EROFS:
        return ListenFailure("unreadable", "The file system is read-only.")
    if number in _SENTENCES:
        return ListenFailure(*_SENTENCES[number])
    reason = os.strerror(number) if number else str(error)
    return ListenFailure("io_error", f"The file could not be read: {reason}.")
