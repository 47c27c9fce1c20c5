"""The statements about the health of a library; `otolith.library.health.telling` says in words what they look for."""

from collections.abc import Collection, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, func, literal_column, or_, select
from sqlalchemy.orm import Session

from otolith.core import paging
from otolith.core.actor import Actor, visible_to
from otolith.library.catalogue.models import Album
from otolith.library.engine.features import VERSIONS
from otolith.library.health.kinds import FIELDS, Field, Kind
from otolith.library.models import Analysis, Track
from otolith.library.renewal.queries import codes_in_vain
from otolith.media.models import Media

PRESENT: Final = Media.missing.is_(False)
_TITLE: Final = func.coalesce(Track.edits["title"].as_string(), Track.tags["title"].as_string(), "")
# As sets of contents, which have small indexes of their own; the level is written out, as it is in that index.
_DAMAGED: Final = Media.sha256.in_(select(Analysis.sha256).where(Analysis.damaged))
_HEARD_IN_VAIN: Final = Analysis.renewal_failed.in_(codes_in_vain(VERSIONS))
_IN_VAIN: Final = Media.sha256.in_(select(Analysis.sha256).where(_HEARD_IN_VAIN))
_TOO_LOUD: Final = Media.sha256.in_(select(Analysis.sha256).where(Analysis.true_peak_dbtp > literal_column("0")))

LACKS: Final[dict[Field, ColumnElement[bool]]] = {
    "title": _TITLE == "",
    "artist": Track.artist == "",
    "album": Track.album == "",
    # A single belongs to no album, and needs no number there.
    "number": and_(Track.track_number.is_(None), Track.album != ""),
    "date": Track.date == "",
    "genre": Track.genre == "",
    "cover": and_(Track.cover_key.is_(None), Album.cover_key.is_(None)),
}

IS: Final[dict[Kind, ColumnElement[bool]]] = {
    "unreadable": and_(PRESENT, Track.state == "failed"),
    "damaged": and_(PRESENT, _DAMAGED),
    "missing": Media.missing.is_(True),
    "tags": and_(PRESENT, or_(*LACKS.values())),
    "clipped": and_(PRESENT, _TOO_LOUD),
    "outdated": and_(PRESENT, _IN_VAIN),
}
"""The kinds that are told from one track alone."""


class Seen(NamedTuple):
    """A track with what a finding says of it."""

    track: Track
    media: Media
    loudness: float | None
    peak: float | None
    notes: list[dict[str, Any]] | None
    titled: str
    cover: str | None


def whose(actor: Actor, workspace_id: UUID | None) -> ColumnElement[bool]:
    """The tracks that a caller asks about."""
    condition = visible_to(actor, Track.workspace_id)
    return condition if workspace_id is None else and_(condition, Track.workspace_id == workspace_id)


def seen_columns() -> Select[Any]:
    """Tracks as `Seen` names their columns."""
    analysed = (Analysis.loudness_lufs, Analysis.true_peak_dbtp, Analysis.notes)
    return (
        select(Track, Media, *analysed, _TITLE, func.coalesce(Track.cover_key, Album.cover_key))
        .join(Media, Media.id == Track.media_id)
        .join(Analysis, Analysis.sha256 == Media.sha256, isouter=True)
        .join(Album, Album.id == Track.album_id, isouter=True)
    )


