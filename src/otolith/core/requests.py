"""What every request gets: an id, one line in the log, a place in the metrics, and an answer even to a crash."""

import re
import time
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from otolith.core.errors import on_unexpected
from otolith.core.metrics import HTTP_REQUESTS, HTTP_SECONDS
from otolith.core.tracing import Span, Tracing

log = structlog.get_logger(__name__)

REQUEST_ID = "x-request-id"
_PLAIN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
# Asked every few seconds by probes; they would drown the rest of the log.
_QUIET = frozenset({"/health", "/ready", "/metrics"})
_PROBED = re.compile(r"(/api)?/(health|ready|metrics)/?")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
UNMATCHED = "(none)"


class RequestLog:
    """The middleware that sees a request first and its answer last."""

    def __init__(self, app: ASGIApp, tracing: Tracing) -> None:
        self.app = app
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        request_id = _request_id(Headers(scope=scope))
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            if scope["type"] == "websocket" or _PROBED.fullmatch(scope["path"]):
                await self._answer(scope, receive, send, request_id)
                return
            begun, name = Headers(scope=scope).get("traceparent"), _method(scope)
            told = {"http.request.method": name, "otolith.request_id": request_id}
            with self._tracing.span(name, "server", parent=begun, attributes=told) as span:
                status = await self._answer(scope, receive, send, request_id)
                _describe(span, scope, status)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> int:
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            elif message["type"] == "websocket.accept":
                status = 101
            elif message["type"] == "websocket.close" and status == 0:
                status = 403
            await send(message)

        began = time.perf_counter()
        try:
            await self.app(scope, receive, sending)
        except Exception as error:
            # Answered here and not by the server underneath, so that even this answer has its id and its headers.
            if status != 0 or scope["type"] != "http":
                raise
            await on_unexpected(Request(scope), error)(scope, receive, sending)
        finally:
            _record(scope, status, time.perf_counter() - began)
        return status


def _request_id(headers: Headers) -> str:
    given = headers.get(REQUEST_ID, "")
    return given if _PLAIN_ID.fullmatch(given) else uuid4().hex


def route_of(scope: Scope) -> str | None:
    """The template of the route that answered, which holds no id and no secret."""
    route = scope.get("route")
    path = getattr(route, "path", None)
    return path if isinstance(path, str) else None


def _method(scope: Scope) -> str:
    method: str = scope.get("method", "WEBSOCKET")
    return method if method in _METHODS or method == "WEBSOCKET" else "OTHER"


def _describe(span: Span, scope: Scope, status: int) -> None:
    """Name the span of a request after its route, which holds no id and no secret."""
    route = route_of(scope)
    span.name = f"{span.name} {route}" if route else span.name
    span.attributes |= {"http.route": route or UNMATCHED, "http.response.status_code": status}
    if status >= 500:
        span.failure = str(status)


def _record(scope: Scope, status: int, seconds: float) -> None:
    route = route_of(scope)
    method = _method(scope)
    HTTP_REQUESTS.labels(method=method, route=route or UNMATCHED, status=str(status)).inc()
    HTTP_SECONDS.labels(method=method, route=route or UNMATCHED).observe(seconds)
    actor = scope.get("state", {}).get("actor")
    tell = log.debug if route in _QUIET else log.info
    tell(
        "http.request.done",
        method=method,
        path=route or scope["path"][:200],
        status=status,
        ms=round(seconds * 1000, 1),
        user_id=str(actor.user_id) if actor is not None and actor.user_id else None,
    )
