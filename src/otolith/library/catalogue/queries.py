"""The statements by which the catalogue is read."""

from collections.abc import Collection, Sequence
from typing import Any, TypeVar, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, case, delete, func, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from otolith.core import paging
from otolith.core.actor import Actor, visible_to
from otolith.library.apart import first_ids, workspaces_of
from otolith.library.catalogue.links import AlbumCredit, Credit, Lyrics, Role, TrackTerm
from otolith.library.catalogue.models import Album, Artist, ArtistAlias, Spelling, Term
from otolith.library.models import Analysis, Track
from otolith.media.models import Media

Listed = TypeVar("Listed", Artist, Album, Term)
Sorting = tuple[InstrumentedAttribute[Any], ...]
Found = Row[tuple[Track, Media, Analysis | None]]
# A track without a number comes behind those with one.
_LAST = 1_000_000


def page_of(
    session: Session,
    actor: Actor,
    kind: type[Listed],
    condition: ColumnElement[bool],
    sorting: Sorting,
    after: tuple[Any, ...] | None,
    limit: int,
    *,
    among: Select[tuple[UUID]] | None = None,
    descending: bool = False,
) -> Sequence[Listed]:
    """A page of artists, albums or genres, behind the row whose sorting values are `after`.

    Each workspace's first rows are taken in the order of an index and put together then, since no index is in the
    order of several. `among` are the ids of a few that the caller may see, which are looked up one by one.
    """
    order = [column.desc() if descending else column.asc() for column in sorting]
    beyond = true() if after is None else paging.after(sorting, after, descending=descending)
    if among is not None:
        few = select(kind).where(kind.id.in_(among), condition, beyond)
        return session.scalars(few.order_by(*order).limit(limit)).all()
    seen = [visible_to(actor, kind.workspace_id), condition, beyond]
    if workspaces := workspaces_of(actor):
        ids = first_ids(kind.id, kind.workspace_id, workspaces, [condition, beyond], order, limit)
        seen = [seen[0], kind.id.in_(ids)]
    return session.scalars(select(kind).where(*seen).order_by(*order).limit(limit)).all()


def count_of(
    session: Session,
    actor: Actor,
    kind: type[Listed],
    condition: ColumnElement[bool],
    *,
    among: Select[tuple[UUID]] | None = None,
) -> int:
    seen = visible_to(actor, kind.workspace_id) if among is None else kind.id.in_(among)
    return session.scalar(select(func.count()).select_from(kind).where(seen, condition)) or 0


def one_of(session: Session, actor: Actor, kind: type[Listed], row_id: UUID) -> Listed | None:
    return session.scalar(select(kind).where(visible_to(actor, kind.workspace_id), kind.id == row_id))


def owners_of(session: Session, album_ids: Collection[UUID]) -> dict[UUID, list[tuple[UUID, str]]]:
    """Whose these albums are, which the caller was found to see."""
    found: dict[UUID, list[tuple[UUID, str]]] = {}
    rows = session.execute(
        select(AlbumCredit.album_id, AlbumCredit.artist_id, AlbumCredit.name)
        .where(AlbumCredit.album_id.in_(list(album_ids)))
        .order_by(AlbumCredit.album_id, AlbumCredit.position)
    )
    for album_id, artist_id, name in rows:
        found.setdefault(album_id, []).append((artist_id, name))
    return found


def owned_by(artist_id: UUID) -> Select[tuple[UUID]]:
    """The albums that are the own of an artist, whom the caller was found to see."""
    return select(AlbumCredit.album_id).where(AlbumCredit.artist_id == artist_id)


def appearing(artist_id: UUID) -> Select[Any]:
    """The albums of others on which an artist has a part, whom the caller was found to see."""
    return (
        select(Track.album_id)
        .join(Credit, Credit.track_id == Track.id)
        .where(Credit.artist_id == artist_id, Track.album_id.is_not(None), Track.album_id.not_in(owned_by(artist_id)))
        .distinct()
    )


def with_artist(artist_id: UUID) -> ColumnElement[bool]:
    """The condition for tracks in which an artist has a part."""
    return Track.id.in_(select(Credit.track_id).where(Credit.artist_id == artist_id))


def with_term(term_id: UUID) -> ColumnElement[bool]:
    """The condition for tracks of a genre or mood."""
    return Track.id.in_(select(TrackTerm.track_id).where(TrackTerm.term_id == term_id))


def roles_of(session: Session, artist_id: UUID) -> Sequence[Row[tuple[Role, int]]]:
    number = func.count()
    return session.execute(
        select(Credit.role, number)
        .where(Credit.artist_id == artist_id)
        .group_by(Credit.role)
        .order_by(number.desc(), Credit.role)
    ).all()


