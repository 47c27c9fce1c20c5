"""Plays and ratings over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from otolith.core.errors import BadRequest, NotAcceptable, NotAllowed, NotFound, NotSignedIn, responses
from otolith.core.http import CurrentActor, Reading, Writing
from otolith.core.paging import DEFAULT_LIMIT, Cursor, Limit, Page
from otolith.library.listens import service
from otolith.library.listens.schemas import ListeningOut, ListenItem, ListenSort, Play, Rating

router = APIRouter(tags=["library"])

_REFUSED = responses(NotSignedIn, NotAllowed, NotFound)


@router.post(
    "/tracks/{track_id}/plays",
    status_code=201,
    responses={**_REFUSED, **responses(NotAcceptable)},
    operation_id="note_play",
)
def note_play(track_id: UUID, session: Writing, actor: CurrentActor, play: Play | None = None) -> ListeningOut:
    """Count that you played a track."""
    return service.note_play(session, actor, track_id, play.played_at if play is not None else None)


@router.put("/tracks/{track_id}/rating", responses=_REFUSED, operation_id="rate_track")
def rate_track(track_id: UUID, rating: Rating, session: Writing, actor: CurrentActor) -> ListeningOut:
    """Rate a track, for yourself alone; null takes the rating back."""
    return service.rate(session, actor, track_id, rating.rating)


@router.get("/tracks/{track_id}/listening", responses=responses(NotSignedIn, NotFound), operation_id="get_listening")
def get_listening(track_id: UUID, session: Reading, actor: CurrentActor) -> ListeningOut:
    """How often you played a track, and how you rated it."""
    return service.get(session, actor, track_id)


@router.get("/listens", responses=responses(BadRequest, NotSignedIn), operation_id="list_listens")
def list_listens(
    session: Reading,
    actor: CurrentActor,
    sort: Annotated[
        ListenSort, Query(description="What you played last (`played`), most (`plays`), or rated best (`rating`).")
    ] = "played",
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Page[ListenItem]:
    """What you played last, played most, or rated best."""
    return service.list_mine(session, actor, sort=sort, cursor=cursor, limit=limit)
