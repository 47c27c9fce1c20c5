"""The API's description as a page without any script, so that it works offline and under a strict policy."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

METHODS = ("get", "head", "post", "put", "patch", "delete")


def api_page(document: Mapping[str, Any]) -> str:
    """An OpenAPI document as HTML: every operation with its parameters, bodies and answers."""
    info = document["info"]
    body = "".join(_sections(document))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])} API</title></head><body><main>"
        f"<h1>{escape(info['title'])} API {escape(info['version'])}</h1>"
        f"<p>{escape(info.get('description', ''))}</p>"
        '<p>For programs: <a href="openapi.json">openapi.json</a></p>'
        f"{body}</main></body></html>"
    )


def _sections(document: Mapping[str, Any]) -> Iterator[str]:
    tags = {tag["name"]: tag.get("description", "") for tag in document.get("tags", [])}
    operations = list(operations_of(document))
    for tag in dict.fromkeys([*tags, *(op.get("tags", ["other"])[0] for _, _, op in operations)]):
        rows = [row for row in operations if row[2].get("tags", ["other"])[0] == tag]
        if rows:
            yield f"<h2>{escape(tag)}</h2><p>{escape(tags.get(tag, ''))}</p>"
            yield from (_operation(*row) for row in rows)


def operations_of(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Each method, path and operation of an OpenAPI document."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield method.upper(), path, item[method]


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> str:
    return (
        f"<details><summary><code>{method} {escape(path)}</code> {escape(operation.get('summary', ''))}</summary>"
        f"<p>{escape(operation.get('description', ''))}</p>"
        f"<dl>{''.join(_facts(operation))}</dl></details>"
    )


def _facts(operation: Mapping[str, Any]) -> Iterator[str]:
    for parameter in operation.get("parameters", []):
        need = "" if parameter.get("required") else ", optional"
        name = f"{parameter['name']} ({parameter['in']}{need})"
        yield f"<dt><code>{escape(name)}</code></dt><dd>{escape(parameter.get('description', ''))}</dd>"
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"<dt>Body: {escape(kind)}</dt><dd><code>{escape(_shape(content))}</code></dd>"
    for status, answer in operation.get("responses", {}).items():
        shapes = ", ".join(filter(None, (_shape(content) for content in answer.get("content", {}).values())))
        yield f"<dt>{escape(status)}</dt><dd>{escape(answer.get('description', ''))} <code>{escape(shapes)}</code></dd>"


def _shape(content: Mapping[str, Any]) -> str:
    schema = content.get("schema", {})
    return str(schema.get("$ref", "")).rpartition("/")[2] or str(schema.get("title", schema.get("type", "")))
