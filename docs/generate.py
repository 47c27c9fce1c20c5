"""Writes the generated parts of the documentation anew; `just docs` runs it, and tests/test_docs.py checks it."""

import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import typer
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from typer.core import TyperGroup

from otolith.api import build_api
from otolith.cli import app as cli
from otolith.composition import HANDLERS, build_context
from otolith.core.api_page import operations_of
from otolith.core.seed_names import ALIASES, DATABASE_ALIASES, EXPLAINED
from otolith.core.settings import PREFIX, Settings

DOCS = Path(__file__).resolve().parent


def cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def table(*rows: tuple[str, ...]) -> str:
    head, *body = rows
    lines = [head, tuple("---" for _ in head), *body]
    return "\n".join(f"| {' | '.join(cell(part) for part in row)} |" for row in lines)


def groups() -> Iterator[tuple[str, str, dict[str, FieldInfo]]]:
    """Each group of settings: its prefix, what it is about, and its fields."""
    single = {}
    nested: list[tuple[str, str, dict[str, FieldInfo]]] = []
    for name, field in Settings.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            nested.append((f"{PREFIX}{name}_".upper(), (kind.__doc__ or "").strip(), dict(kind.model_fields)))
        else:
            single[name] = field
    yield PREFIX, "The server as a whole.", single
    yield from nested


def default_of(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "the XDG data folder" if field.annotation is Path else "none"
    value: Any = field.default
    if value is None or value == "":
        return "unset"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def kind_of(field: FieldInfo) -> str:
    kinds = [kind for kind in (get_args(field.annotation) or (field.annotation,)) if kind is not type(None)]
    names = {bool: "yes or no", int: "number", float: "number", str: "text", Path: "path", SecretStr: "secret"}
    if all(isinstance(kind, str) for kind in kinds):
        return " or ".join(f"`{kind}`" for kind in kinds)
    if "roots" in str(field.description) or "list" in str(field.annotation):
        return "JSON list"
    return names.get(kinds[0], "text") if "takes units" not in str(field.description) else "size"


def settings() -> str:
    parts = []
    for prefix, about, fields in groups():
        rows = [("variable", "what it says", "kind", "default")]
        rows += [
            (f"`{prefix}{name.upper()}`", field.description or "", kind_of(field), default_of(field))
            for name, field in fields.items()
        ]
        parts.append(f"### `{prefix}…`\n\n{about}\n\n{table(*rows)}")
    return "\n\n".join(parts)


def aliases() -> str:
    rows = [("their name", "ours")]
    rows += [(f"`{theirs}`", f"`{ours}`") for theirs, ours in sorted(ALIASES.items())]
    rows += [(f"`{name}`", f"`{PREFIX}DATABASE_URL`, if both agree") for name in DATABASE_ALIASES]
    explained = [("their name", "what becomes of it")]
    explained += [(f"`{name}`", text) for name, text in sorted(EXPLAINED.items())]
    return f"{table(*rows)}\n\nThese are read too, and need no counterpart:\n\n{table(*explained)}"


def api() -> str:
    with tempfile.TemporaryDirectory() as folder:
        context = build_context(Settings(data=Path(folder), workers=0))
        document = build_api(context).openapi()
        context.close()
    parts = []
    tags = {tag["name"]: tag["description"] for tag in document["tags"]}
    for name, about in tags.items():
        rows = [("route", "what it does", "operation", "who", "answers")]
        for method, path, operation in operations_of(document):
            if operation["tags"][0] == name:
                who = "signed in" if operation.get("security") else "anybody"
                answers = " ".join(sorted(operation["responses"]))
                rows.append((f"`{method} {path}`", operation["summary"], f"`{operation['operationId']}`", who, answers))
        if len(rows) > 1:
            parts.append(f"## {name.capitalize()}\n\n{about}\n\n{table(*rows)}")
    return "\n\n".join(parts)


def commands() -> str:
    root = typer.main.get_command(cli)
    return "\n\n".join(_command(root, ("otolith",)))


def _command(command: Any, names: tuple[str, ...]) -> Iterator[str]:
    context = typer.Context(command, info_name=" ".join(names))
    if isinstance(command, TyperGroup):
        # Asked as `--help` asks, so that commands which are imported on demand are here too.
        for name in command.list_commands(context):
            yield from _command(command.get_command(context, name), (*names, name))
        return
    usage = " ".join(command.collect_usage_pieces(context))
    rows = [("option", "what it does")]
    for parameter in command.params:
        text = getattr(parameter, "help", None) or ""
        options = getattr(parameter, "opts", [])
        shown = ", ".join(f"`{name}`" for name in options) if options else f"`{parameter.name}`"
        if shown:
            rows.append((shown, text))
    about = re.sub(r"\n(?!\n)", " ", (command.help or "").strip()).replace("\n ", "\n\n")
    options_table = f"\n\n{table(*rows)}" if len(rows) > 1 else ""
    yield f"## `{' '.join(names)}`\n\n`{' '.join(names)} {usage}`\n\n{about}{options_table}"


def contracts() -> str:
    parts = []
    for handler in sorted(HANDLERS, key=lambda handler: handler.contract.task):
        contract = handler.contract
        limits = (
            ("version", str(contract.version)),
            ("lane", f"`{contract.lane}`"),
            ("attempts", str(contract.max_attempts or "as the settings say")),
            ("soft limit", f"{contract.soft_seconds:g} s" if contract.soft_seconds else "none"),
            ("hard limit", f"{contract.hard_seconds:g} s" if contract.hard_seconds else "none"),
            ("by the clock", handler.rule or "no"),
            ("in other systems", ", ".join(f"`{name}`" for name in contract.seed_names) or "–"),
            ("run twice", contract.idempotent or "–"),
        )
        rows = [("field of the payload", "kind", "what it says")]
        for name, field in contract.payload.model_fields.items():
            optional = "" if field.is_required() else ", optional"
            rows.append((f"`{name}`", f"`{_name_of(field.annotation)}`{optional}", field.description or ""))
        about = " ".join((contract.payload.__doc__ or "").split())
        parts.append(f"## `{contract.task}`\n\n{about}\n\n{table(('', ''), *limits)}\n\n{table(*rows)}")
    return "\n\n".join(parts)


def _name_of(annotation: Any) -> str:
    inner = get_args(annotation)
    if get_origin(annotation) is list and get_origin(inner[0]) is Annotated:
        # What turns a value into text and back is no word for it, and has another address in every process.
        return f"list[{_name_of(get_args(inner[0])[0])}]"
    text = annotation.__name__ if isinstance(annotation, type) and not inner else str(annotation)
    return re.sub(r"\b(typing|uuid|datetime|pathlib)\.", "", text)


PAGES: dict[str, dict[str, Callable[[], str]]] = {
    "operate/settings.md": {"settings": settings, "aliases": aliases},
    "operate/cli.md": {"commands": commands},
    "develop/api.md": {"api": api},
    "develop/contracts.md": {"contracts": contracts},
}


def render(page: str) -> str:
    """The page with its generated parts as they should be now."""
    text = (DOCS / page).read_text(encoding="utf-8")
    for name, write in PAGES[page].items():
        begin, end = f"<!-- generated: {name} -->", f"<!-- end: {name} -->"
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not found or not closed:
            sys.exit(f"docs/{page} lacks the marks {begin} and {end}")
        text = f"{before}{begin}\n\n{write()}\n\n{end}{after}"
    return text


def main() -> None:
    for page in PAGES:
        (DOCS / page).write_text(render(page), encoding="utf-8")


if __name__ == "__main__":
    main()
