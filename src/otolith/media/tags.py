"""Tags of files: read into one form, and written without ever leaving a half-written file."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Final

import mutagen

from otolith.media.engine import sniff, tagwriting
from otolith.media.engine.failures import ListenFailure, from_os_error
from otolith.media.engine.reader import Path, SoundFile
from otolith.media.engine.tagedit import edited
from otolith.media.engine.tagging import Cover, MusicBrainz, ReplayGain, Tags
from otolith.media.engine.tags import quick_key, read_cover, read_tags
from otolith.media.engine.tagwriting import Value

__all__ = [
    "Cover",
    "MusicBrainz",
    "ReplayGain",
    "Tags",
    "Value",
    "edited",
    "quick_key",
    "read_cover",
    "read_tags",
    "remove_copies",
    "write_tags",
]

_MUSICBRAINZ: Final[dict[str, str]] = {
    "mb_recording": "recording",
    "mb_track": "track",
    "mb_release": "release",
    "mb_release_group": "release_group",
    "mb_work": "work",
    "mb_artists": "artists",
    "mb_album_artists": "album_artists",
}
# These are read from another tag where they have none of their own.
_READ_FROM_OTHERS: Final = frozenset(
    {"compilation", "track", "disc", "artists", "album_artists", "artist", "album_artist", "date"}
)
# A scan passes over such names without a look.
_COPY: Final = b".part"
_GAINS: Final = frozenset({"track_gain", "track_peak", "album_gain", "album_peak"})


def write_tags(
    path: Path,
    changes: Mapping[str, Value],
    *,
    keep_times: bool = False,
    label: str = "",
    before_replacing: Callable[[bytes], None] | None = None,
) -> Tags:
    """Change some tags of a file and leave everything else in it alone; the tags as they are read back.

    `changes` maps field names of `Tags` (and ``mb_recording``, ``mb_track``, ``mb_release``, ``mb_release_group``,
    ``mb_work``, ``mb_artists``, ``mb_album_artists``, ``track_gain`` and its like) to new values; None removes.
    The change is made in a copy beside the file, read back, flushed to the disk, and put in the file's place in one
    step, so that a crash, a full disk or a reader in the middle meets the old file or the new one. Permissions and
    extended attributes stay, and with `keep_times` the times too. `before_replacing` is called with the finished
    copy's path just before. The copy's name holds `label`, by which `remove_copies` finds what a process left that was
    killed. Raises `ListenFailure`.
    """
    target = os.path.realpath(os.fsencode(path))
    with SoundFile(target, hashed=False) as file:
        container = sniff.locate(file).container
        head = file.read_at(0, 4096)
    current = read_tags(target)
    copy: bytes | None = None
    try:
        copy = _copied(target, label)
        tagwriting.write(os.fsdecode(copy), container, head, changes, current)
        written = read_tags(copy)
        _require_written(tagwriting.texts(changes, current), written)
        _settle(target, copy, keep_times=keep_times)
        if before_replacing is not None:
            before_replacing(copy)
        os.replace(copy, target)  # noqa: PTH105 - pathlib takes no bytes, and names may be any bytes
        copy = None
        _flush_folder(target)
    except mutagen.MutagenError as error:
        if isinstance(error.__cause__, OSError):
            raise from_os_error(error.__cause__) from error
        detail = "The tags of this file are broken in a way that does not let new ones be written."
        raise ListenFailure("tags", detail) from error
    except OSError as error:
        raise from_os_error(error) from error
    finally:
        if copy is not None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(copy)  # noqa: PTH108 - see above
    return written


def remove_copies(path: Path, label: str) -> None:
    """Remove the copies of this label that were left beside a file."""
    folder = os.path.dirname(os.path.realpath(os.fsencode(path)))  # noqa: PTH120 - bytes
    prefix = _prefix(label)
    try:
        with os.scandir(folder) as entries:
            left = [entry.path for entry in entries if entry.name.startswith(prefix) and entry.name.endswith(_COPY)]
        for copy in left:
            os.unlink(copy)  # noqa: PTH108 - bytes
    except OSError as error:
        raise from_os_error(error) from error


def _prefix(label: str) -> bytes:
    return b".otolith-" + label.encode() + b"-" * bool(label)


def _copied(target: bytes, label: str) -> bytes:
    """A copy beside the file, whose name says whose it is should the machine stop now, and that it is no sound yet."""
    handle, copy = tempfile.mkstemp(prefix=_prefix(label), suffix=_COPY, dir=os.path.dirname(target))  # noqa: PTH120 - bytes
    os.close(handle)
    try:
        shutil.copyfile(target, copy)
    except OSError:
        os.unlink(copy)  # noqa: PTH108 - bytes
        raise
    return copy


def _settle(target: bytes, copy: bytes, *, keep_times: bool) -> None:
    """Give the copy the file's owner and permissions, and make it last."""
    status = os.stat(target)  # noqa: PTH116 - bytes
    shutil.copystat(target, copy)
    with contextlib.suppress(PermissionError):
        os.chown(copy, status.st_uid, status.st_gid)
    if not keep_times:
        os.utime(copy)
    descriptor = os.open(copy, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flush_folder(target: bytes) -> None:
    descriptor = os.open(os.path.dirname(target), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)  # noqa: PTH120 - bytes
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _require_written(wanted: Mapping[str, list[str]], written: Tags) -> None:
    """Read back what was written: a tag that the format took and dropped is a failure, not a surprise later."""
    for field, texts in wanted.items():
        found = _found(written, field)
        if bool(texts) != bool(found) and not (field in _READ_FROM_OTHERS and not texts):
            what = "was not kept" if texts else "could not be removed"
            raise ListenFailure("tags", f"The tag {field} {what} by this format; the file was left as it was.")


def _found(tags: Tags, field: str) -> object:
    if field in _MUSICBRAINZ:
        return asdict(tags.musicbrainz)[_MUSICBRAINZ[field]]
    if field in _GAINS:
        value = asdict(tags.replaygain)[field]
        return value is not None
    return getattr(tags, field)
