"""Albums, artists and genres: the lists of them, and each by itself."""

from collections.abc import Sequence
from typing import Annotated, Any, Final, TypeVar, get_args
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.orm import Session

from otolith.core.actor import Actor
from otolith.core.context import Context
from otolith.core.http import Ctx, CurrentActor, Reading
from otolith.library.catalogue import service as catalogue
from otolith.library.catalogue.schemas import (
    AlbumDetail,
    AlbumItem,
    AlbumSort,
    AlbumTrack,
    ArtistDetail,
    ArtistSort,
    GenreSort,
)
from otolith.library.catalogue.service import Asked
from otolith.library.search import service as search
from otolith.library.search.schemas import FoundAlbum, SearchAsked, SuggestAsked, Suggestions
from otolith.web import queries
from otolith.web.library import found_rows, kinds_of
from otolith.web.rendering import API, Tongue, render, tongue_of
from otolith.web.rows import sound_of
from otolith.web.searching import LONGEST, Wish, narrowed
from otolith.web.words import ALBUM_SORTS, ARTIST_SORTS, GENRE_SORTS, ROLES

router = APIRouter(include_in_schema=False)

ALBUMS: Final = 60
NAMES: Final = 120
# The most that a search while one types suggests of a kind.
SUGGESTED: Final = 20
RECORDINGS: Final = 50

Choice = TypeVar("Choice", bound=str)
Words = Annotated[str, Query(max_length=LONGEST)]
Sort = Annotated[str, Query(max_length=20)]
Cursor = Annotated[str, Query(max_length=2000)]


@router.get("/library")
def albums(
    request: Request,
    session: Reading,
    context: Ctx,
    actor: CurrentActor,
    q: Words = "",
    sort: Sort = "",
    cursor: Cursor = "",
) -> Response:
    """The albums, or those that fit what is typed."""
    wish, chosen = Wish(q=q.strip(), sort=sort), _one_of(sort, get_args(AlbumSort), "artist")
    tongue = tongue_of(request)
    values: dict[str, Any]
    if wish.q:
        found = _suggested(session, context, actor, wish)
        values = {"albums": [album_card(one) for one in found.albums], "total": len(found.albums), "older": None}
    else:
        page = catalogue.list_albums(session, actor, Asked(cursor=cursor or None, limit=ALBUMS), sort=chosen)
        values = {
            "albums": [album_card(one) for one in page.items],
            "total": page.total,
            "older": "/library" + wish.query(cursor=page.next) if page.next else None,
        }
    values |= {"newer": "/library" + wish.query() if cursor else None, "sorts": _sorts(ALBUM_SORTS, tongue)}
    return _list(request, session, actor, "albums.html", "albums", wish, values | {"sort": chosen})


@router.get("/library/artists")
def artists(
    request: Request,
    session: Reading,
    context: Ctx,
    actor: CurrentActor,
    q: Words = "",
    sort: Sort = "",
    cursor: Cursor = "",
) -> Response:
    wish, chosen = Wish(q=q.strip(), sort=sort), _one_of(sort, get_args(ArtistSort), "name")
    values: dict[str, Any]
    if wish.q:
        found = _suggested(session, context, actor, wish).artists
        values = {"entries": [_entry("artists", one) for one in found], "total": len(found), "older": None}
    else:
        page = catalogue.list_artists(session, actor, Asked(cursor=cursor or None, limit=NAMES), sort=chosen)
        values = {
            "entries": [_entry("artists", one) for one in page.items],
            "total": page.total,
            "older": "/library/artists" + wish.query(cursor=page.next) if page.next else None,
        }
    values |= {"newer": "/library/artists" + wish.query() if cursor else None}
    values |= {"sorts": _sorts(ARTIST_SORTS, tongue_of(request)), "sort": chosen}
    return _list(request, session, actor, "names.html", "artists", wish, values)


