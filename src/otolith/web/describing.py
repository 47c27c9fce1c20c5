"""Search by description: recordings that sound as somebody says, through a language model where one is set."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response

from otolith.connectors.embeddings import server_of
from otolith.core.errors import NotAvailable
from otolith.core.http import Ctx, CurrentActor
from otolith.library.similar import meaning
from otolith.library.similar.meaning import NO_MODEL
from otolith.library.similar.schemas import TextMatches
from otolith.web import queries
from otolith.web.library import kinds_of
from otolith.web.rendering import render, tongue_of
from otolith.web.searching import Wish
from otolith.web.similar import neighbour_row

router = APIRouter(include_in_schema=False)

LISTED: Final = 50
LONGEST: Final = 500
_NOTHING: Final = TextMatches(items=[], method="words", model=None, note=None, compared=0)


@router.get("/library/description")
def description(
    request: Request, context: Ctx, actor: CurrentActor, q: Annotated[str, Query(max_length=LONGEST)] = ""
) -> Response:
    """What sounds as somebody says; no transaction is held while a model is waited for."""
    wish, fault = Wish(q=q.strip()), None
    found = _NOTHING
    try:
        if wish.q:
            found = meaning.by_text(context, actor, meaning.Question(wish.q, limit=LISTED))
    except NotAvailable as error:
        fault = error
    unset = server_of(context.settings.language) is None
    tongue = tongue_of(request)
    values = {
        "kind": "description",
        "kinds": kinds_of(wish),
        "here": "/library/description",
        "wish": wish,
        "tracks": [neighbour_row(one.track, tongue, alike=one.score, reasons=one.words) for one in found.items],
        "by_meaning": found.method == "meaning",
        "compared": found.compared,
        # Only who administers the server can set a model, or mend one that does not answer.
        "hint": (NO_MODEL if unset else found.note) if actor.is_admin else None,
        "unset": unset,
        "fault": fault.detail if fault else "",
    }
    with context.database.read(actor) as session:
        working = sum(queries.unfinished_jobs(session, actor).values())
    return render(
        request,
        "description.html",
        values,
        actor=actor,
        section="library",
        working=working,
        status=fault.status if fault else 200,
    )
