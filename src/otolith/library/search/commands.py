"""`otolith search`: on this machine, or through a running Otolith."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from otolith.core.actor import SYSTEM
from otolith.core.logging import configure_logging
from otolith.core.terminal import (
    DataOption,
    JsonOption,
    Remote,
    ServerOption,
    TokenOption,
    one_line,
    plain_errors,
    print_json,
    settings_for,
)
from otolith.library.commands import Local
from otolith.library.search import service
from otolith.library.search.schemas import FacetsAsked, SearchAsked


def add_commands(app: typer.Typer, local: Local) -> None:
    """Give the program the command that searches."""

    @app.command(context_settings={"ignore_unknown_options": True})
    def search(
        words: Annotated[list[str], typer.Argument(metavar="WORDS...", help="Words and filters.")],
        sort: Annotated[str, typer.Option("--sort", help="Such as title, -year or bpm.", show_default=False)] = "",
        limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=500, help="How many tracks.")] = 20,
        cursor: Annotated[
            str | None, typer.Option("--cursor", help="Go on behind an earlier page (its `next`).", show_default=False)
        ] = None,
        facets: Annotated[bool, typer.Option("--facets", help="Count what the tracks have in common.")] = False,
        data: DataOption = None,
        server: ServerOption = None,
        token: TokenOption = None,
        as_json: JsonOption = False,
    ) -> None:
        """Search the library by words and filters.

        For example: `otolith search muse`, `otolith search artist:muse bpm:120-130 key:8A`, or
        `otolith search 'year:1990s genre:="Hip Hop"' --sort -added --json`
        """
        asked: dict[str, Any] = {"q": " ".join(words), "prefix": "none"}
        if not facets:
            asked |= {"sort": sort, "limit": limit} | ({"cursor": cursor} if cursor else {})
        with plain_errors(as_json=as_json):
            if server:
                answer = Remote(server, token).get("/search/facets" if facets else "/search", **asked)
            else:
                answer = _here(local, data, asked, facets=facets)
        if as_json:
            print_json(answer)
        elif facets:
            _show_facets(answer)
        else:
            _show(answer)


def _here(local: Local, data: Path | None, asked: dict[str, Any], *, facets: bool) -> dict[str, Any]:
    settings = settings_for(data)
    configure_logging(settings, stream=sys.stderr, quiet=True)
    with local.opened(settings) as context, context.database.read(SYSTEM) as session:
        if facets:
            return service.facets(session, context, SYSTEM, FacetsAsked(**asked)).model_dump(mode="json")
        return service.search(session, context, SYSTEM, SearchAsked(**asked)).model_dump(mode="json")


def _show(answer: dict[str, Any]) -> None:
    console = Console(highlight=False)
    table = Table("Title", "Artist", "Album", "Year", "Length", "BPM", "Key", box=SIMPLE_HEAD)
    for item in answer["items"]:
        texts = (item["title"], item["artist"], item["album"], item["year"], _clock(item["duration"]))
        heard = (f"{item['tempo']:.0f}" if item["tempo"] else "", item["camelot"])
        table.add_row(*(one_line(str(text or "")).replace("[", r"\[") for text in (*texts, *heard)))
    if answer["items"]:
        console.print(table)
    found = "1 track found" if answer["total"] == 1 else f"{answer['total']} tracks found"
    shown = f", {len(answer['items'])} of them shown" if answer["total"] > len(answer["items"]) else ""
    also = "; similar words counted too" if answer["similar"] and answer["total"] else ""
    console.print(f"{found}{shown}{also}")


def _show_facets(answer: dict[str, Any]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"{answer['total']} tracks")
    for facet in answer["facets"]:
        values = ", ".join(f"{one_line(value['value'])} ({value['count']})" for value in facet["values"])
        if values:
            console.print(f"{facet['name']}: {values}", markup=False)


def _clock(seconds: float | None) -> str:
    return "" if seconds is None else f"{int(seconds + 0.5) // 60}:{int(seconds + 0.5) % 60:02d}"
