"""Errors that reach people, as problem documents (RFC 9457)."""

import inspect
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import structlog
from pydantic import BaseModel, Field

if TYPE_CHECKING:
    # The supervisor and the workers raise these errors too, and never load a web framework.
    from fastapi import FastAPI, Request, Response

    ProblemPage = Callable[[Request, Mapping[str, Any], Mapping[str, str]], Response | None]

log = structlog.get_logger(__name__)

PROBLEM_JSON = "application/problem+json"


class Problem(BaseModel):
    """A problem document: what went wrong, for programs and for people."""

    type: str = Field(description="A name of the kind of problem, stable across versions.")
    title: str = Field(description="A short summary of the kind of problem.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What happened this time and what to do.")
    instance: str = Field(description="The path that was asked for.")
    request_id: str | None = Field(default=None, description="The id under which the server's log tells more.")
    errors: list[dict[str, Any]] | None = Field(default=None, description="The fields at fault, for 422.")


class AppError(Exception):
    """The request cannot be fulfilled."""

    status: int = 400

    def __init__(self, detail: str | None = None, *, headers: Mapping[str, str] | None = None, **extra: Any) -> None:
        self.detail = detail or inspect.cleandoc(type(self).__doc__ or "")
        self.headers = dict(headers or {})
        self.extra = extra
        super().__init__(self.detail)

    @classmethod
    def kind(cls) -> str:
        """The stable name of this kind of problem: ``NotFound`` becomes ``not-found``."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()


class BadRequest(AppError):
    """The request is not understood."""


class NotSignedIn(AppError):
    """Sign in, or send an API token, to do this."""

    status = 401


class NotAllowed(AppError):
    """You may not do this."""

    status = 403


class NotModified(AppError):
    """What you have is still what would be answered. This is no failure, and its answer has no body."""

    status = 304


class NotFound(AppError):
    """There is nothing here that you may see."""

    status = 404


class Conflict(AppError):
    """This contradicts the present state."""

    status = 409


class TooLarge(AppError):
    """This is larger than the server accepts."""

    status = 413


class UnsupportedMedia(AppError):
    """This is not a sound file that the server can read."""

    status = 415


class NotAcceptable(AppError):
    """The values given do not pass the rules."""

    status = 422


class TooManyRequests(AppError):
    """Too many requests came from you within a short time; wait for as long as Retry-After says."""

    status = 429


class NotAvailable(AppError):
    """A part that this needs is not available; try again later."""

    status = 503


def _title(status: int, kind: str) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        # Some protocols have statuses of their own, such as tus its 460.
        return kind.replace("-", " ").capitalize()


def problem_of(request: "Request", status: int, kind: str, detail: str, **extra: Any) -> dict[str, Any]:
    """The problem document of one failed request."""
    document: dict[str, Any] = {
        "type": f"urn:otolith:problem:{kind}",
        "title": _title(status, kind),
        "status": status,
        "detail": detail,
        "instance": request.url.path,
        "request_id": structlog.contextvars.get_contextvars().get("request_id"),
    }
    return document | extra


def _respond(request: "Request", document: dict[str, Any], headers: Mapping[str, str] | None = None) -> "Response":
    """The document itself, or what `app.state.problem_page` makes of it for a person with a browser."""
    from fastapi.responses import JSONResponse  # noqa: PLC0415 -- Only a server needs the framework.

    app = request.scope.get("app")
    page_of = getattr(app.state, "problem_page", None) if app is not None else None
    page: Response | None = page_of(request, document, headers or {}) if page_of is not None else None
    if page is not None:
        return page
    return JSONResponse(document, document["status"], headers=dict(headers or {}), media_type=PROBLEM_JSON)


def on_app_error(request: "Request", error: Exception) -> "Response":
    assert isinstance(error, AppError)  # noqa: S101 -- FastAPI dispatches by this very type.
    if error.status == HTTPStatus.NOT_MODIFIED:
        return _without_body(error)
    return _respond(
        request, problem_of(request, error.status, error.kind(), error.detail, **error.extra), error.headers
    )


def _without_body(error: AppError) -> "Response":
    from fastapi import Response  # noqa: PLC0415 -- Only a server needs the framework.

    return Response(status_code=error.status, headers=error.headers)


def on_http_exception(request: "Request", error: Exception) -> "Response":
    from starlette.exceptions import HTTPException  # noqa: PLC0415 -- Only a server needs the framework.

    assert isinstance(error, HTTPException)  # noqa: S101 -- FastAPI dispatches by this very type.
    kind = re.sub(r"\W+", "-", HTTPStatus(error.status_code).phrase.lower())
    detail = str(error.detail) or HTTPStatus(error.status_code).description
    if error.status_code == HTTPStatus.NOT_FOUND and detail == HTTPStatus.NOT_FOUND.phrase:
        detail = "There is nothing at this address."
    return _respond(request, problem_of(request, error.status_code, kind, detail), error.headers)


def on_validation_error(request: "Request", error: Exception) -> "Response":
    from fastapi.exceptions import RequestValidationError  # noqa: PLC0415 -- Only a server needs the framework.

    assert isinstance(error, RequestValidationError)  # noqa: S101 -- FastAPI dispatches by this very type.
    # The offending input is left out: it may be a password.
    faults = [{"loc": list(e["loc"]), "msg": e["msg"], "type": e["type"]} for e in error.errors()]
    where = "; ".join(f"{'.'.join(str(part) for part in e['loc'])}: {e['msg']}" for e in faults)
    return _respond(request, problem_of(request, 422, "invalid-request", where, errors=faults))


def on_unexpected(request: "Request", error: Exception) -> "Response":
    log.error("http.request.crashed", path=request.url.path, exc_info=error)
    detail = "The server met an error that it did not expect. Its log tells more under the request id."
    return _respond(request, problem_of(request, 500, "unexpected", detail))


def install(app: "FastAPI", page: "ProblemPage | None" = None) -> None:
    """Make every failure of `app` a problem document, or what `page` makes of one for people."""
    from fastapi.exceptions import RequestValidationError  # noqa: PLC0415 -- Only a server needs the framework.
    from starlette.exceptions import HTTPException  # noqa: PLC0415

    app.state.problem_page = page
    app.add_exception_handler(AppError, on_app_error)
    app.add_exception_handler(HTTPException, on_http_exception)
    app.add_exception_handler(RequestValidationError, on_validation_error)
    app.add_exception_handler(Exception, on_unexpected)


def responses(*kinds: type[AppError]) -> dict[int | str, dict[str, Any]]:
    """The error responses of a route, for its OpenAPI description."""
    described: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        described[kind.status] = {
            "model": Problem,
            "description": inspect.cleandoc(kind.__doc__ or ""),
            "content": {PROBLEM_JSON: {}},
        }
    return described
