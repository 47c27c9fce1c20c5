"""Search over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query

from otolith.core.errors import BadRequest, NotAvailable, NotSignedIn, responses
from otolith.core.http import Ctx, CurrentActor, Reading
from otolith.library.etags import UNCHANGED, FreshForMe
from otolith.library.search import service
from otolith.library.search.schemas import Facets, FacetsAsked, SearchAsked, SearchPage, SuggestAsked, Suggestions

router = APIRouter(tags=["library"])

_ANSWERS = responses(BadRequest, NotSignedIn, NotAvailable) | UNCHANGED


@router.get("/search", responses=_ANSWERS, dependencies=[FreshForMe], operation_id="search")
def search(asked: Annotated[SearchAsked, Query()], session: Reading, context: Ctx, actor: CurrentActor) -> SearchPage:
    """Search the tracks by words and filters, in any order, a page at a time."""
    return service.search(session, context, actor, asked)


@router.get("/search/facets", responses=_ANSWERS, dependencies=[FreshForMe], operation_id="search_facets")
def facets(asked: Annotated[FacetsAsked, Query()], session: Reading, context: Ctx, actor: CurrentActor) -> Facets:
    """Count what the tracks that a search finds have in common: genres, decades, keys, tempi, formats and names."""
    return service.facets(session, context, actor, asked)


@router.get("/search/suggest", responses=_ANSWERS, dependencies=[FreshForMe], operation_id="search_suggest")
def suggest(
    asked: Annotated[SuggestAsked, Query()], session: Reading, context: Ctx, actor: CurrentActor
) -> Suggestions:
    """Suggest artists, albums and tracks while a search is typed."""
    return service.suggest(session, context, actor, asked)
