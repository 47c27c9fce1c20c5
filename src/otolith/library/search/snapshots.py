"""Snapshots ahead of the searches: whoever searches first after a scan or a start finds the library read already."""

from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from otolith.core.actor import SYSTEM
from otolith.jobs.service import Run
from otolith.library.queries import take_statistics
from otolith.library.search import indexes, queries
from otolith.library.search.engine import snapshot


def renew(run: Run) -> dict[str, Any]:
    """Write a new snapshot of every library of which the last one lacks much, and forget those of no library."""
    folder = run.context.settings.folder.search
    with run.context.database.read(SYSTEM) as session:
        workspaces = queries.workspaces(session)
        outgrown = [one for one in workspaces if _is_outgrown(session, folder, one)]
    indexes.forget_others(folder, workspaces)
    for done, workspace_id in enumerate(outgrown):
        run.progress(done, len(outgrown), note="Reading the library for searches")
        indexes.write_snapshot(run.context.database, folder, workspace_id)
        run.check()
    if outgrown:
        # What has grown that much is planned for otherwise.
        with run.step(actor=SYSTEM) as session:
            take_statistics(session)
    return {"snapshots": len(outgrown)}


def _is_outgrown(session: Session, folder: Path, workspace_id: UUID) -> bool:
    version = queries.versions(session, [workspace_id])[workspace_id]
    facts = snapshot.facts_of(indexes.path_of(folder, workspace_id)) or {"version": 0}
    if facts["version"] == version:
        return False
    tracks, _ = queries.checksum(session, workspace_id)
    # A database that was brought back from a backup has an older version than a snapshot of before.
    since = facts["version"] if facts["version"] < version else 0
    return queries.count_changed(session, workspace_id, since) >= max(indexes.SNAPSHOT_FROM, tracks // 10)
