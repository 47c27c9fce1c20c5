"""What went wrong, as a page: in the reader's language, with what to do next."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from otolith.web.rendering import API, address_of, render, tongue_of
from otolith.web.words import PROBLEMS, UNEXPECTED


def wants_page(request: Request) -> bool:
    """Whether a person asked with a browser; programs get the problem document itself."""
    path = request.url.path
    is_api = path == API or path.startswith(f"{API}/")
    return not is_api and "text/html" in request.headers.get("accept", "")


def problem_page(request: Request, document: Mapping[str, Any], headers: Mapping[str, str]) -> Response | None:
    """The page for a problem document; None where the document itself is the right answer."""
    if not wants_page(request):
        return None
    status = int(document["status"])
    reading = request.method in ("GET", "HEAD")
    if status == 401:
        there = quote(address_of(request) if reading else "/", safe="/")
        return RedirectResponse(f"/sign-in?next={there}", 303)
    say = tongue_of(request).words.say
    heading, detail = PROBLEMS.get(status, UNEXPECTED)
    values = {
        "status": status,
        "heading": say(heading),
        "detail": say(detail),
        # The exact reason stands in the language that the server speaks to programs.
        "because": document["detail"] if status not in (404, 500) else "",
        "again": address_of(request) if reading and status >= 500 else None,
        "request_id": document.get("request_id") if status >= 500 else None,
    }
    page = render(request, "problem.html", values, status=status, address="/")
    for name, value in headers.items():
        page.headers[name] = value
    return page
