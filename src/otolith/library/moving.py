"""Files that moved: recognised by their quick key, and confirmed by their content where that is known."""

import hashlib
import os
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from otolith.jobs.service import Run
from otolith.library import queries
from otolith.library.engine.ignoring import Ignored
from otolith.library.engine.walk import device_of, outer_of
from otolith.library.reading import Read
from otolith.library.roots.places import is_gone
from otolith.media.models import Media

_BLOCK: Final = 1 << 20
# Of more copies of one content than this, it is not found out which of them moved.
_ALIKE: Final = 2000


class Unconfirmed(Exception):
    """Since the contents were compared, more has become known of a file that may have moved."""


class Place:
    """A folder that is looked at, with what in it is `away` and therefore neither gone nor there."""

    def __init__(self, root: bytes, away: Collection[bytes]) -> None:
        self._stem, self._away = root.rstrip(b"/") + b"/", tuple(away)
        self._ignored = Ignored()

    def was_left_by(self, row: queries.Alike) -> bool:
        """Whether a stored file is not any more where it was."""
        # Outside this folder only a scan of that place may say that a file is gone: its disk may just be away.
        if row.missing:
            return True
        if not row.path.startswith(self._stem):
            return False
        return self._ignored.covers(row.path) or (is_gone(row.path) and not row.path.startswith(self._away))

    def was_remounted(self, before: bytes, now: bytes) -> bool:
        """Whether a file lies on a disk just as a stored one lay on one that is away: it may be mounted elsewhere now.

        A copy that somebody made of a file lies elsewhere, or on no disk of its own.
        """
        for folder in self._away:
            rest = before.removeprefix(folder)
            disk = now.removesuffix(b"/" + rest)
            if before.startswith(folder) and disk != now and device_of(disk) not in {None, device_of(outer_of(disk))}:
                return True
        return False


def confirmed(run: Run, workspace_id: UUID, place: Place, read: Sequence[Read]) -> list[Read]:
    """The files with the hash of their content, where that has to tell whether they are known ones that moved."""
    keys = {one.tags.quick_key for one in read if one.tags.quick_key and one.sha256 is None}
    if not keys:
        return list(read)
    with run.context.database.read(run.actor) as session:
        known = queries.stored_at(session, workspace_id, [one.digest for one in read])
        alike = queries.with_quick_keys(session, workspace_id, keys, _ALIKE)
    left = _left(place, alike, read)
    places = {row.quick_key for row in alike if row.sha256 is not None and row.media_id in left}
    return [
        replace(one, sha256=_hash(run, one.seen.path))
        if one.sha256 is None and one.digest not in known and one.tags.quick_key in places
        else one
        for one in read
    ]


class Elsewhere:
    """Stored files that are gone from where they were, and may be what a new file was before it was moved."""

    def __init__(self, session: Session, workspace_id: UUID, place: Place, new: Sequence[Read]) -> None:
        keys = {one.tags.quick_key for one in new if one.tags.quick_key}
        alike = queries.with_quick_keys(session, workspace_id, keys, _ALIKE) if keys else []
        self._place, self._left = place, {row.media_id for row in alike if place.was_left_by(row)}
        left = _left(place, alike, new)
        self._rows = list(queries.held_media(session, left)) if left else []

    def take(self, one: Read) -> Media | None:
        """The row that moved to this file's place, if any; each moves once. `Unconfirmed` where that cannot be told."""
        alike = [row for row in self._rows if row.quick_key == one.tags.quick_key and self._may_be(row, one)]
        if one.sha256 is None and any(row.sha256 is not None for row in alike):
            raise Unconfirmed
        for row in alike:
            if row.sha256 is None or row.sha256 == one.sha256:
                self._rows.remove(row)
                return row
        return None

    def _may_be(self, row: Media, one: Read) -> bool:
        return row.id in self._left or self._place.was_remounted(row.path or b"", one.seen.path)


def _left(place: Place, alike: Sequence[queries.Alike], new: Sequence[Read]) -> set[UUID]:
    """Those of the stored files that are not where they were, or may be on a disk that one of the new ones lies on."""
    came: dict[str | None, list[bytes]] = {}
    for one in new:
        came.setdefault(one.tags.quick_key, []).append(one.seen.path)
    return {
        row.media_id
        for row in alike
        if place.was_left_by(row) or any(place.was_remounted(row.path, path) for path in came.get(row.quick_key, ()))
    }


def _hash(run: Run, path: bytes) -> str:
    """The SHA-256 of a file; of one that cannot be read something that no content has, which confirms nothing."""
    digest = hashlib.sha256()
    try:
        # Without blocking: since it was read the file may have become a pipe.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:  # noqa: PTH123
            while block := file.read(_BLOCK):
                digest.update(block)
                run.check()
    except OSError:
        return "unreadable"
    return digest.hexdigest()
