"""Changing tags: shown before they are made, kept in the library, written when asked, and undone."""

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from otolith.accounts.audit.service import record
from otolith.core import paging
from otolith.core.actor import Actor
from otolith.core.context import Context
from otolith.core.db import now
from otolith.core.errors import BadRequest, Conflict, NotAllowed, NotFound
from otolith.core.ids import new_id
from otolith.core.paging import BadCursor, Page
from otolith.jobs.service import submit
from otolith.library.catalogue.filing import refile
from otolith.library.catalogue.versions import next_version
from otolith.library.covers.service import submit_again
from otolith.library.editing import queries
from otolith.library.editing.events import WRITE_TAGS, WriteTagsPayload
from otolith.library.editing.fields import Texts, difference, kept, said, with_lyrics
from otolith.library.editing.files import real_folders, unwritable
from otolith.library.editing.models import EditState, TagEdit
from otolith.library.editing.schemas import (
    EditBatch,
    EditItem,
    EditJob,
    EditMade,
    EditPreview,
    EditRequest,
    TrackChange,
)
from otolith.library.models import Track
from otolith.library.roots.queries import scanned_folders
from otolith.media.engine.tagedit import edited
from otolith.media.engine.tagging import Tags
from otolith.media.models import Media
from otolith.media.service import path_digest


class TracksNotFound(NotFound):
    """One of these tracks does not exist, or you may not see it."""


class BatchNotFound(NotFound):
    """There are no such changes, or you may not see them."""


class MayNotEdit(NotAllowed):
    """You may see this workspace but not change it; ask its owner for the editor's role."""


class NotReadYet(Conflict):
    """The tags of this file were not read yet; wait until it was analysed and try again."""


class ChangedAgain(Conflict):
    """These fields were changed again since; undo the later change first."""


class NothingToDo(Conflict):
    """None of these changes is in a state in which this can be done."""


@dataclass(frozen=True, slots=True)
class _Change:
    """What a request does to one track."""

    track: Track
    media: Media
    before: Texts
    after: Texts


def preview(session: Session, context: Context, actor: Actor, request: EditRequest) -> EditPreview:
    """What a request would change, without changing it."""
    workspace_id = _workspace(session, actor, request.tracks)
    changes = _changes(session, actor, request)
    allowed = real_folders(context.settings, scanned_folders(session, workspace_id))
    return EditPreview(
        changed=len(changes),
        unchanged=len(set(request.tracks)) - len(changes),
        tracks=[
            TrackChange(
                track_id=one.track.id,
                title=one.track.title,
                before=one.before,
                after=one.after,
                unwritable=unwritable(context.settings, allowed, one.media),
            )
            for one in changes
        ],
    )


def edit(session: Session, actor: Actor, request: EditRequest) -> EditMade:
    """Make changes and keep them in the library; the files stay as they are."""
    workspace_id = _workspace(session, actor, request.tracks)
    next_version(session, workspace_id)
    changes = _changes(session, actor, request)
    if not changes:
        return EditMade(batch_id=None, changed=0)
    batch_id, moment = new_id(), now()
    rows: list[dict[str, Any]] = [
        {
            "id": new_id(),
            "batch_id": batch_id,
            "workspace_id": workspace_id,
            "track_id": one.track.id,
            "user_id": actor.user_id,
            "before": one.before,
            "after": one.after,
            "state": "kept",
            "made_at": moment,
        }
        for one in changes
    ]
    queries.add_edits(session, rows)
    lay_over(session, workspace_id, actor.user_id, {one.track.id: (one.track, one.after) for one in changes})
    _note(session, actor, "tags.edit", batch_id, workspace_id, len(changes))
    return EditMade(batch_id=batch_id, changed=len(changes))


