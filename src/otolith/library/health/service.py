"""What routes, pages and commands may ask about the health of a library."""

from collections.abc import Callable, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from otolith.core.actor import Actor
from otolith.core.context import Context
from otolith.core.errors import NotAllowed
from otolith.core.paging import Page, cut
from otolith.identify import service as identify
from otolith.jobs.service import submit
from otolith.library.health import groups, queries, queries_groups, telling
from otolith.library.health.counting import Counts, UnevenAlbums
from otolith.library.health.cursors import id_of, position
from otolith.library.health.events import DUPLICATES, DuplicatesPayload
from otolith.library.health.kinds import FIELDS, KINDS, Field, Kind
from otolith.library.health.schemas import HealthFinding, HealthKind, HealthSummary
from otolith.library.queries_etags import visible_versions
from otolith.library.roots.whereabouts import whereabouts

List = Callable[[Session, Actor, UUID | None, str | None, int], Page[HealthFinding]]


def summary(session: Session, context: Context, actor: Actor, workspace_id: UUID | None = None) -> HealthSummary:
    """How often each kind of finding occurs in what the caller may see."""
    uncompared, compared_at = queries_groups.comparison(session, actor, workspace_id, identify.VERSION)
    # What was heard again in vain changes no catalogue.
    known = (_versions(session, actor, workspace_id), compared_at, queries.count_in_vain(session))
    counted = context.resource(Counts).of(known, lambda: _counted(session, context, actor, workspace_id))
    # Nor does what scans could not take in.
    refused = queries_groups.count(session, queries_groups.refused(actor, workspace_id))
    told = {**counted, "refused": refused}
    return HealthSummary(
        tracks=told["tracks"],
        waiting=told["waiting"],
        uncompared=uncompared,
        compared_at=compared_at,
        kinds=[
            HealthKind(
                kind=kind,
                severity=about.severity,
                title=about.title,
                meaning=about.meaning,
                advice=about.advice,
                count=told[kind],
                fields={field: told[f"no {field}"] for field in FIELDS} if kind == "tags" else {},
            )
            for kind, about in KINDS.items()
        ],
    )


def _versions(session: Session, actor: Actor, workspace_id: UUID | None) -> tuple[tuple[UUID, int, int], ...]:
    return tuple(one for one in visible_versions(session, actor) if workspace_id in (None, one[0]))


def _uneven(session: Session, context: Context, actor: Actor, workspace_id: UUID | None) -> Sequence[UUID]:
    whose = queries.whose(actor, workspace_id)
    versions = _versions(session, actor, workspace_id)
    return context.resource(UnevenAlbums).of(versions, lambda: queries.uneven_in_order(session, whose))


def _counted(session: Session, context: Context, actor: Actor, workspace_id: UUID | None) -> dict[str, int]:
    """Everything that follows from the catalogue and from the comparison of its recordings."""
    whose = queries.whose(actor, workspace_id)
    return queries.count_tracks(session, whose) | {
        "damaged": queries.count_analysed(session, whose, "damaged"),
        "clipped": queries.count_analysed(session, whose, "clipped"),
        "outdated": queries.count_analysed(session, whose, "outdated"),
        "copies": queries_groups.count(session, queries_groups.exact_copies(whose)),
        "duplicates": queries_groups.count(session, queries_groups.same_recordings(whose)),
        "masters": queries_groups.count(session, queries_groups.masters(actor, workspace_id)),
        "albums": len(_uneven(session, context, actor, workspace_id)),
    }


def findings(
    session: Session,
    context: Context,
    actor: Actor,
    kind: Kind,
    *,
    field: Field | None = None,
    workspace_id: UUID | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[HealthFinding]:
    """A page of one kind: tracks the newest first, albums by artist and title, copies by the room that they take."""
    if kind == "albums":
        page = _of_albums(session, context, actor, workspace_id, cursor, limit)
    elif kind in _LISTS:
        page = _LISTS[kind](session, actor, workspace_id, cursor, limit)
    else:
        page = _of_tracks(session, actor, kind, field, workspace_id, cursor, limit)
    where = whereabouts(session, actor)
    return page.model_copy(update={"items": [telling.as_told(one, where) for one in page.items]})


def _of_tracks(
    session: Session,
    actor: Actor,
    kind: Kind,
    field: Field | None,
    workspace_id: UUID | None,
    cursor: str | None,
    limit: int,
) -> Page[HealthFinding]:
    condition = queries.IS[kind]
    if kind == "tags" and field is not None:
        condition = queries.PRESENT & queries.LACKS[field]
    before = id_of(position(cursor, kind, 1)[0]) if cursor is not None else None
    rows = queries.page_of_tracks(session, queries.whose(actor, workspace_id), condition, before, limit + 1)
    page, following = cut(rows, limit, lambda seen: (kind, str(seen.track.id)))
    items = [telling.about_track(kind, seen) for seen in page]
    return Page[HealthFinding](items=items, next=following, total=None)


def _of_albums(
    session: Session, context: Context, actor: Actor, workspace_id: UUID | None, cursor: str | None, limit: int
) -> Page[HealthFinding]:
    whose = queries.whose(actor, workspace_id)
    left = _uneven(session, context, actor, workspace_id)
    if cursor is not None:
        artist, title, last = position(cursor, "albums", 3)
        album_id = id_of(last)
        # The album of the cursor may be mended by now.
        known = album_id in left
        after = (str(artist), str(title), album_id)
        left = left[left.index(album_id) + 1 :] if known else queries.uneven_in_order(session, whose, after)
    albums = queries.albums_of(session, actor, left[: limit + 1])
    rows = [albums[one] for one in left[: limit + 1] if one in albums]
    page, following = cut(rows, limit, lambda one: ("albums", one.artist_key, one.title_key, str(one.id)))
    by_album: dict[UUID | None, list[queries.Seen]] = {}
    for seen in queries.tracks_of_albums(session, whose, [album.id for album in page]):
        by_album.setdefault(seen.track.album_id, []).append(seen)
    items = [telling.about_album(album, by_album.get(album.id, [])) for album in page]
    return Page[HealthFinding](items=items, next=following, total=None)


def _of_refused(
    session: Session, actor: Actor, workspace_id: UUID | None, cursor: str | None, limit: int
) -> Page[HealthFinding]:
    before = id_of(position(cursor, "refused", 1)[0]) if cursor is not None else None
    rows = queries_groups.page_of_refused(session, queries_groups.refused(actor, workspace_id), before, limit + 1)
    page, following = cut(rows, limit, lambda one: ("refused", str(one.id)))
    return Page[HealthFinding](items=[telling.about_refused(one) for one in page], next=following, total=None)


_LISTS: Final[dict[Kind, List]] = {
    "refused": _of_refused,
    "copies": groups.exact_copies,
    "duplicates": groups.same_recordings,
    "masters": groups.masters,
}


def start_check(session: Session, actor: Actor, workspace_id: UUID) -> UUID:
    """Ask for the comparison of a workspace's recordings now, instead of within ten minutes; its job."""
    if not actor.may_edit(workspace_id):
        raise NotAllowed("You may not start work in this workspace; ask its owner for the editor's role.")
    payload = DuplicatesPayload(workspace=workspace_id)
    return submit(session, DUPLICATES, payload, workspace=workspace_id, user=actor.user_id)