@router.get("/library/genres")
def genres(request: Request, session: Reading, actor: CurrentActor, sort: Sort = "", cursor: Cursor = "") -> Response:
    chosen = _one_of(sort, get_args(GenreSort), "name")
    page = catalogue.list_genres(session, actor, Asked(cursor=cursor or None, limit=NAMES), sort=chosen)
    wish = Wish(sort=sort)
    values = {
        "entries": [_entry("genres", one) for one in page.items],
        "total": page.total,
        "older": "/library/genres" + wish.query(cursor=page.next) if page.next else None,
        "newer": "/library/genres" + wish.query() if cursor else None,
        "sorts": _sorts(GENRE_SORTS, tongue_of(request)),
        "sort": chosen,
    }
    return _list(request, session, actor, "names.html", "genres", wish, values)


def _one_of(value: str, choices: Sequence[Choice], otherwise: Choice) -> Choice:
    return next((choice for choice in choices if choice == value), otherwise)


def _suggested(session: Session, context: Context, actor: Actor, wish: Wish) -> Suggestions:
    return search.suggest(session, context, actor, SuggestAsked(q=wish.q, limit=SUGGESTED))


def _sorts(known: dict[str, str], tongue: Tongue) -> list[tuple[str, str]]:
    return [(value, tongue.words.say(label)) for value, label in known.items()]


def _entry(kind: str, one: Any) -> dict[str, Any]:
    return {"href": f"/{kind}/{one.id}", "name": one.name, "tracks": one.tracks}


def _list(
    request: Request, session: Session, actor: Actor, template: str, kind: str, wish: Wish, values: dict[str, Any]
) -> Response:
    here = "/library" if kind == "albums" else f"/library/{kind}"
    frame = {"kind": kind, "kinds": kinds_of(wish), "wish": wish, "here": here}
    return render(
        request,
        template,
        values | frame,
        actor=actor,
        section="library",
        working=sum(queries.unfinished_jobs(session, actor).values()),
    )


def cover_of(kind: str, row_id: UUID, key: str | None) -> str:
    """The address of a picture, up to its size; with its key it never grows old."""
    version = f"v={key[:16]}&" if key else ""
    return f"{API}/{kind}/{row_id}/cover?{version}size="


def image_of(artist: ArtistDetail) -> str | None:
    """The address of an artist's picture, up to its size, if there is one."""
    return f"{API}/artists/{artist.id}/image?v={artist.image_key[:16]}&size=" if artist.image_key else None


def album_card(one: AlbumItem | FoundAlbum) -> dict[str, Any]:
    """An album as a grid shows it."""
    return {
        "id": one.id,
        "title": one.title,
        "artist": one.artist,
        "year": one.year,
        "cover": cover_of("albums", one.id, one.cover_key),
    }


@router.get("/albums/{album_id}")
def album(request: Request, session: Reading, actor: CurrentActor, album_id: UUID) -> Response:
    found = catalogue.get_album(session, actor, album_id)
    tongue = tongue_of(request)
    titles = queries.disc_titles(session, actor, album_id)
    values = {
        "album": found,
        "cover": cover_of("albums", found.id, found.cover_key),
        "facts": _album_facts(found, tongue),
        "discs": [
            (disc.number, titles.get(disc.number, ""), [_album_row(track, found) for track in disc.tracks])
            for disc in found.by_disc
        ],
        "more": f"/library/tracks?within=album_id:{album_id}" if found.more else None,
        "genres": [(name, narrowed(Wish(), "/library/tracks", [f'genre:="{name}"'])) for name in found.genres],
        "may_edit": actor.may_edit(found.workspace_id),
    }
    return render(
        request,
        "album.html",
        values,
        actor=actor,
        section="library",
        working=sum(queries.unfinished_jobs(session, actor).values()),
    )


