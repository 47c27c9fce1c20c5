"""What routes, pages and commands may ask of search."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from otolith.core import paging
from otolith.core.actor import Actor
from otolith.core.context import Context
from otolith.core.errors import BadRequest
from otolith.core.paging import BadCursor
from otolith.library.search import queries
from otolith.library.search.counting import count, facets_named
from otolith.library.search.engine import names, ordering
from otolith.library.search.engine.matching import Hits, Scope, evaluate
from otolith.library.search.engine.ordering import RELEVANCE, Order, Position
from otolith.library.search.filters import FILTERS
from otolith.library.search.indexes import Indexes
from otolith.library.search.language import Asked, understand
from otolith.library.search.schemas import (
    SORTS,
    Facets,
    FacetsAsked,
    FoundAlbum,
    FoundArtist,
    FoundTrack,
    SearchAsked,
    SearchPage,
    SuggestAsked,
    Suggestions,
    Words,
)

FEW: Final = 5
"""Below so many tracks for the words as they are written, similar words count as well."""
FORGIVEN: Final = 16
"""In a search of more words than these, none counts for a similar one: each has to be compared with all there are."""

_NUMBERS: Final = {"bpm": "tempo"}
_NAMES_FIRST: Final = ("title", "artist", "album", "genre", "composer", "format")


class BadSort(BadRequest):
    """There is no such order."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found in each segment, and whether similar words counted."""

    hits: list[Hits]
    lenient: bool

    @property
    def total(self) -> int:
        return sum(hits.total for hits in self.hits)


def search(session: Session, context: Context, actor: Actor, asked: SearchAsked) -> SearchPage:
    """A page of the tracks that a text and filters ask for."""
    meant = _understood(asked)
    order, sort = _order(asked.sort, has_words=meant.has_words)
    after, lenient = _position(asked.cursor, sort)
    found = _found(
        session, context, actor, asked, meant, lenient=lenient, personal=order.by in ("rating", "plays", "played")
    )
    placed = ordering.page(found.hits, order, after, asked.limit + 1)
    page = placed[: asked.limit]
    following = _cursor(sort, found.lenient, page[-1].position) if len(placed) > asked.limit else None
    ids = [UUID(bytes=one.position[2]) for one in page]
    return SearchPage(
        items=_tracks(session, actor, ids), next=following, total=found.total, similar=found.lenient, sort=sort
    )


def facets(session: Session, context: Context, actor: Actor, asked: FacetsAsked) -> Facets:
    """What the tracks that a search finds have in common."""
    wanted = facets_named(asked.facets)
    found = _found(session, context, actor, asked, _understood(asked))
    counted = [count(found.hits, name, asked.values) for name in wanted]
    return Facets(total=found.total, similar=found.lenient, facets=counted)


def suggest(session: Session, context: Context, actor: Actor, asked: SuggestAsked) -> Suggestions:
    """The artists, albums and tracks that fit a text which is being typed."""
    meant = understand(asked.q, {}, time.time(), prefix=asked.prefix, strict=False)
    if not meant.query.terms and len(meant.query.conditions) == 1:
        # Only that the file is there: nothing was asked for yet.
        return Suggestions(artists=[], albums=[], tracks=[], total=0, similar=False)
    found = _found(session, context, actor, asked, meant)
    order = Order(RELEVANCE, descending=True) if meant.has_words else Order("added", descending=True)
    placed = ordering.page(found.hits, order, None, asked.limit)
    artists = names.artists(found.hits, meant.query.terms, asked.limit, lenient=found.lenient)
    albums = names.albums(found.hits, meant.query.terms, asked.limit, lenient=found.lenient)
    return Suggestions(
        artists=_artists(session, actor, [UUID(bytes=one) for one in artists]),
        albums=_albums(session, actor, [UUID(bytes=one) for one in albums]),
        tracks=_tracks(session, actor, [UUID(bytes=one.position[2]) for one in placed]),
        total=found.total,
        similar=found.lenient,
    )


def _understood(asked: SearchAsked | FacetsAsked) -> Asked:
    given = {name: getattr(asked, name) for name in FILTERS}
    filters = {name: value for name, value in given.items() if value is not None and value != ""}
    return understand(asked.q, filters, time.time(), prefix=asked.prefix)


