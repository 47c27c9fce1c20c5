"""What routes, pages and commands may ask about the health of a library."""

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from otolith.core import paging
from otolith.core.actor import Actor
from otolith.core.errors import NotFound
from otolith.core.paging import BadCursor, Page
from otolith.library.catalogue.models import Album
from otolith.library.health import queries, telling
from otolith.library.health.kinds import FIELDS, KINDS, Field, Kind
from otolith.library.health.schemas import HealthFinding, HealthKind, HealthSummary

Whose = ColumnElement[bool]


def summary(session: Session, actor: Actor, workspace_id: UUID | None = None) -> HealthSummary:
    """How often each kind of finding occurs in what the caller may see."""
    whose = queries.whose(actor, workspace_id)
    told = queries.count_tracks(session, whose)
    counts: dict[Kind, int] = {
        "unreadable": told["unreadable"],
        "damaged": queries.count_analysed(session, whose, "damaged"),
        "missing": told["missing"],
        "albums": queries.count_uneven_albums(session, whose),
        "tags": told["tags"],
        "clipped": queries.count_analysed(session, whose, "clipped"),
    }
    return HealthSummary(
        tracks=told["tracks"],
        waiting=told["waiting"],
        uncompared=0,
        compared_at=None,
        kinds=[
            HealthKind(
                kind=kind,
                severity=about.severity,
                title=about.title,
                meaning=about.meaning,
                advice=about.advice,
                count=counts[kind],
                fields={field: told[f"no {field}"] for field in FIELDS} if kind == "tags" else {},
            )
            for kind, about in KINDS.items()
            if kind in counts
        ],
    )


def findings(
    session: Session,
    actor: Actor,
    kind: Kind,
    *,
    field: Field | None = None,
    workspace_id: UUID | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[HealthFinding]:
    """A page of the findings of one kind: of tracks the newest first, of albums by artist and title."""
    whose = queries.whose(actor, workspace_id)
    if kind in queries.IS:
        return _of_tracks(session, whose, kind, field, cursor, limit)
    return _LISTS[kind](session, whose, cursor, limit)


def _of_tracks(
    session: Session, whose: Whose, kind: Kind, field: Field | None, cursor: str | None, limit: int
) -> Page[HealthFinding]:
    condition = queries.IS[kind]
    if kind == "tags" and field is not None:
        condition = queries.PRESENT & queries.LACKS[field]
    before = _id(_position(cursor, kind, 1)[0]) if cursor is not None else None
    rows = queries.page_of_tracks(session, whose, condition, before, limit + 1)
    page, following = paging.cut(rows, limit, lambda seen: (kind, str(seen.track.id)))
    return Page[HealthFinding](items=[telling.about_track(kind, seen) for seen in page], next=following, total=None)


def _of_albums(session: Session, whose: Whose, cursor: str | None, limit: int) -> Page[HealthFinding]:
    after = None
    if cursor is not None:
        artist, title, album_id = _position(cursor, "albums", 3)
        after = (str(artist), str(title), _id(album_id))
    rows = queries.page_of_uneven_albums(session, whose, after, limit + 1)
    page, following = paging.cut(rows, limit, lambda one: ("albums", one.artist_key, one.title_key, str(one.id)))
    tracks = queries.tracks_of_albums(session, whose, [album.id for album in page])
    by_album: dict[UUID | None, list[queries.Seen]] = {}
    for seen in tracks:
        by_album.setdefault(seen.track.album_id, []).append(seen)
    items = [telling.about_album(album, by_album.get(album.id, [])) for album in page]
    return Page[HealthFinding](items=items, next=following, total=None)


def _position(cursor: str, kind: Kind, length: int) -> list[Any]:
    made_for, *values = paging.decode(cursor, length + 1)
    if made_for != kind:
        raise BadCursor
    return values


def _id(value: object) -> UUID:
    try:
        return UUID(str(value))
    except ValueError as error:
        raise BadCursor from error


_LISTS: Final[dict[Kind, Callable[[Session, Whose, str | None, int], Page[HealthFinding]]]] = {"albums": _of_albums}

__all__ = ["Album", "NotFound", "findings", "summary"]
