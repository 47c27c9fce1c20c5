"""The API's description, completed with what the routes have in common: who may call, and how failures look."""

import inspect
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts

from otolith.core.errors import (
    PROBLEM_JSON,
    AppError,
    NotAcceptable,
    NotAllowed,
    NotAvailable,
    NotSignedIn,
    Problem,
    TooManyRequests,
)
from otolith.core.http import Needs, actor_of, context_of, maybe_actor

PROBLEM = {"$ref": "#/components/schemas/Problem"}
# What FastAPI describes by itself, and what our error handlers answer instead.
_REPLACED = ("HTTPValidationError", "ValidationError")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
SECURITY = {
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "otolith_session",
        "description": "From `POST /auth/login`. What changes something also needs the X-CSRF-Token header.",
    },
    "token": {"type": "http", "scheme": "bearer", "description": "An API token."},
    "token_header": {"type": "apiKey", "in": "header", "name": "X-API-Token", "description": "An API token."},
}


class DescribedApi(FastAPI):
    """An app whose OpenAPI document says everything that a client needs to know."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = complete(super().openapi(), list(iter_route_contexts(self.routes)))
        return self.openapi_schema


def complete(document: dict[str, Any], routes: list[RouteContext]) -> dict[str, Any]:
    """`document` with the answers that dependencies give, and every failure as the problem document that it is."""
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas.setdefault("Problem", Problem.model_json_schema(ref_template="#/components/schemas/{model}"))
    components["securitySchemes"] = SECURITY
    for route in routes:
        for method in route.methods or ():
            operation = document["paths"].get(route.path_format, {}).get(method.lower())
            if operation is not None:
                _add_common_answers(operation, method, set(_calls(route.dependant)))
                _describe_failures(operation)
    for name in _REPLACED:
        schemas.pop(name, None)
    return document


def _calls(dependant: Dependant) -> Iterator[Any]:
    for dependency in dependant.dependencies:
        yield dependency.call
        yield from _calls(dependency)


def _add_common_answers(operation: dict[str, Any], method: str, calls: set[Any]) -> None:
    answers: list[type[AppError]] = []
    # Streams look for their caller by themselves and say so; signing in needs no caller and answers 401 all the same.
    if actor_of in calls or ("401" in operation["responses"] and method in _SAFE):
        answers.append(NotSignedIn)
        operation["security"] = [{name: []} for name in SECURITY]
    if method not in _SAFE or any(isinstance(call, Needs) for call in calls):
        answers.append(NotAllowed)
    if calls & {actor_of, maybe_actor, context_of}:
        answers += [TooManyRequests, NotAvailable]
    if operation.get("parameters") or operation.get("requestBody"):
        answers.append(NotAcceptable)
    for answer in answers:
        described = {"description": inspect.cleandoc(answer.__doc__ or "")}
        operation["responses"].setdefault(str(answer.status), described)


def _describe_failures(operation: dict[str, Any]) -> None:
    for status, answer in operation["responses"].items():
        if not status.startswith(("4", "5")):
            continue
        schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
        name = schema.get("$ref", "").rpartition("/")[2]
        if name in ("", "Problem", *_REPLACED):
            answer["content"] = {PROBLEM_JSON: {"schema": PROBLEM}}
        if name in _REPLACED:
            answer["description"] = inspect.cleandoc(NotAcceptable.__doc__ or "")
