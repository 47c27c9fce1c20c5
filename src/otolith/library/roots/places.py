"""Which folders may be scanned, and whether one can be reached just now."""

import os
import stat
from pathlib import Path
from uuid import UUID

from otolith.core.actor import Actor
from otolith.core.context import Context
from otolith.core.errors import BadRequest, Conflict, NotAllowed
from otolith.library import queries as library
from otolith.library.events import shown
from otolith.library.roots import mounts, queries


class FolderGone(Conflict):
    """The folder cannot be scanned as it is."""


class FolderAway(FolderGone):
    """The folder cannot be reached just now; nothing in it is marked missing."""


def folder_named(path: str | bytes | os.PathLike[str]) -> bytes:
    """The absolute path that somebody gave, in one spelling."""
    try:
        root = os.path.normpath(os.fsencode(path))
    except UnicodeEncodeError as error:
        raise BadRequest("This path holds characters that no file system knows.") from error
    if b"\0" in root:
        raise BadRequest("A path holds no NUL character.")
    if not root.startswith(b"/"):
        raise BadRequest(f"{shown(root)} is not an absolute path; name the folder from / on.")
    # POSIX lets exactly two slashes at the beginning mean something else, and Linux does not.
    return b"/" + root.lstrip(b"/")


def may_scan(context: Context, actor: Actor, root: bytes, workspace_id: UUID) -> None:
    """Refuse who may not take this folder into this workspace."""
    if not actor.may_edit(workspace_id):
        raise NotAllowed("You may not add to this workspace; ask its owner for the editor's role.")
    real = os.path.realpath(root)
    if any(_lies_in(real, own) for own in context.settings.folder.own):
        raise NotAllowed(f"{shown(root)} is where Otolith keeps its own files; what lies there is not scanned.")
    if actor.is_admin or any(_lies_in(real, allowed) for allowed in context.settings.library.roots):
        return
    raise NotAllowed(
        f"You may not scan {shown(root)}: it lies in none of the folders of OTOLITH_LIBRARY_ROOTS. An administrator "
        "may scan it, or add it there."
    )


def _lies_in(real: bytes, folder: Path) -> bool:
    outer = os.path.realpath(os.fsencode(folder))
    return real == outer or real.startswith(outer.rstrip(b"/") + b"/")


def require_folder(context: Context, actor: Actor, workspace_id: UUID, root: bytes) -> None:
    """Refuse a folder that is gone, closed, or empty although it held files: an unmounted disk looks like that."""
    name = shown(root)
    try:
        mode = os.stat(root).st_mode  # noqa: PTH116 -- The path is bytes.
        if not stat.S_ISDIR(mode):
            raise FolderGone(f"{name} is not a folder. To hear one file, use `otolith analyse`.")
        with os.scandir(root) as listing:
            is_empty = next(listing, None) is None
    except FileNotFoundError as error:
        raise FolderAway(
            f"There is no folder {name} (any more). Is its disk or network share mounted? Nothing was marked missing; "
            "scan again when it is back."
        ) from error
    except OSError as error:
        raise FolderAway(
            f"The folder {name} could not be read: {error.strerror}. Nothing was marked missing; mend its rights or "
            "its connection and scan again."
        ) from error
    with context.database.read(actor) as session:
        mine = [mount for mount in queries.mounts_in(session, workspace_id, root) if mount.path == root]
        if any(map(mounts.is_away, mine)):
            raise FolderAway(mounts.why_away(mine[0]))
        if is_empty and library.has_files_under(session, workspace_id, root):
            raise FolderAway(
                f"{name} is empty, and it held files before. Is its disk or network share mounted? Nothing was marked "
                "missing; scan again when it is back."
            )


def is_gone(path: bytes) -> bool:
    """Whether a file is certainly not there: only "no such file" counts, a closed folder or a fault does not."""
    try:
        os.stat(path)  # noqa: PTH116 -- The path is bytes.
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False
