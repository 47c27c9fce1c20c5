"""The handlers of the jobs about covers."""

from typing import Any

from otolith.jobs.service import Run, handles
from otolith.library.covers import looking, making, tidying
from otolith.library.covers.events import (
    COVERS,
    FOLDERS,
    TIDY_COVERS,
    CoversPayload,
    FoldersPayload,
    TidyCoversPayload,
)


@handles(COVERS)
def covers(run: Run, payload: CoversPayload) -> dict[str, Any]:
    """Find the pictures of a chunk of tracks, make their thumbnails, and give them to tracks and albums."""
    return making.make_covers(run, payload)


@handles(FOLDERS)
def folder_covers(run: Run, payload: FoldersPayload) -> dict[str, Any]:
    """Notice pictures that were put beside known files, changed or taken away."""
    return looking.look_at_folders(run, payload)


@handles(TIDY_COVERS, every=3600)
def tidy_covers(run: Run, payload: TidyCoversPayload) -> dict[str, Any]:
    """Forget pictures that nothing shows any more, and remove their files."""
    del payload
    return tidying.tidy(run)
