"""Radio: what to play after recordings, albums or artists, as a list that goes on as long as somebody listens."""

from typing import Annotated, Any, Final
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from otolith.core.errors import Conflict, NotAvailable
from otolith.core.http import Ctx, CurrentActor, Reading
from otolith.core.paging import Page
from otolith.library.similar import radio as stations
from otolith.library.similar.schemas import RadioTrack
from otolith.library.similar.seeding import MOST_NAMED, Asked
from otolith.web import queries
from otolith.web.rendering import API, render, tongue_of
from otolith.web.similar import neighbour_row, reasons_of

router = APIRouter(include_in_schema=False)

LISTED: Final = 20

Ids = list[UUID]


@router.get("/radio")
def radio(
    request: Request,
    session: Reading,
    context: Ctx,
    actor: CurrentActor,
    tracks: Annotated[Ids, Query(alias="track", max_length=MOST_NAMED)] = [],  # noqa: B006 -- FastAPI copies it.
    albums: Annotated[Ids, Query(alias="album", max_length=MOST_NAMED)] = [],  # noqa: B006
    artists: Annotated[Ids, Query(alias="artist", max_length=MOST_NAMED)] = [],  # noqa: B006
    cursor: Annotated[str, Query(max_length=2000)] = "",
) -> Response:
    """The next recordings of a radio; the player asks the API for those after them."""
    asked = Asked(tracks, albums, artists)
    pairs = [("track", one) for one in tracks] + [("album", one) for one in albums]
    pairs += [("artist", one) for one in artists]
    tongue = tongue_of(request)
    page, fault = Page[RadioTrack](items=[], next=None, total=None), None
    try:
        if pairs:
            page = stations.play(session, context, actor, asked, cursor=cursor or None, limit=LISTED)
    except (Conflict, NotAvailable) as error:
        fault = error
    values: dict[str, Any] = {
        "seeds": queries.names_of(session, actor, tracks, albums, artists),
        "tracks": [
            neighbour_row(one.track, tongue, alike=one.similarity, reasons=reasons_of(one.reasons, tongue))
            for one in page.items
        ],
        "anew": f"/radio?{urlencode(pairs)}",
        "more": f"/radio?{urlencode([*pairs, ('cursor', page.next)])}" if page.next else None,
        "onward": f"{API}/radio?{urlencode([*pairs, ('limit', LISTED), ('cursor', page.next)])}" if page.next else "",
        "fault": fault.detail if fault else "",
    }
    return render(
        request,
        "radio.html",
        values,
        actor=actor,
        section="library",
        working=sum(queries.unfinished_jobs(session, actor).values()),
        status=fault.status if fault else 200,
    )