_DISC = func.coalesce(Track.disc_number, 1)
_NUMBER = func.coalesce(Track.track_number, _LAST)
ALBUM_ORDER = (_DISC, _NUMBER, Track.title_key, Track.id)


def album_tracks(
    session: Session, actor: Actor, album_id: UUID, after: tuple[Any, ...] | None, limit: int
) -> Sequence[Found]:
    """The tracks of an album by disc and number, with their files and features."""
    order = cast("Sorting", ALBUM_ORDER)
    statement = (
        select(Track, Media, Analysis)
        .join(Media, Media.id == Track.media_id)
        .join(Analysis, Analysis.sha256 == Media.sha256, isouter=True)
        .join(Album, Album.id == Track.album_id)
        .where(visible_to(actor, Album.workspace_id), Album.id == album_id)
        .order_by(*order)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(paging.after(order, after))
    return cast("Sequence[Found]", session.execute(statement).all())


def place_of(track: Track) -> tuple[int, int, str, str]:
    """A track's values in `ALBUM_ORDER`."""
    return track.disc_number or 1, track.track_number or _LAST, track.title_key, str(track.id)


def album_genres(session: Session, album_id: UUID, limit: int) -> Sequence[str]:
    number = func.count()
    return session.scalars(
        select(Term.name)
        .join(TrackTerm, TrackTerm.term_id == Term.id)
        .join(Track, Track.id == TrackTerm.track_id)
        .where(Track.album_id == album_id, Term.kind == "genre")
        .group_by(Term.id, Term.name)
        .order_by(number.desc(), Term.name)
        .limit(limit)
    ).all()


def lyrics_of(session: Session, actor: Actor, track_id: UUID) -> Lyrics | None:
    return session.scalar(select(Lyrics).where(visible_to(actor, Lyrics.workspace_id), Lyrics.track_id == track_id))


_ROLES = ("artist", "album_artist", "composer", "lyricist", "conductor", "performer", "remixer", "producer")
_BY_ROLE = case({role: place for place, role in enumerate(_ROLES)}, value=Credit.role, else_=len(_ROLES))


def credits_of(session: Session, track_id: UUID) -> Sequence[Row[tuple[Role, UUID, str]]]:
    """Role, artist and name of those who have a part in a track, which the caller was found to see."""
    return session.execute(
        select(Credit.role, Credit.artist_id, Credit.name)
        .where(Credit.track_id == track_id)
        .order_by(_BY_ROLE, Credit.position)
    ).all()


def terms_of(session: Session, track_id: UUID) -> Sequence[tuple[Term, str]]:
    """Genres and moods of a track, which the caller was found to see, as the file writes them."""
    rows = session.execute(
        select(Term, TrackTerm.name)
        .join(TrackTerm, TrackTerm.term_id == Term.id)
        .where(TrackTerm.track_id == track_id)
        .order_by(TrackTerm.position)
    )
    return [(term, name) for term, name in rows]


def aliases_of(session: Session, workspace_id: UUID, target_key: str) -> Sequence[ArtistAlias]:
    return session.scalars(
        select(ArtistAlias)
        .where(ArtistAlias.workspace_id == workspace_id, ArtistAlias.target_key == target_key)
        .order_by(ArtistAlias.name_key)
    ).all()


def all_aliases(session: Session, workspace_id: UUID) -> Sequence[ArtistAlias]:
    return session.scalars(select(ArtistAlias).where(ArtistAlias.workspace_id == workspace_id)).all()


def alias(session: Session, actor: Actor, alias_id: UUID) -> ArtistAlias | None:
    return session.scalar(
        select(ArtistAlias).where(visible_to(actor, ArtistAlias.workspace_id), ArtistAlias.id == alias_id)
    )


def drop_alias(session: Session, alias_id: UUID) -> None:
    session.execute(delete(ArtistAlias).where(ArtistAlias.id == alias_id))


def keys_of_id(session: Session, workspace_id: UUID, mbid: str) -> Sequence[tuple[str, str]]:
    """The folded names that the files give a person of this identifier, each with one way to write it."""
    rows = session.execute(
        select(Spelling.name_key, func.min(Spelling.name))
        .where(Spelling.workspace_id == workspace_id, Spelling.mbid == mbid)
        .group_by(Spelling.name_key)
    )
    return list(rows.tuples())


def tags_of(session: Session, track_id: UUID) -> dict[str, Any]:
    """The stored tags of a track, which the caller was found to see."""
    return session.scalar(select(Track.tags).where(Track.id == track_id)) or {}