def page_of_tracks(
    session: Session, whose: ColumnElement[bool], condition: ColumnElement[bool], before: UUID | None, limit: int
) -> list[Seen]:
    """The newest tracks of a condition, behind the one that the last page ended with."""
    statement = seen_columns().where(whose, condition).order_by(Track.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(Track.id < before)
    return [Seen(*row) for row in session.execute(statement)]


def tracks_of_albums(session: Session, whose: ColumnElement[bool], album_ids: Collection[UUID]) -> list[Seen]:
    """The tracks of albums that are there, in the order of their numbers."""
    statement = seen_columns().where(whose, PRESENT, Track.album_id.in_(list(album_ids)))
    order = (Track.disc_number, Track.track_number, Track.title_key, Track.id)
    return [Seen(*row) for row in session.execute(statement.order_by(*order))]


def _how_many(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def count_tracks(session: Session, whose: ColumnElement[bool]) -> dict[str, int]:
    """How many tracks there are in all, how many wait, and how many are findings of what their rows say."""
    wanted: dict[str, ColumnElement[Any]] = {
        "tracks": func.count(),
        "waiting": _how_many(and_(PRESENT, Track.state == "waiting")),
        **{kind: _how_many(IS[kind]) for kind in ("unreadable", "missing", "tags")},
        **{f"no {field}": _how_many(and_(PRESENT, LACKS[field])) for field in FIELDS},
    }
    statement = (
        select(*(column.label(name) for name, column in wanted.items()))
        .select_from(Track)
        .join(Media, Media.id == Track.media_id)
        .join(Album, Album.id == Track.album_id, isouter=True)
        .where(whose)
    )
    return {name: int(value) for name, value in session.execute(statement).mappings().one().items()}


def count_analysed(session: Session, whose: ColumnElement[bool], kind: Kind) -> int:
    """How many tracks are findings of what was heard in them."""
    statement = select(func.count()).select_from(Track).join(Media, Media.id == Track.media_id)
    return session.scalar(statement.where(whose, IS[kind])) or 0


def count_in_vain(session: Session) -> int:
    """How many contents, whose ever, were heard again in vain: a stamp for what is kept, to be told to nobody."""
    return session.scalar(select(func.count()).select_from(Analysis).where(_HEARD_IN_VAIN)) or 0


def _positive(column: Any) -> ColumnElement[int]:
    return case((column > 0, column))


def _larger(one: ColumnElement[Any], other: ColumnElement[Any]) -> ColumnElement[Any]:
    return case((one > other, one), else_=other)


def uneven_albums(whose: ColumnElement[bool]) -> Select[tuple[UUID]]:
    """The albums whose numbers do not add up, by the rules of `otolith.library.health.numbering`."""
    number, total = _positive(Track.track_number), _positive(Track.track_total)
    disc = func.coalesce(_positive(Track.disc_number), 1)
    discs = (
        select(
            Track.album_id,
            disc.label("disc"),
            func.count(number).label("numbered"),
            func.count(number.distinct()).label("different"),
            func.coalesce(func.min(number), 0).label("lowest"),
            func.coalesce(func.max(number), 0).label("highest"),
            func.coalesce(func.min(total), 0).label("least"),
            func.coalesce(func.max(total), 0).label("most"),
            func.min(_positive(Track.disc_total)).label("fewest_discs"),
            func.max(_positive(Track.disc_total)).label("most_discs"),
        )
        .join(Media, Media.id == Track.media_id)
        .where(whose, PRESENT, Track.album_id.is_not(None))
        .group_by(Track.album_id, disc)
        .subquery()
    )
    one = discs.c
    before = case((one.disc > 1, one.lowest - 1), else_=0)
    lacking = _larger(one.highest, one.most) - before - one.different
    uneven = or_(
        one.numbered > one.different,
        one.least != one.most,
        and_(one.highest > one.most, one.lowest <= one.most, one.most > 0),
        and_(lacking > 0, lacking <= one.different),
    )
    last_disc = _larger(func.max(one.disc), func.coalesce(func.max(one.most_discs), 0))
    lacking_discs = last_disc - func.count()
    return (
        select(one.album_id)
        .group_by(one.album_id)
        .having(
            or_(
                _how_many(uneven) > 0,
                and_(lacking_discs > 0, lacking_discs <= func.count()),
                func.min(one.fewest_discs) != func.max(one.most_discs),
            )
        )
    )


def uneven_in_order(
    session: Session, whose: ColumnElement[bool], after: tuple[str, str, UUID] | None = None
) -> Sequence[UUID]:
    """The albums whose numbers do not add up, by artist and title; from a place on, where one is named."""
    order = (Album.artist_key, Album.title_key, Album.id)
    statement = select(Album.id).where(Album.id.in_(uneven_albums(whose))).order_by(*order)
    if after is not None:
        statement = statement.where(paging.after(order, after))
    return session.scalars(statement).all()


def albums_of(session: Session, actor: Actor, album_ids: Collection[UUID]) -> dict[UUID, Album]:
    """Those of these albums that the caller may see."""
    seen = visible_to(actor, Album.workspace_id)
    return {album.id: album for album in session.scalars(select(Album).where(seen, Album.id.in_(list(album_ids))))}
