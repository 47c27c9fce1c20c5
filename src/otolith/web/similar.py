"""What sounds like a recording, an album or an artist, each with what the two have in common."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.orm import Session

from otolith.core.actor import Actor
from otolith.core.context import Context
from otolith.core.errors import Conflict, NotAvailable
from otolith.core.http import Ctx, CurrentActor, Reading
from otolith.library import service as library
from otolith.library.catalogue import service as catalogue
from otolith.library.similar import service as similar
from otolith.library.similar.schemas import Common, Neighbours, SoundTrack
from otolith.library.similar.seeding import Asked
from otolith.web import queries
from otolith.web.rendering import Tongue, render, tongue_of
from otolith.web.rows import sound_of
from otolith.web.words import COMMON

router = APIRouter(include_in_schema=False)

LISTED: Final = 20
FEW: Final = 6


@router.get("/tracks/{track_id}/similar")
def like_a_track(
    request: Request,
    session: Reading,
    context: Ctx,
    actor: CurrentActor,
    track_id: UUID,
    few: Annotated[bool, Query()] = False,
) -> Response:
    """What sounds like a recording; `few` is for the page of the recording, which shows the first of them."""
    track = library.get_track(session, actor, track_id)
    about = {"title": track.title, "back": f"/tracks/{track_id}"}
    return _page(request, session, context, actor, Asked(tracks=[track_id]), about, FEW if few else LISTED)


@router.get("/albums/{album_id}/similar")
def like_an_album(request: Request, session: Reading, context: Ctx, actor: CurrentActor, album_id: UUID) -> Response:
    album = catalogue.get_album(session, actor, album_id)
    about = {"title": album.title, "back": f"/albums/{album_id}"}
    return _page(request, session, context, actor, Asked(albums=[album_id]), about)


@router.get("/artists/{artist_id}/similar")
def like_an_artist(request: Request, session: Reading, context: Ctx, actor: CurrentActor, artist_id: UUID) -> Response:
    artist = catalogue.get_artist(session, actor, artist_id)
    about = {"title": artist.name, "back": f"/artists/{artist_id}"}
    return _page(request, session, context, actor, Asked(artists=[artist_id]), about)


def _page(
    request: Request,
    session: Session,
    context: Context,
    actor: Actor,
    asked: Asked,
    about: dict[str, Any],
    limit: int = LISTED,
) -> Response:
    fault = None
    try:
        found = similar.similar(session, context, actor, asked, limit=limit)
    except (Conflict, NotAvailable) as error:
        # Other pages take this one in, so it always has the place for what was asked, and says there what is wrong.
        found, fault = Neighbours(items=[], seeds=0, unheard=[], compared=0), error
    tongue = tongue_of(request)
    rows = [
        neighbour_row(one.track, tongue, alike=one.similarity, reasons=reasons_of(one.reasons, tongue))
        for one in found.items
    ]
    more = f"{about['back']}/similar" if limit < LISTED and len(rows) == limit else None
    values = {**about, "tracks": rows, "heard": bool(found.seeds), "compared": found.compared, "more": more}
    values["fault"] = fault.detail if fault else ""
    return render(
        request,
        "similar.html",
        values,
        actor=actor,
        section="library",
        working=sum(queries.unfinished_jobs(session, actor).values()),
        status=fault.status if fault else 200,
    )


def neighbour_row(track: SoundTrack, tongue: Tongue, *, alike: float | None, reasons: list[str]) -> dict[str, Any]:
    """A track of the similarity index as a row."""
    sound = sound_of(track.media_id, missing=False)
    return {
        "id": track.id,
        "title": track.title,
        "artist": track.artist,
        "duration": track.duration,
        "alike": tongue.formats.percent(max(0.0, alike)) if alike is not None else "",
        "reasons": reasons,
        "stream": sound.stream,
        "fallback": sound.fallback,
    }


def reasons_of(common: list[Common], tongue: Tongue) -> list[str]:
    """What two tracks have in common, in words."""
    return [_reason(one, tongue) for one in common]


def _reason(one: Common, tongue: Tongue) -> str:
    said = tongue.words.say(COMMON[one.code])
    if one.code in ("same_tempo", "double_tempo") and isinstance(one.track, float):
        return f"{said} ({tongue.formats.decimal(one.track, 0)} BPM)"
    if one.code in ("same_key", "relative_key", "next_key", "same_genre"):
        return f"{said} ({one.track})"
    return said