def _found(
    session: Session,
    context: Context,
    actor: Actor,
    asked: Words,
    meant: Asked,
    *,
    lenient: bool | None = None,
    personal: bool = False,
) -> Found:
    """What is found in the workspaces of the caller; a page that goes on is as lenient as the one before."""
    workspaces = queries.workspaces(session) if actor.is_system else actor.workspaces
    if asked.workspace is not None:
        workspaces = [asked.workspace] if asked.workspace in workspaces else []
    scopes = context.resource(Indexes).scopes(session, context.settings.folder.search, workspaces)
    if personal or meant.is_personal:
        scopes = _with_own(scopes, queries.listened(session, actor))
    strict = Found([evaluate(scope, meant.query) for scope in scopes], lenient=False) if not lenient else None
    forgiving = lenient is not False and 0 < len(meant.query.terms) <= FORGIVEN
    # By the words alone, so that a filter narrows what is found and never adds to it.
    if strict and (not forgiving or sum(some.by_words for some in strict.hits) >= FEW):
        return strict
    found = Found([evaluate(scope, meant.query, lenient=True) for scope in scopes], lenient=True)
    return strict if strict and strict.total == found.total else found


def _with_own(scopes: Sequence[Scope], listened: Sequence[tuple[str, int, int | None, Any]]) -> list[Scope]:
    """The scopes with the caller's plays and ratings as numbers of the documents."""
    digits = "".join(track_id for track_id, *_ in listened).replace("-", "")
    ids = np.frombuffer(bytes.fromhex(digits), "S16")
    columns = {
        "plays": np.array([plays for _, plays, _, _ in listened], np.float64),
        "rating": np.array([np.nan if rating is None else rating for _, _, rating, _ in listened], np.float64),
        "played": np.array([np.nan if at is None else at.timestamp() for _, _, _, at in listened], np.float64),
    }
    return [replace(scope, own=_own(scope, ids, columns)) for scope in scopes]


def _own(scope: Scope, ids: NDArray[np.bytes_], columns: Mapping[str, NDArray[np.float64]]) -> Mapping[str, Any]:
    places, there = scope.segment.places(ids)
    own = {}
    for name, values in columns.items():
        own[name] = np.full(len(scope.segment), 0.0 if name == "plays" else np.nan)
        own[name][places[there]] = values[there]
    return own


def _order(sort: str, *, has_words: bool) -> tuple[Order, str]:
    sort = sort or (RELEVANCE if has_words else "-added")
    name = sort.removeprefix("-")
    if name not in SORTS:
        message = f'Nothing can be sorted by "{sort}". There are {", ".join(SORTS)}, with a minus for the other way.'
        raise BadSort(message)
    descending = sort.startswith("-")
    # The best first is what sorting by relevance means.
    return Order(_NUMBERS.get(name, name), descending != (name == RELEVANCE)), sort


def _cursor(sort: str, lenient: bool, position: Position) -> str:
    first, second, track = position
    parts = (one.decode("latin-1") if isinstance(one, bytes) else one for one in (first, second))
    return paging.encode(sort, int(lenient), *parts, track.hex())


def _position(cursor: str | None, sort: str) -> tuple[Position | None, bool | None]:
    """Where the page begins, and whether the pages before it were lenient."""
    if cursor is None:
        return None, None
    made_for, lenient, first, second, track = paging.decode(cursor, 5)
    if made_for != sort or not isinstance(track, str):
        raise BadCursor
    name = sort.removeprefix("-")
    try:
        parts = (_part(first, is_name=name in _NAMES_FIRST), _part(second, is_name=name != "album"))
        return (*parts, UUID(hex=track).bytes), bool(lenient)
    except (UnicodeEncodeError, ValueError, OverflowError) as error:
        raise BadCursor from error


def _part(value: object, *, is_name: bool) -> bytes | float | None:
    if value is None:
        return None
    if is_name != isinstance(value, str):
        raise BadCursor
    return value.encode("latin-1") if isinstance(value, str) else float(str(value))


def _tracks(session: Session, actor: Actor, ids: Sequence[UUID]) -> list[FoundTrack]:
    rows = queries.tracks(session, actor, ids) if ids else {}
    return [_shown(rows[track_id]) for track_id in ids if track_id in rows]


def _shown(row: Any) -> FoundTrack:
    values = {name: getattr(row, name) for name in FoundTrack.model_fields}
    return FoundTrack(**values | {"plays": row.plays or 0})


def _albums(session: Session, actor: Actor, ids: Sequence[UUID]) -> list[FoundAlbum]:
    rows = queries.albums(session, actor, ids) if ids else {}
    found = [rows[album_id] for album_id in ids if album_id in rows]
    return [FoundAlbum(**{name: getattr(album, name) for name in FoundAlbum.model_fields}) for album in found]


def _artists(session: Session, actor: Actor, ids: Sequence[UUID]) -> list[FoundArtist]:
    rows = queries.artists(session, actor, ids) if ids else {}
    found = [rows[artist_id] for artist_id in ids if artist_id in rows]
    return [FoundArtist(**{name: getattr(artist, name) for name in FoundArtist.model_fields}) for artist in found]