def lay_over(
    session: Session, workspace_id: UUID, user_id: UUID | None, changes: Mapping[UUID, tuple[Track, Texts]]
) -> None:
    """Keep fields in the library and file the tracks by them; albums that tracks left get their pictures again."""
    left = {track.album_id for track, _ in changes.values()}
    for track, after in changes.values():
        track.edits = kept(Tags.from_dict(track.tags), track.edits, after)
        track.changed_at = now()
    session.flush()
    refile(session, workspace_id, list(changes))
    joined = {track.album_id for track, _ in changes.values()}
    if left != joined:
        submit_again(session, workspace_id, user_id, list(changes), [one for one in left if one is not None])


def _workspace(session: Session, actor: Actor, track_ids: Collection[UUID]) -> UUID:
    """The workspace whose tracks these are, if the caller may change it."""
    wanted = set(track_ids)
    found = queries.workspaces_of(session, actor, wanted)
    if wanted - found.keys():
        raise TracksNotFound
    workspaces = set(found.values())
    if len(workspaces) > 1:
        raise BadRequest("These tracks are of several workspaces; change those of one at a time.")
    (workspace_id,) = workspaces
    if not actor.may_edit(workspace_id):
        raise MayNotEdit
    return workspace_id


def _changes(session: Session, actor: Actor, request: EditRequest) -> list[_Change]:
    found = queries.tracks(session, actor, set(request.tracks))
    lyrics = queries.lyrics_of(session, found)
    changes = []
    for track_id in dict.fromkeys(request.tracks):
        if track_id not in found:
            raise TracksNotFound
        track, media = found[track_id]
        if not track.tags:
            raise NotReadYet(
                f"The tags of {track.title!r} were not read yet; wait until it was analysed and try again."
            )
        text = lyrics[track_id].text if track_id in lyrics else None
        before, after = difference(current(track, text), request.texts_of(track_id))
        if after:
            changes.append(_Change(track, media, before, after))
    return changes


def current(track: Track, lyrics: str | None) -> Tags:
    """What a track's tags are now: those of its file, with the kept changes over them."""
    return edited(with_lyrics(Tags.from_dict(track.tags), lyrics), track.edits or {})


def list_batches(
    session: Session, actor: Actor, *, track_id: UUID | None = None, cursor: str | None = None, limit: int = 50
) -> Page[EditBatch]:
    """The changes that the caller may see, newest first, each with what became of it."""
    rows = queries.batch_page(session, actor, track_id, _position(cursor), limit + 1)
    page, following = paging.cut(rows, limit, lambda row: (str(row[0]),))
    states = queries.states(session, [row[0] for row in page])
    items = [
        EditBatch(
            batch_id=batch_id,
            workspace_id=workspace_id,
            user_id=user_id,
            made_at=made_at,
            tracks=count,
            states=states[batch_id],
        )
        for batch_id, workspace_id, user_id, made_at, count in page
    ]
    return Page[EditBatch](items=items, next=following, total=None)


def list_edits(
    session: Session, actor: Actor, batch_id: UUID, *, cursor: str | None = None, limit: int = 50
) -> Page[EditItem]:
    """The changes of one batch, track by track."""
    rows = queries.edit_page(session, actor, batch_id, _position(cursor), limit + 1)
    if not rows and cursor is None:
        raise BatchNotFound
    page, following = paging.cut(rows, limit, lambda row: (str(row[0].id),))
    items = [
        EditItem(title=title, **{name: getattr(one, name) for name in EditItem.model_fields if name != "title"})
        for one, title in page
    ]
    return Page[EditItem](items=items, next=following, total=queries.count_edits(session, actor, batch_id))


def _position(cursor: str | None) -> UUID | None:
    if cursor is None:
        return None
    try:
        return UUID(str(paging.decode(cursor, 1)[0]))
    except ValueError as error:
        raise BadCursor from error


