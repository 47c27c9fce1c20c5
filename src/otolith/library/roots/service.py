"""What routes, pages, commands and the watcher may do with the folders of a library."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, true
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from otolith.core import paging
from otolith.core.actor import SYSTEM, Actor, visible_to
from otolith.core.context import Context
from otolith.core.db import after_commit, now
from otolith.core.errors import Conflict, NotAllowed, NotFound
from otolith.core.paging import Page
from otolith.library import queries as library
from otolith.library.catalogue.filing import refile
from otolith.library.catalogue.versions import next_version
from otolith.library.events import shown
from otolith.library.roots import queries
from otolith.library.roots.models import Root
from otolith.library.roots.places import folder_named, may_scan
from otolith.library.roots.scans import end_scans, position, start_scan
from otolith.library.roots.schemas import RootAdded, RootOut, RootRemoved, RootRequest, ScanStarted
from otolith.library.roots.whereabouts import Whereabouts, whereabouts
from otolith.media import service as media

_PAGE: Final = 1000
# A clock that was set back leaves moments in the future; whatever is later than this is one of them.
_JUMPED: Final = dt.timedelta(minutes=5)


class RootNotFound(NotFound):
    """There is no such folder in a library that you may see."""


class RootKnown(Conflict):
    """This folder is a part of this library already."""


def add_root(session: Session, context: Context, actor: Actor, wish: RootRequest, workspace_id: UUID) -> RootAdded:
    """Make a folder a part of a library: it is scanned by the clock and, where watched, as it changes."""
    path = folder_named(wish.path)
    may_scan(context, actor, path, workspace_id)
    digest = media.path_digest(path)
    if queries.root_at(session, workspace_id, digest) is not None:
        raise RootKnown(f"{shown(path)} is a part of this library already.")
    root = Root(
        workspace_id=workspace_id,
        added_by=actor.user_id,
        path=path,
        path_digest=digest,
        name=wish.name.strip(),
        watched=wish.watched,
        every=wish.every,
    )
    session.add(root)
    try:
        session.flush()
    except IntegrityError as error:
        # Somebody else added it at the same moment.
        raise RootKnown from error
    if root.watched:
        after_commit(session, context.settings.folder.watch_wanted.touch)
    scan = start_scan(session, context, actor, path, workspace_id) if wish.scan else None
    return RootAdded(**_shown(root, whereabouts(session, actor)), scan=scan)


def list_roots(
    session: Session, actor: Actor, *, workspace_id: UUID | None = None, cursor: str | None = None, limit: int = 50
) -> Page[RootOut]:
    """A page of the folders of the libraries that the caller may see, in the order in which they were added."""
    condition = _visible(actor, workspace_id)
    rows = queries.roots_page(session, condition, position(cursor), limit + 1)
    page, following = paging.cut(rows, limit, lambda root: (str(root.id),))
    where = whereabouts(session, actor)
    return Page[RootOut](
        items=[RootOut(**_shown(root, where)) for root in page],
        next=following,
        total=queries.count_roots(session, condition),
    )


def get_root(session: Session, actor: Actor, root_id: UUID) -> RootOut:
    return RootOut(**_shown(_found(session, actor, root_id), whereabouts(session, actor)))


def change_root(session: Session, actor: Actor, root_id: UUID, changes: Mapping[str, Any]) -> RootOut:
    """Rename a folder, or change when it is looked at: `changes` holds the fields that somebody named."""
    root = _edited(session, actor, root_id)
    if changes.get("name") is not None:
        root.name = str(changes["name"]).strip()
    if changes.get("watched") is not None:
        root.watched = bool(changes["watched"])
    if "every" in changes:
        root.every = changes["every"]
    session.flush()
    return RootOut(**_shown(root, whereabouts(session, actor)))


def remove_root(session: Session, actor: Actor, root_id: UUID, *, mark_missing: bool = False) -> RootRemoved:
    """Let a folder leave the library. Its tracks stay as they are, or count as missing, and may then be purged.

    A scan of it that is not over ends here, and stores nothing more.
    """
    root = _edited(session, actor, root_id)
    workspace_id, path = root.workspace_id, root.path
    if mark_missing:
        next_version(session, workspace_id)
    end_scans(session, actor, workspace_id, path)
    session.delete(root)
    session.flush()
    # Whoever starts one by itself waits for the row that is gone now.
    end_scans(session, actor, workspace_id, path)
    return RootRemoved(marked_missing=_mark_missing(session, workspace_id, path) if mark_missing else 0)


def _mark_missing(session: Session, workspace_id: UUID, path: bytes) -> int:
    """Call missing what lies below a folder and in no other folder of the library."""
    others = [root.path.rstrip(b"/") + b"/" for root in queries.roots_page(session, Root.workspace_id == workspace_id)]
    after, count = None, 0
    while page := library.files_under(session, workspace_id, path, after, _PAGE):
        after = page[-1][0]
        mine = [media_id for media_id, place in page if not place.startswith(tuple(others))]
        count += media.mark_missing(session, mine)
        refile(session, workspace_id, [track.id for track in library.tracks_of(session, mine).values()])
    return count


def scan_roots(
    session: Session, context: Context, actor: Actor, *, workspace_id: UUID | None = None, root_id: UUID | None = None
) -> list[ScanStarted]:
    """Ask for a scan of one folder of a library, or of all that the caller may change."""
    if root_id is not None:
        roots = [_edited(session, actor, root_id)]
    else:
        found = queries.roots_page(session, _visible(actor, workspace_id))
        roots = [root for root in found if actor.may_edit(root.workspace_id)]
        if found and not roots:
            raise NotAllowed("You may see these folders but not scan them; ask an owner for the editor's role.")
    # Whoever added a folder was allowed to; that it is scanned again is no new right.
    starter = SYSTEM if actor.is_system else _as_admin(actor)
    return [
        start_scan(session, context, starter, root.path, root.workspace_id)
        for root in roots
        if queries.held_root(session, root.id) is not None
    ]


def _as_admin(actor: Actor) -> Actor:
    return Actor(kind="user", user_id=actor.user_id, role="admin", memberships=actor.memberships)


def due_roots(session: Session) -> list[Root]:
    """The folders whose time for another scan has come."""
    moment = now()
    timed = [root for root in queries.roots_page(session, true()) if root.every is not None]
    return [root for root in timed if _is_due(root, queries.last_begun(session, root.workspace_id, root.path), moment)]


def _is_due(root: Root, last: dt.datetime | None, moment: dt.datetime) -> bool:
    if last is None or last > moment + _JUMPED:
        return True
    return moment - last >= dt.timedelta(hours=root.every or 0)


def _visible(actor: Actor, workspace_id: UUID | None) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = visible_to(actor, Root.workspace_id)
    return condition if workspace_id is None else and_(condition, Root.workspace_id == workspace_id)


def _found(session: Session, actor: Actor, root_id: UUID) -> Root:
    root = queries.root(session, actor, root_id)
    if root is None:
        raise RootNotFound
    return root


def _edited(session: Session, actor: Actor, root_id: UUID) -> Root:
    root = _found(session, actor, root_id)
    if not actor.may_edit(root.workspace_id):
        raise NotAllowed("Only owners and editors of its workspace may do this to a folder of a library.")
    return root


def _shown(root: Root, where: Whereabouts) -> dict[str, Any]:
    columns = {name: getattr(root, name) for name in RootOut.model_fields if name != "path"}
    return {**columns, "path": where.path(shown(root.path)), "away_why": where.text_or_none(root.away_why)}
