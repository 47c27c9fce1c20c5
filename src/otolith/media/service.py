"""What other slices, routes and commands may do with stored sound."""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_
from sqlalchemy.orm import Session

from otolith.core.actor import Actor, visible_to
from otolith.core.context import Context
from otolith.core.db import after_commit
from otolith.core.errors import NotAllowed, NotFound
from otolith.core.storage import Storage
from otolith.media import queries, waveforms
from otolith.media.contents import collect_content
from otolith.media.describing import describe
from otolith.media.events import MediaDeleted
from otolith.media.intake import Received, choose_workspace
from otolith.media.listening import Heard, Sound
from otolith.media.models import Media
from otolith.media.uploads import receive
from otolith.media.waveforms import Picture

__all__ = [
    "FileFacts",
    "MediaNotFound",
    "MediaPage",
    "Received",
    "choose_workspace",
    "collect_content",
    "delete_media",
    "get_media",
    "list_media",
    "local_file",
    "mark_missing",
    "move_file",
    "note_heard",
    "note_rewritten",
    "receive",
    "register_file",
    "register_files",
    "store_waveform",
    "waveform",
]


class MediaNotFound(NotFound):
    """There is no such media, or you may not see it."""


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What a scan knows of a file that stays where it is.

    `path` is absolute, as the file system spells it; `quick_key` identifies the content well enough to notice that
    a file moved; `sound` is there where the headers were read already.
    """

    path: bytes
    size: int
    mtime_ns: int
    quick_key: str | None = None
    sound: Sound | None = None


@dataclass(frozen=True, slots=True)
class MediaPage:
    """One page of a list, newest first; `cursor` leads to the next page, or is None at the end."""

    items: Sequence[Media]
    total: int
    cursor: UUID | None


def display_name(path: bytes) -> str:
    """The last part of a path as text for people, whatever bytes it is made of."""
    return path.rpartition(b"/")[2].decode("utf-8", "replace") or "?"


def path_digest(path: bytes) -> bytes:
    return hashlib.sha256(path).digest()


def register_file(session: Session, workspace_id: UUID, facts: FileFacts, added_by: UUID | None = None) -> Media:
    """`register_files` for one file."""
    return register_files(session, workspace_id, [facts], added_by)[0]


def register_files(
    session: Session, workspace_id: UUID, files: Sequence[FileFacts], added_by: UUID | None = None
) -> list[Media]:
    """Take note of files that stay where they are, in their order; known paths are brought up to date.

    A path whose size, time or quick key changed is taken for new content: its SHA-256 is forgotten until it is read
    again. One statement looks all of them up, so hand over a few hundred at a time.
    """
    digests = [path_digest(facts.path) for facts in files]
    known = queries.media_at(session, workspace_id, digests)
    found = []
    for digest, facts in zip(digests, files, strict=True):
        row = known.get(digest)
        if row is None:
            row = Media(
                workspace_id=workspace_id, added_by=added_by, path=facts.path, path_digest=digest, missing=False
            )
            session.add(row)
            known[digest] = row
        _update(row, facts)
        found.append(row)
    session.flush()
    return found


def _update(row: Media, facts: FileFacts) -> None:
    if (row.size, row.mtime_ns, row.quick_key) != (facts.size, facts.mtime_ns, facts.quick_key):
        row.sha256 = None
    row.name = display_name(facts.path)
    row.size, row.mtime_ns, row.quick_key = facts.size, facts.mtime_ns, facts.quick_key
    row.missing = False
    if facts.sound is not None:
        describe(row, facts.sound)


def move_file(session: Session, media: Media, facts: FileFacts) -> None:
    """Let a media row follow its file to another path; the content is the same, so what is known of it stays."""
    media.path, media.path_digest = facts.path, path_digest(facts.path)
    media.name = display_name(facts.path)
    media.size, media.mtime_ns, media.quick_key = facts.size, facts.mtime_ns, facts.quick_key
    media.missing = False
    session.flush()


def mark_missing(session: Session, media_ids: Sequence[UUID], *, missing: bool = True) -> int:
    """Note that files are gone (or back); the number of rows that changed."""
    return queries.set_missing(session, media_ids, missing=missing) if media_ids else 0


def note_heard(media: Media, heard: Heard) -> None:
    """Write down what one pass over the whole file taught: its content hash, format and true duration."""
    describe(media, heard.sound)
    media.sha256 = heard.sha256
    media.duration = heard.duration


def note_known(media: Media, sound: Sound, sha256: str, duration: float) -> None:
    """As `note_heard`, from what an earlier pass over the same content taught."""
    describe(media, sound)
    media.sha256, media.duration = sha256, duration


def note_rewritten(session: Session, media: Media, facts: FileFacts, before: str | None, sha256: str) -> None:
    """Take note that the tags in a library file were written: another content than `before`, with the same sound.

    What was drawn of the one is kept for the other. A file that nobody has heard yet (no `before`) stays so.
    """
    media.size, media.mtime_ns, media.quick_key = facts.size, facts.mtime_ns, facts.quick_key
    media.sha256 = None if before is None else sha256
    if before is not None and before != sha256:
        waveforms.keep_for(session, before, sha256)
    session.flush()


def get_media(session: Session, actor: Actor, media_id: UUID) -> Media:
    """The media, if the caller may see it."""
    found = queries.media(session, actor, media_id)
    if found is None:
        raise MediaNotFound
    return found


def list_media(
    session: Session, actor: Actor, *, workspace_id: UUID | None = None, cursor: UUID | None = None, limit: int = 50
) -> MediaPage:
    """A page of what the caller may see, newest first, and how much there is in all."""
    condition: ColumnElement[bool] = visible_to(actor, Media.workspace_id)
    if workspace_id is not None:
        condition = and_(condition, Media.workspace_id == workspace_id)
    rows = queries.media_page(session, condition, cursor, limit + 1)
    items = rows[:limit]
    more = len(rows) > limit
    return MediaPage(items, queries.count_media(session, condition), items[-1].id if more else None)


def delete_media(context: Context, session: Session, actor: Actor, media_id: UUID) -> None:
    """Forget a media. An upload's file goes with the last row that needs it; a library file is never touched."""
    media = get_media(session, actor, media_id)
    if not actor.may_edit(media.workspace_id):
        raise NotAllowed("You may see this workspace but not change it; ask its owner for the editor's role.")
    # Whoever hears of it may take locks of its own, which come before those of rows everywhere.
    context.announce(session, MediaDeleted(media.id, media.workspace_id, media.sha256))
    if queries.media(session, actor, media_id, locked=True) is None:
        raise MediaNotFound
    session.delete(media)
    session.flush()
    sha256 = media.sha256
    if media.stored is not None and sha256 is not None:
        after_commit(session, lambda: collect_content(context, sha256))


@contextmanager
def local_file(context: Context, media: Media) -> Iterator[Path]:
    """A real path of a media's file, wherever it lies, for the length of the block; nobody may write to it."""
    if media.path is not None:
        yield Path(os.fsdecode(media.path))
        return
    storage: Storage = context.storage
    with storage.local(media.stored or "") as path:
        yield path


def store_waveform(session: Session, sha256: str, version: int, result: Mapping[str, Any]) -> None:
    """Keep the picture of a recording: `result` is what the waveform engine answered, as a plain dict.

    Only its finest level and the overview are kept, since every level between follows exactly from the finest.
    """
    waveforms.store(session, sha256, version, result)


def waveform(session: Session, sha256: str, points: int) -> Picture | None:
    """The picture of a recording in so many points; None while it has not been analysed."""
    return waveforms.draw(session, sha256, points)
