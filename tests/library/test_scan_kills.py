"""Whatever happens to a folder, and however often scans of it are killed: the catalogue is that of the files there."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from otolith.accounts.models import Workspace
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.ids import new_id
from otolith.library.models import Track
from otolith.media.models import Media
from tests.library.catalogue.snapshot import snapshot
from tests.library.changing import ChangingFolder, scan_in_a_process


def described(context: Context, workspace: UUID) -> dict[str, Any]:
    with context.database.read(SYSTEM) as session:
        waiting = select(func.count()).select_from(Track).join(Media, Media.id == Track.media_id)
        unheard = waiting.where(Track.workspace_id == workspace, ~Media.missing, Track.state != "analysed")
        assert session.scalar(unheard) == 0
        return snapshot(session, workspace)


def fresh_workspace(context: Context) -> UUID:
    with context.database.write(SYSTEM) as session:
        workspace = Workspace(id=new_id(), name=f"Fresh {new_id()}")
        session.add(workspace)
    return workspace.id


def lives(
    context: Context, workspace: UUID, folder: ChangingFolder, *, rounds: int, kills: int
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Change and scan in turn, with kills in between; after each round the catalogue, and that of a fresh scan."""
    dice = random.Random(folder.random.random())
    for _ in range(rounds):
        for _ in range(kills):
            scan_in_a_process(context.settings, workspace, folder.root, kill_after=dice.uniform(0.0, 1.5))
            folder.step(2)
        # The scan that was killed goes on with what it had begun; what changed behind its back is for the next one.
        scan_in_a_process(context.settings, workspace, folder.root)
        assert scan_in_a_process(context.settings, workspace, folder.root)
        fresh = fresh_workspace(context)
        assert scan_in_a_process(context.settings, fresh, folder.root)
        yield described(context, workspace), described(context, fresh)
        folder.step(4)


def test_a_scan_that_is_killed_ends_as_a_fresh_one(context: Context, workspace: UUID, tmp_path: Path) -> None:
    folder = ChangingFolder(tmp_path / "music", 5)
    for lived, fresh in lives(context, workspace, folder, rounds=2, kills=2):
        assert lived == fresh


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(6))
def test_many_that_are_killed_end_as_fresh_ones(seed: int, context: Context, workspace: UUID, tmp_path: Path) -> None:
    folder = ChangingFolder(tmp_path / "music", seed)
    for lived, fresh in lives(context, workspace, folder, rounds=6, kills=3):
        assert lived == fresh