def _album_facts(found: AlbumDetail, tongue: Tongue) -> list[str]:
    words, formats = tongue.words, tongue.formats
    facts = [str(found.year)] if found.year else []
    if found.edition:
        facts.append(found.edition)
    facts.append(words.count("%(number)s track", "%(number)s tracks", found.tracks))
    if found.discs > 1:
        facts.append(words.count("%(number)s disc", "%(number)s discs", found.discs))
    if found.duration:
        facts.append(formats.span(found.duration))
    return facts


def _album_row(track: AlbumTrack, album: AlbumDetail) -> dict[str, Any]:
    sound = sound_of(track.media_id, missing=track.missing)
    features = track.features
    return {
        "id": track.id,
        "number": track.track_number,
        "title": track.title,
        # Whose album it is stands above; a track says who plays it only where it is somebody else.
        "artist": track.artist,
        "guest": track.artist if track.artist != album.artist else "",
        "duration": track.duration,
        "missing": track.missing,
        "tempo": features and features.tempo,
        "key": features and features.key,
        "mode": features and features.mode,
        "stream": sound.stream,
        "fallback": sound.fallback,
    }


@router.get("/artists/{artist_id}")
def artist(
    request: Request,
    session: Reading,
    context: Ctx,
    actor: CurrentActor,
    artist_id: UUID,
    cursor: Cursor = "",
    filing: UUID | None = None,
) -> Response:
    """An artist; `filing` is the job that files their tracks anew, where there are too many to wait for."""
    found = catalogue.get_artist(session, actor, artist_id)
    tongue = tongue_of(request)
    own = catalogue.list_albums(session, actor, Asked(limit=ALBUMS), artist_id=artist_id, sort="year")
    others = catalogue.list_albums(
        session, actor, Asked(limit=ALBUMS), artist_id=artist_id, part="appears", sort="year"
    )
    asked = SearchAsked(q=f"artist_id:{artist_id}", sort="album", cursor=cursor or None, limit=RECORDINGS)
    page = search.search(session, context, actor, asked)
    values = {
        "artist": found,
        "image": image_of(found),
        "facts": [
            tongue.words.count("%(number)s album", "%(number)s albums", found.albums),
            tongue.words.count("%(number)s track", "%(number)s tracks", found.tracks),
        ],
        "roles": [
            (label, tongue.formats.number(one.tracks))
            for one in found.roles
            if one.role != "artist" and (label := tongue.words.say(ROLES[one.role]))
        ],
        "may_edit": actor.may_edit(found.workspace_id),
        "albums": [album_card(one) for one in own.items],
        "appears": [album_card(one) for one in others.items],
        "tracks": found_rows(session, actor, page.items, tongue),
        "older": f"/artists/{artist_id}?cursor={page.next}" if page.next else None,
        "newer": f"/artists/{artist_id}" if cursor else None,
    }
    return render(
        request,
        "artist.html",
        values,
        actor=actor,
        section="library",
        follows=filing is not None and queries.is_unfinished(session, actor, filing),
        working=sum(queries.unfinished_jobs(session, actor).values()),
    )


@router.get("/genres/{genre_id}")
def genre(
    request: Request, session: Reading, context: Ctx, actor: CurrentActor, genre_id: UUID, cursor: Cursor = ""
) -> Response:
    found = catalogue.get_genre(session, actor, genre_id)
    name = found.name.replace('"', " ")
    asked = SearchAsked(q=f'{found.kind}:="{name}"', prefix="none", cursor=cursor or None, limit=RECORDINGS)
    page = search.search(session, context, actor, asked)
    values = {
        "genre": found,
        "total": page.total,
        "tracks": found_rows(session, actor, page.items, tongue_of(request)),
        "search": narrowed(Wish(), "/library/tracks", [f'{found.kind}:="{name}"']),
        "older": f"/genres/{genre_id}?cursor={page.next}" if page.next else None,
        "newer": f"/genres/{genre_id}" if cursor else None,
    }
    return render(
        request,
        "genre.html",
        values,
        actor=actor,
        section="library",
        working=sum(queries.unfinished_jobs(session, actor).values()),
    )
