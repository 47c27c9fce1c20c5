"""The map of the library, on which what sounds alike lies together: drawn by a script, and a table without one."""

from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from otolith.core.db import now
from otolith.core.http import Ctx, CurrentActor, Reading, Writing
from otolith.library.similar import maps
from otolith.library.similar.engine.atlas import Box
from otolith.library.similar.schemas import MapPlace
from otolith.web import queries
from otolith.web.rendering import API, Tongue, render, tongue_of

router = APIRouter(include_in_schema=False)

# How many places the script asks for at once, and how many the table lists.
DRAWN: Final = 1500
LISTED: Final = 100
_WHOLE: Final = Box(left=-1, top=-1, right=1, bottom=1)


@router.get("/library/map")
def look(request: Request, session: Reading, context: Ctx, actor: CurrentActor) -> Response:
    part = maps.part(session, context, actor, _WHOLE, limit=LISTED)
    tongue = tongue_of(request)
    values = {
        "places": [_row(place, tongue) for place in sorted(part.items, key=lambda one: (one.x, one.y))],
        "mapped": part.mapped,
        "drawn": tongue.formats.ago(part.drawn_at, now()) if part.drawn_at is not None else "",
        "address": f"{API}/map",
        "limit": DRAWN,
        "may_draw": actor.may_edit(part.workspace_id),
    }
    return render(
        request,
        "map.html",
        values,
        actor=actor,
        section="map",
        working=sum(queries.unfinished_jobs(session, actor).values()),
    )


@router.post("/library/map")
def draw(session: Writing, actor: CurrentActor) -> Response:
    maps.start_drawing(session, actor)
    return RedirectResponse("/activity?refresh=5", 303)


def _row(place: MapPlace, tongue: Tongue) -> dict[str, Any]:
    formats = tongue.formats
    return {
        "id": place.track.id,
        "title": place.track.title,
        "artist": place.track.artist,
        "tempo": f"{formats.decimal(place.track.tempo, 0)} BPM" if place.track.tempo else "–",
        "key": place.track.camelot or "–",
        "across": formats.percent((place.x + 1) / 2),
        "down": formats.percent((place.y + 1) / 2),
    }
