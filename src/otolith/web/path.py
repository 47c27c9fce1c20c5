"""The path from one recording to another, each step to something that sounds like the last."""

from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.orm import Session

from otolith.core.actor import Actor
from otolith.core.context import Context
from otolith.core.errors import AppError, BadRequest, Conflict, NotAvailable
from otolith.core.http import Ctx, CurrentActor, Reading
from otolith.library import service as library
from otolith.library.search import service as search
from otolith.library.search.schemas import SearchAsked
from otolith.library.service import TrackNotFound
from otolith.library.similar import ways
from otolith.web import queries
from otolith.web.rendering import Message, Tongue, render, tongue_of
from otolith.web.searching import LONGEST
from otolith.web.similar import neighbour_row, reasons_of

router = APIRouter(include_in_schema=False)

OFFERED: Final = 8
STEPS: Final = (3, 5, 10, 15, 25, 50)
USUAL: Final = 10
_FAULTS: Final = (BadRequest, Conflict, NotAvailable)

Words = Annotated[str, Query(max_length=LONGEST)]


@dataclass(frozen=True, slots=True)
class Ends:
    """What somebody chose: the two recordings, what is searched for until there are both, and the steps between."""

    start: UUID | None
    end: UUID | None
    start_words: str
    end_words: str
    steps: int

    def address(self, **changes: object) -> str:
        """The address of the same choice but for what changes."""
        held = {
            "from": self.start,
            "to": self.end,
            "from_q": self.start_words if self.start is None else "",
            "to_q": self.end_words if self.end is None else "",
            "steps": self.steps if self.steps != USUAL else "",
        }
        given = {name: value for name, value in (held | changes).items() if value}
        return "/path" + (f"?{urlencode(given)}" if given else "")


@router.get("/path")
def path(
    request: Request,
    session: Reading,
    context: Ctx,
    actor: CurrentActor,
    start: Annotated[UUID | None, Query(alias="from")] = None,
    end: Annotated[UUID | None, Query(alias="to")] = None,
    from_q: Words = "",
    to_q: Words = "",
    steps: Annotated[int, Query(ge=1, le=ways.MOST_STEPS)] = USUAL,
) -> Response:
    """The choice of both ends, and the way between them once there are both."""
    ends = Ends(start, end, from_q.strip(), to_q.strip(), steps)
    tongue = tongue_of(request)
    known = _named(session, actor, [one for one in (start, end) if one is not None])
    faults: list[AppError] = []
    values: dict[str, Any] = {
        "ends": [
            {
                "name": name,
                "track": known.get(chosen) if chosen else None,
                "without": ends.address(**{name: None}),
                "words": words,
                "found": _found(session, context, actor, ends, name, words, faults) if chosen is None else [],
            }
            for name, chosen, words in (("from", start, ends.start_words), ("to", end, ends.end_words))
        ],
        "steps": steps,
        "choices": sorted({*STEPS, steps}),
        "back": ends.address(**{"from": end, "to": start}) if start and end else None,
        "tracks": _way(session, context, actor, ends, tongue, faults),
    }
    return render(
        request,
        "path.html",
        values,
        actor=actor,
        section="library",
        working=sum(queries.unfinished_jobs(session, actor).values()),
        messages=[Message("", bad=True, reason=fault.detail) for fault in faults],
        status=faults[0].status if faults else 200,
    )


def _named(session: Session, actor: Actor, ids: list[UUID]) -> dict[UUID, dict[str, Any]]:
    found = library.read_tracks(session, actor, ids)
    if found.missing:
        raise TrackNotFound
    return {one.id: {"id": one.id, "title": one.title, "artist": one.artist} for one in found.items}


def _found(
    session: Session, context: Context, actor: Actor, ends: Ends, name: str, words: str, faults: list[AppError]
) -> list[dict[str, Any]]:
    """The recordings that fit what is typed for one end, each with the address that chooses it."""
    if not words:
        return []
    try:
        page = search.search(session, context, actor, SearchAsked(q=words, limit=OFFERED))
    except _FAULTS as fault:
        faults.append(fault)
        return []
    return [
        {"title": one.title, "artist": one.artist, "href": ends.address(**{name: one.id, f"{name}_q": ""})}
        for one in page.items
    ]


def _way(
    session: Session, context: Context, actor: Actor, ends: Ends, tongue: Tongue, faults: list[AppError]
) -> list[dict[str, Any]]:
    if ends.start is None or ends.end is None:
        return []
    try:
        way = ways.way(session, context, actor, ends.start, ends.end, steps=ends.steps)
    except _FAULTS as fault:
        faults.append(fault)
        return []
    return [
        neighbour_row(one.track, tongue, alike=one.similarity, reasons=reasons_of(one.reasons, tongue))
        for one in way.items
    ]
