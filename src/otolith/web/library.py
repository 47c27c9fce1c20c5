"""The library: its albums, recordings, artists and genres, to look through, to search and to narrow down."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy.orm import Session

from otolith.core.actor import Actor
from otolith.core.context import Context
from otolith.core.errors import BadRequest
from otolith.core.http import Ctx, CurrentActor, Reading
from otolith.library.search import service as search
from otolith.library.search.schemas import Facet, FoundTrack
from otolith.web import queries
from otolith.web.rendering import Message, Tongue, render, tongue_of
from otolith.web.rows import LIST_BINS, sound_of
from otolith.web.searching import CHOICES, FORMATS, RANGES, Wish, chips, keys_in, narrowed, wished
from otolith.web.shapes import sketch_of
from otolith.web.words import ADDED, FACETS, FILTERS, SORTS

router = APIRouter(include_in_schema=False)

PER_PAGE: Final = 50
FACET_VALUES: Final = 12
TRACKS: Final = "/library/tracks"

Wished = Annotated[Wish, Depends(wished)]
Cursor = Annotated[str, Query(max_length=2000)]


@router.get(TRACKS)
def tracks(
    request: Request,
    session: Reading,
    context: Ctx,
    actor: CurrentActor,
    wish: Wished,
    cursor: Cursor = "",
    narrow: Annotated[str, Query(max_length=5)] = "",
) -> Response:
    """The recordings that a search finds; all of them, the newest first, where nothing is asked for."""
    tongue = tongue_of(request)
    try:
        page = search.search(session, context, actor, wish.asked(cursor=cursor or None, limit=PER_PAGE))
    except BadRequest as fault:
        return _shown(request, session, actor, wish, {}, fault=fault)
    values = {
        "tracks": found_rows(session, actor, page.items, tongue),
        "total": page.total,
        "lenient": page.similar,
        "older": TRACKS + wish.query(cursor=page.next) if page.next else None,
        "newer": TRACKS + wish.query() if cursor else None,
        "facets": _facets(session, context, actor, wish, tongue) if narrow else None,
    }
    return _shown(request, session, actor, wish, values)


def _shown(
    request: Request,
    session: Session,
    actor: Actor,
    wish: Wish,
    values: dict[str, Any],
    *,
    fault: BadRequest | None = None,
) -> Response:
    tongue = tongue_of(request)
    say = tongue.words.say
    blank = {"tracks": [], "total": 0, "lenient": False, "older": None, "newer": None, "facets": None}
    form = {
        "wish": wish,
        "here": TRACKS,
        "kind": "tracks",
        "kinds": kinds_of(wish),
        "chips": chips(wish, TRACKS, tongue),
        "ranges": [
            (name, say(FILTERS[name]), unit, low, high, *(wish.ranges or {}).get(name, ("", "")))
            for name, (unit, low, high) in RANGES.items()
        ],
        "keys": keys_in(tongue),
        "formats": FORMATS,
        "added": [(value, say(label)) for value, label in ADDED.items()],
        "sorts": [(value, say(label)) for value, label in SORTS.items() if value or wish.q],
        "chosen": {name: (wish.chosen or {}).get(name, "") for name in CHOICES},
        "facets_address": "/library/facets" + wish.query(),
        "narrow_address": TRACKS + wish.query(narrow="yes"),
    }
    return render(
        request,
        "tracks.html",
        blank | values | form,
        actor=actor,
        section="library",
        working=sum(queries.unfinished_jobs(session, actor).values()),
        messages=[Message("", bad=True, reason=fault.detail)] if fault else [],
        status=fault.status if fault else 200,
    )


def kinds_of(wish: Wish) -> list[tuple[str, str]]:
    """The lists of the library by name, each with the address that keeps the words searched for."""
    words = Wish(q=wish.q).query()
    places = (
        ("albums", "/library"),
        ("tracks", TRACKS),
        ("artists", "/library/artists"),
        ("genres", "/library/genres"),
        ("description", "/library/description"),
    )
    return [(kind, path + (words if kind != "genres" else "")) for kind, path in places]


@router.get("/library/facets")
def facets(request: Request, session: Reading, context: Ctx, actor: CurrentActor, wish: Wished) -> Response:
    """What the recordings found have in common, for the page to take in when it has shown these."""
    values = {"facets": _facets(session, context, actor, wish, tongue_of(request)), "back": TRACKS + wish.query()}
    return render(request, "facets.html", values, actor=actor, section="library")


def _facets(session: Session, context: Context, actor: Actor, wish: Wish, tongue: Tongue) -> list[dict[str, Any]]:
    counted = search.facets(session, context, actor, wish.facets(facets=",".join(FACETS), values=FACET_VALUES))
    by_name = {facet.name: facet for facet in counted.facets}
    found = []
    for name, label in FACETS.items():
        facet = by_name[name]  # type: ignore[index]  # All that were asked for are answered.
        if len(facet.values) > 1:
            found.append({"label": tongue.words.say(label), "values": _values(facet, wish)})
    return found


def _values(facet: Facet, wish: Wish) -> list[dict[str, Any]]:
    return [
        {
            "label": _facet_label(facet.name, one.value),
            "count": one.count,
            "href": narrowed(wish, TRACKS, [f'artist:="{one.value}"' if facet.name == "artist" else one.filter]),
        }
        for one in facet.values
    ]


def _facet_label(name: str, value: str) -> str:
    if name == "format":
        return value.upper()
    if name == "bpm":
        return f"{value} BPM"
    return value


def found_rows(session: Session, actor: Actor, tracks: list[FoundTrack], tongue: Tongue) -> list[dict[str, Any]]:
    """The rows of what a search found, with the shapes of all of them in one statement."""
    levels = queries.overviews(session, actor, [track.media_id for track in tracks])
    return [_row(track, levels.get(track.media_id), tongue) for track in tracks]


def _row(track: FoundTrack, level: tuple[bytes, bytes] | None, tongue: Tongue) -> dict[str, Any]:
    sound = sound_of(track.media_id, missing=track.missing)
    decimal = tongue.formats.decimal
    facts = [f"{decimal(track.tempo, 0)} BPM"] if track.tempo else []
    if track.key and track.mode:
        facts.append(f"{tongue.words.key_and_mode(track.key, track.mode)}")
    return {
        "id": track.id,
        "title": track.title,
        "artist": " · ".join(part for part in (track.artist, track.album) if part),
        "duration": track.duration,
        "state": track.state,
        "tempo": track.tempo,
        "key": track.key,
        "mode": track.mode,
        "loudness": track.loudness_lufs,
        "facts": facts,
        "why": "",
        "wave": sketch_of(level[0], LIST_BINS) if level else None,
        "stream": sound.stream,
        "fallback": sound.fallback,
    }
