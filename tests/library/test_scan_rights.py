"""Who may scan what, and what a second request meets."""

from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from otolith.core.actor import Actor
from otolith.core.context import Context
from otolith.core.errors import BadRequest, NotAllowed
from otolith.core.ids import new_id
from otolith.library.roots import scans
from tests.library.conftest import write_tone


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_tone(tmp_path / "music" / "b" / "c.wav")
    return tmp_path / "music"


def test_a_viewer_may_not(context: Context, workspace: UUID, folder: Path) -> None:
    viewer = Actor(kind="user", user_id=new_id(), role="user", memberships={workspace: "viewer"})
    with context.database.write(viewer) as session, pytest.raises(NotAllowed):
        scans.start_scan(session, context, viewer, folder, workspace)


def test_an_editor_may_within_the_roots_of_the_settings(
    context: Context, workspace: UUID, folder: Path, tmp_path: Path
) -> None:
    editor = Actor(kind="user", user_id=new_id(), role="user", memberships={workspace: "editor"})
    (folder / "escape").symlink_to(tmp_path)
    with context.database.write(editor) as session:
        with pytest.raises(NotAllowed, match="OTOLITH_LIBRARY_ROOTS"):
            scans.start_scan(session, context, editor, folder, workspace)
        context.settings.library.roots.append(folder)
        scans.start_scan(session, context, editor, folder / "b", workspace)
        with pytest.raises(NotAllowed):
            scans.start_scan(session, context, editor, folder / "escape", workspace)
        with pytest.raises(NotAllowed):
            scans.start_scan(session, context, editor, f"{folder}/../", workspace)


def test_nobody_scans_what_others_uploaded(
    context: Context, owner: Actor, workspace: UUID, tmp_path: Path, folder: Path
) -> None:
    context.settings.library.roots.append(tmp_path)
    admin = replace(owner, role="admin")
    (folder / "link").symlink_to(context.settings.data / "media")
    for actor in (owner, admin):
        for place in (context.settings.folder.media, context.settings.folder.uploads, folder / "link"):
            with context.database.write(actor) as session, pytest.raises(NotAllowed, match="its own files"):
                scans.start_scan(session, context, actor, place, workspace)


@pytest.mark.parametrize("path", ["music", "", "/a\0b", "/\ud800", "~"])
def test_what_is_no_absolute_path_is_refused(path: str, context: Context, owner: Actor, workspace: UUID) -> None:
    with context.database.write(owner) as session, pytest.raises(BadRequest):
        scans.start_scan(session, context, owner, path, workspace)


def test_a_second_request_meets_the_scan_that_runs(
    context: Context, owner: Actor, workspace: UUID, folder: Path
) -> None:
    with context.database.write(owner) as session:
        first = scans.start_scan(session, context, owner, folder, workspace)
    with context.database.write(owner) as session:
        assert scans.start_scan(session, context, owner, f"{folder}/", workspace) == first
