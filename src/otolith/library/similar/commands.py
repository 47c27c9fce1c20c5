"""`otolith similar`: what sounds like a track, on this machine or through a running Otolith."""

import os
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
from otolith.library.similar import service
from otolith.library.similar.naming import track_named
from otolith.library.similar.seeding import Asked


def add_commands(app: typer.Typer, local: Local) -> None:
    """Give the program the command that finds what sounds alike."""

    @app.command()
    def similar(
        tracks: Annotated[
            list[str], typer.Argument(metavar="TRACK...", help="A file of the library, words of its title, or its id.")
        ],
        limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=service.LARGEST, help="How many.")] = 20,
        spread: Annotated[
            bool, typer.Option("--spread/--no-spread", help="Let artists and albums take turns, or take the nearest.")
        ] = True,
        data: DataOption = None,
        server: ServerOption = None,
        token: TokenOption = None,
        as_json: JsonOption = False,
    ) -> None:
        """Tell what sounds like one or several tracks of the library, and why.

        For example: `otolith similar ~/Music/song.flac`, `otolith similar "blue train"`, or for programs with `--json`
        """
        with plain_errors(as_json=as_json):
            if server:
                answer = _similar_there(Remote(server, token), tracks, limit, spread)
            else:
                answer = _similar_here(local, data, tracks, limit, spread)
        if as_json:
            print_json(answer)
        else:
            _show(answer)


def _similar_here(local: Local, data: Path | None, names: list[str], limit: int, spread: bool) -> dict[str, Any]:
    settings = settings_for(data)
    configure_logging(settings, stream=sys.stderr, quiet=True)
    with local.opened(settings) as context, context.database.read(SYSTEM) as session:
        ids = [track_named(session, SYSTEM, name, _path_of(name)) for name in names]
        found = service.similar(session, context, SYSTEM, Asked(tracks=ids), limit=limit, spread=spread)
        return found.model_dump(mode="json")


def _path_of(name: str) -> bytes | None:
    """The file that the word names, if there is one."""
    try:
        path = os.fsencode(name)
    except UnicodeEncodeError:
        return None
    return os.path.abspath(path) if os.path.lexists(path) else None  # noqa: PTH100 -- Any bytes may be a name.


def _similar_there(remote: Remote, names: list[str], limit: int, spread: bool) -> dict[str, Any]:
    found: dict[str, Any] = remote.get("/similar", named=names, limit=limit, spread=spread)
    return found


def _show(answer: dict[str, Any]) -> None:
    console = Console(highlight=False)
    if not answer["items"]:
        console.print("Nothing else here was analysed yet.")
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("alike", "track", "in common"):
        table.add_column(name)
    for item in answer["items"]:
        track = item["track"]
        name = " – ".join(one_line(text) for text in (track["artist"], track["title"]) if text)
        table.add_row(f"{item['similarity']:.2f}", name.replace("[", r"\["), ", ".join(map(_reason, item["reasons"])))
    console.print(table)


def _reason(reason: dict[str, Any]) -> str:
    value = reason["track"]
    said = f"{value:.0f}" if reason["code"].endswith("_tempo") else value if reason["code"].endswith("_key") else None
    name = reason["code"].replace("_", " ")
    return f"{name} ({said})" if said is not None else name
