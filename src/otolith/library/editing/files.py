"""Files whose tags are to be written: whether they may be, and whether they still are what was read."""

import os
from collections.abc import Iterable
from typing import Final

from otolith.core.settings import Settings
from otolith.media.engine.failures import ListenFailure, from_os_error
from otolith.media.models import Media

_WRITABLE: Final = 0o222


def real_folders(settings: Settings, folders: Iterable[bytes]) -> tuple[bytes, ...]:
    """Where tags may be written, without links: in these folders of the library, and in those of the settings."""
    allowed = [*folders, *(os.fsencode(folder) for folder in settings.library.roots)]
    return tuple(os.path.realpath(folder).rstrip(b"/") + b"/" for folder in allowed)


def unwritable(settings: Settings, allowed: tuple[bytes, ...], media: Media) -> str | None:
    """Why tags cannot be written into a file, as a sentence, or None where they can."""
    if not settings.library.write_tags:
        return "This server leaves files alone (OTOLITH_LIBRARY_WRITE_TAGS); the change stays in the library."
    if media.path is None:
        return "An upload is kept as it was sent; the change stays in the library."
    if media.missing:
        return "The file was gone at the last scan; the change stays in the library."
    return _refusal(settings, allowed, media.path)


def _refusal(settings: Settings, allowed: tuple[bytes, ...], path: bytes) -> str | None:
    real = os.path.realpath(path)
    if any(real.startswith(os.path.realpath(os.fsencode(folder)) + b"/") for folder in settings.folder.own):
        return "The file is one of Otolith's own, to which a link leads; it is left alone."
    if not real.startswith(allowed):
        # Whoever may put a link into the library may not be let into files of others through it.
        return (
            "A link leads from the library to this file, which lies elsewhere, and it is left alone; to have its tags "
            "written, add the folder where it lies to the library."
        )
    try:
        mode = os.stat(real).st_mode  # noqa: PTH116 -- The path is bytes.
    except OSError as error:
        return from_os_error(error).detail
    folder = os.path.dirname(real)  # noqa: PTH120 -- The path is bytes.
    # Asked of the mode as well, because an administrator's process may do what the owner of a file did not want.
    if not mode & _WRITABLE or not os.access(real, os.W_OK):
        return "The file is read-only; let the server's user write to it, and try again."
    if not os.access(folder, os.W_OK | os.X_OK):
        return "The folder of the file is read-only; let the server's user write to it, and try again."
    return None


def require_unchanged(media: Media) -> None:
    """Refuse a file that is not what the last scan read."""
    try:
        status = os.stat(media.path or b"")  # noqa: PTH116 -- The path is bytes.
    except OSError as error:
        raise from_os_error(error) from error
    if (status.st_size, status.st_mtime_ns) != (media.size, media.mtime_ns):
        raise ListenFailure("changed", "The file was changed since Otolith read it; scan its folder and try again.")
