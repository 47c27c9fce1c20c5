"""What makes the jobs of a scan wait: a person who paused it, or a folder that cannot be reached just now."""

from typing import Final
from uuid import UUID

from otolith.jobs.service import Postponed, Run
from otolith.library.roots import mounts as mounting
from otolith.library.roots import queries
from otolith.library.roots.places import FolderAway, FolderGone, require_folder
from otolith.library.roots.scans import BY_A_PERSON

# Those that ran when the scan was paused look again so often; the others sleep until it is resumed.
PAUSED_SECONDS: Final = 10.0
AWAY_SECONDS: Final = 30.0


def wait_until_ready(run: Run, scan_id: UUID | None) -> None:
    """Give the job back while its scan is paused, or while its folder is away."""
    if scan_id is None:
        return
    with run.context.database.read(run.actor) as session:
        found = queries.what_it_waits_for(session, scan_id)
    if found is None:
        return
    if found.paused_at is not None:
        raise Postponed(PAUSED_SECONDS, BY_A_PERSON)
    if found.away_why is not None:
        wait_for_folder(run, scan_id, found.workspace_id, found.path)
        note_back(run, scan_id, found.workspace_id, found.path)


def wait_if_away(run: Run, scan_id: UUID | None) -> None:
    """Give the job back if the folder of its scan is away, which explains why a file in it could not be read."""
    if scan_id is None:
        return
    with run.context.database.read(run.actor) as session:
        found = queries.what_it_waits_for(session, scan_id)
    if found is not None:
        wait_for_folder(run, scan_id, found.workspace_id, found.path)


def wait_for_folder(run: Run, scan_id: UUID | None, workspace_id: UUID, folder: bytes, *, patient: bool = True) -> None:
    """Give the job back while its folder is away, so that nothing in it is called missing.

    A folder that belongs to no library may simply have been named wrongly: where the scan has only just begun (not
    `patient`), that is refused instead.
    """
    try:
        require_folder(run.context, run.actor, workspace_id, folder)
    except FolderAway as away:
        with run.step() as session:
            roots = [root.id for root in queries.covering(session, workspace_id, folder)]
            if not (patient or roots):
                raise
            queries.note_away(session, scan_id, roots, away.detail)
        raise Postponed(AWAY_SECONDS, away.detail) from away


def away_below(run: Run, workspace_id: UUID, folder: bytes) -> dict[bytes, str]:
    """What in a folder is away by itself, as a share that is mounted there, and why; each with a slash behind it."""
    with run.context.database.read(run.actor) as session:
        inner = queries.inside(session, workspace_id, folder)
        mounts = queries.mounts_in(session, workspace_id, folder)
    found = {mount.path + b"/": mounting.why_away(mount) for mount in mounts if mounting.is_away(mount)}
    for path in inner:
        why = why_away(run, workspace_id, path)
        if why is not None:
            found[path.rstrip(b"/") + b"/"] = why
    return found


def why_away(run: Run, workspace_id: UUID, folder: bytes) -> str | None:
    """Why a folder cannot be reached just now, if that is so."""
    try:
        require_folder(run.context, run.actor, workspace_id, folder)
    except FolderAway as away:
        return away.detail
    except FolderGone:
        return None
    return None


def note_back(run: Run, scan_id: UUID, workspace_id: UUID, folder: bytes) -> None:
    """Say that a folder which was away can be reached again."""
    with run.step() as session:
        roots = [root.id for root in queries.covering(session, workspace_id, folder) if root.away_since is not None]
        queries.note_away(session, scan_id, roots, None)