def write(session: Session, actor: Actor, batch_id: UUID) -> EditJob:
    """Ask for kept changes to be written into their files."""
    edits, workspace_id = _taken_batch(session, actor, batch_id)
    ready = [one.id for one in edits if one.state in ("kept", "failed", "writing")]
    if not ready:
        raise NothingToDo("These changes are written or undone already.")
    queries.set_state(session, ready, "writing")
    payload = WriteTagsPayload(batch_id=batch_id)
    job_id = submit(session, WRITE_TAGS, payload, workspace=workspace_id, user=actor.user_id, priority="high")
    _note(session, actor, "tags.write", batch_id, workspace_id, len(ready))
    return EditJob(batch_id=batch_id, settled=0, job_id=job_id)


def undo(session: Session, actor: Actor, batch_id: UUID) -> EditJob:
    """Take changes back: in the library at once, and in the files that they were written to by a job."""
    edits, workspace_id = _taken_batch(session, actor, batch_id)
    in_library = [one for one in edits if one.state in ("kept", "failed", "writing")]
    in_files = [one for one in edits if one.state == "written"]
    if not in_library and not in_files:
        raise NothingToDo("These changes are undone already.")
    found = queries.tracks(session, actor, {one.track_id for one in (*in_library, *in_files)})
    lyrics = queries.lyrics_of(session, found)
    for one in (*in_library, *in_files):
        track, _ = found[one.track_id]
        require_latest(track, lyrics[track.id].text if track.id in lyrics else None, one)
    if in_library:
        back = {one.track_id: (found[one.track_id][0], one.before) for one in in_library}
        lay_over(session, workspace_id, actor.user_id, back)
        queries.set_state(session, [one.id for one in in_library], "undone")
    job_id = None
    if in_files:
        payload = WriteTagsPayload(batch_id=batch_id, undo=True)
        job_id = submit(session, WRITE_TAGS, payload, workspace=workspace_id, user=actor.user_id, priority="high")
    _note(session, actor, "tags.undo", batch_id, workspace_id, len(in_library) + len(in_files))
    return EditJob(batch_id=batch_id, settled=len(in_library), job_id=job_id)


def _note(session: Session, actor: Actor, action: str, batch_id: UUID, workspace_id: UUID, tracks: int) -> None:
    """What was before and after stands in the batch itself."""
    record(session, actor, action, on=("edits", batch_id), workspace_id=workspace_id, after={"tracks": tracks})


def require_latest(track: Track, lyrics: str | None, edit: TagEdit) -> None:
    """Refuse to build on a change over which another was made since."""
    now_said = said(current(track, lyrics))
    changed = sorted(name for name, texts in edit.after.items() if now_said.get(name, []) != texts)
    if changed:
        fields = ", ".join(changed)
        raise ChangedAgain(f"In {track.title!r}, {fields} changed again since; undo the later change first.")


def _taken_batch(session: Session, actor: Actor, batch_id: UUID) -> tuple[Sequence[TagEdit], UUID]:
    """The changes of a batch as they are once nobody else acts on them, since two people may at the same moment."""
    _, workspace_id = _batch(session, actor, batch_id)
    next_version(session, workspace_id)
    return _batch(session, actor, batch_id)


def _batch(session: Session, actor: Actor, batch_id: UUID) -> tuple[Sequence[TagEdit], UUID]:
    """The changes of a batch, if the caller may change them and no job is at them."""
    edits = queries.batch(session, actor, batch_id)
    if not edits:
        raise BatchNotFound
    workspace_id = edits[0].workspace_id
    if not actor.may_edit(workspace_id):
        raise MayNotEdit
    if queries.is_being_written(session, workspace_id, batch_id):
        raise Conflict("These changes are being written into their files; wait until that is done.")
    return edits, workspace_id


def track_of_file(session: Session, actor: Actor, path: str) -> UUID:
    """The track that a library file is."""
    digest = path_digest(os.fsencode(Path(path).absolute()))
    found = queries.tracks_at(session, actor, [digest])
    if digest not in found:
        raise TracksNotFound(f"{path} is not in the library; scan its folder first.")
    return found[digest]


__all__ = ["EditState", "edit", "list_batches", "list_edits", "preview", "track_of_file", "undo", "write"]
