"""All pages, and the static files that they load."""

from itertools import chain

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from otolith.core.http import needs
from otolith.web import (
    activity,
    assets,
    atlas,
    audit,
    catalogue,
    describing,
    editing,
    health,
    home,
    joining,
    library,
    naming,
    path,
    people,
    quotas,
    radio,
    recording,
    scans,
    session,
    sharing,
    similar,
    tokens,
    users,
    workspaces,
)
from otolith.web.problems import problem_page

__all__ = ["problem_page", "router"]

router = APIRouter(include_in_schema=False)
OPEN_PARTS = (
    session.router,
    joining.router,
    people.router,
    users.router,
    home.router,
    activity.router,
    audit.router,
    quotas.router,
    tokens.router,
    workspaces.router,
    *(sharing.members, sharing.guests),
)
# What belongs to the feature of the library, and is refused to whom it was not granted.
LIBRARY_PARTS = (
    recording.router,
    library.router,
    catalogue.router,
    naming.router,
    similar.router,
    radio.router,
    path.router,
    describing.router,
    editing.router,
    atlas.router,
    scans.router,
    health.router,
)
PARTS = (*OPEN_PARTS, *LIBRARY_PARTS)
for part in OPEN_PARTS:
    router.include_router(part)
for part in LIBRARY_PARTS:
    router.include_router(part, dependencies=[needs("library")])


@router.get("/static/{path:path}")
def static_file(request: Request, path: str) -> Response:
    return assets.respond(request, path)


@router.get("/favicon.ico")
def favicon(request: Request) -> Response:
    """Browsers ask for this whatever a page says."""
    return assets.respond(request, "img/icon.svg")


@router.get("/robots.txt")
def robots() -> Response:
    return Response("User-agent: *\nDisallow: /\n", media_type="text/plain")


# Link checkers and those who watch over a server ask for the head of a page; the server sends no body then.
for page in (*chain.from_iterable(part.routes for part in PARTS), *router.routes):
    if isinstance(page, APIRoute) and page.methods and "GET" in page.methods:
        page.methods.add("HEAD")
