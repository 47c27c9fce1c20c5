"""The API's description: complete, stable, and true to the routes."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts

from otolith.api import build_api
from otolith.composition import build_context
from otolith.core.api_page import api_page, operations_of
from otolith.core.http import actor_of
from otolith.core.openapi import DescribedApi
from otolith.core.settings import Settings


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DescribedApi]:
    context = build_context(Settings(data=tmp_path_factory.mktemp("data"), workers=0))
    yield build_api(context)
    context.close()


@pytest.fixture(scope="module")
def document(api: DescribedApi) -> dict[str, Any]:
    return api.openapi()


def faults_of(method: str, path: str, operation: dict[str, Any]) -> Iterator[str]:
    """What the description of an operation lacks."""
    if not operation.get("summary"):
        yield "has no summary"
    if not operation.get("description"):
        yield "has no description"
    if len(operation.get("tags", [])) != 1:
        yield "has not exactly one tag"
    good = [answer for status, answer in operation["responses"].items() if status[0] in "123"]
    if not good:
        yield "has no successful response"
    for status, answer in operation["responses"].items():
        if not answer.get("description"):
            yield f"{status} has no description"
        contents = answer.get("content", {})
        # A created upload is told by its headers alone.
        if status == "200" and method != "HEAD" and not contents:
            yield f"{status} has no content"
        for kind, content in contents.items():
            if kind == "application/json" and not content.get("schema"):
                yield f"{status} {kind} has no schema"
        if status[0] in "45" and not contents and method != "HEAD":
            yield f"{status} is no problem document"
    for parameter in operation.get("parameters", []):
        if not parameter.get("description") and parameter["in"] != "path":
            yield f"parameter {parameter['name']} has no description"


def test_every_operation_is_described(document: dict[str, Any]) -> None:
    faults = [
        f"{method} {path}: {fault}"
        for method, path, operation in operations_of(document)
        for fault in faults_of(method, path, dict(operation))
    ]
    assert faults == []


def test_operation_ids_are_names_of_functions_and_unique(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, _, operation in operations_of(document)]
    assert sorted(ids) == sorted(set(ids))
    assert all(name.isidentifier() for name in ids)


def test_every_tag_is_explained(document: dict[str, Any]) -> None:
    explained = [tag["name"] for tag in document["tags"]]
    assert len(explained) == len(set(explained))
    assert {operation["tags"][0] for _, _, operation in operations_of(document)} <= set(explained)


def test_every_route_is_in_the_description(api: DescribedApi, document: dict[str, Any]) -> None:
    hidden = {"/docs", "/openapi.json"}
    for route in iter_route_contexts(api.routes):
        if route.methods is None or route.path_format in hidden:
            continue
        described = document["paths"].get(route.path_format, {})
        missing = {method for method in route.methods - {"OPTIONS"} if method.lower() not in described}
        # Where GET is described, HEAD goes without saying.
        assert missing <= ({"HEAD"} if "get" in described else set()), f"{route.path_format} {missing}"


def test_who_has_to_sign_in_is_said(api: DescribedApi, document: dict[str, Any]) -> None:
    for route in iter_route_contexts(api.routes):
        if getattr(route, "dependant", None) is None or route.path_format not in document["paths"]:
            continue
        needs = any(dependency.call is actor_of for dependency in route.dependant.dependencies)
        for method in (route.methods or set()) & {"GET", "POST", "PUT", "PATCH", "DELETE"}:
            operation = document["paths"][route.path_format][method.lower()]
            if needs:
                assert "401" in operation["responses"], f"{method} {route.path_format}"
                assert operation["security"], f"{method} {route.path_format}"


def test_failures_are_problem_documents(document: dict[str, Any]) -> None:
    assert "HTTPValidationError" not in document["components"]["schemas"]
    for _method, path, operation in operations_of(document):
        for status, answer in operation["responses"].items():
            if status[0] in "45" and path != "/ready" and answer.get("content"):
                assert list(answer["content"]) == ["application/problem+json"], f"{path} {status}"


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    def references(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                yield node["$ref"]
            for value in node.values():
                yield from references(value)
        elif isinstance(node, list):
            for value in node:
                yield from references(value)

    schemas = document["components"]["schemas"]
    assert {reference.rpartition("/")[2] for reference in references(document)} <= schemas.keys()


def test_the_page_shows_every_operation_without_a_script(document: dict[str, Any]) -> None:
    page = api_page(document)
    for method, path, _ in operations_of(document):
        assert f"<code>{method} {path}</code>" in page
    assert "<script" not in page
    assert "http://" not in page
    assert "https://" not in page


def test_the_page_escapes_what_it_shows() -> None:
    document = {
        "info": {"title": "<b>", "version": "&", "description": '"<script>"'},
        "paths": {"/<i>": {"get": {"summary": "<i>", "responses": {"200": {"description": "<i>"}}}}},
    }
    page = api_page(document)
    assert "<i>" not in page
    assert "<b>" not in page
    assert "<script>" not in page
