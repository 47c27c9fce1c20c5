"""`otolith library roots|scans`: the folders of the library and what is done about them."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from otolith.accounts.service import home_workspace
from otolith.core.actor import SYSTEM
from otolith.core.terminal import (
    DataOption,
    JsonOption,
    Remote,
    ServerOption,
    TokenOption,
    one_line,
    plain_errors,
    print_json,
)
from otolith.library.commands import Local, opened_here, see_scan_through, show_reports
from otolith.library.roots import scans, service
from otolith.library.roots.bars import left
from otolith.library.roots.schemas import RootRequest
from otolith.library.roots.service import RootNotFound

_WHICH = "The scan; unset: the newest that is not over."


def add_commands(group: typer.Typer, local: Local) -> None:
    """Give `otolith library` the groups `roots` and `scans`."""
    roots = typer.Typer(no_args_is_help=True, help="The folders that the library is made of.")
    running = typer.Typer(no_args_is_help=True, help="Scans: list them, let them rest, or end them.")
    _add_roots(roots, local)
    _list_and_remove_roots(roots, local)
    _add_scans(running, local)
    group.add_typer(roots, name="roots")
    group.add_typer(running, name="scans")


def _add_roots(app: typer.Typer, local: Local) -> None:
    @app.command("add")
    def add(
        folder: Annotated[str, typer.Argument(metavar="DIR", help="The folder, with all that is below it.")],
        name: Annotated[str, typer.Option("--name", help="What to call it.", show_default=False)] = "",
        watched: Annotated[bool, typer.Option("--watch/--no-watch", help="Take in changes as they happen.")] = True,
        every: Annotated[
            float, typer.Option("--every", metavar="HOURS", min=0, max=24 * 366, help="Scan so often; 0: never.")
        ] = 24.0,
        scan: Annotated[bool, typer.Option("--scan/--no-scan", help="Scan it now.")] = True,
        data: DataOption = None,
        server: ServerOption = None,
        token: TokenOption = None,
        as_json: JsonOption = False,
    ) -> None:
        """Make a folder a part of the library: scanned now, by the clock, and as it changes.

        For example: `otolith library roots add /srv/music --every 12`
        """
        path = str(Path(folder).absolute())
        wish = RootRequest(path=path, name=name, watched=watched, every=every or None, scan=scan)
        with plain_errors(as_json=as_json):
            if server:
                added = Remote(server, token).post("/roots", wish.model_dump(mode="json"))
            else:
                added = _add_here(local, data, wish, as_json=as_json)
        if as_json:
            print_json(added)
        else:
            typer.echo(f"{one_line(added['path'])} is a part of the library.")


def _list_and_remove_roots(app: typer.Typer, local: Local) -> None:
    @app.command("list")
    def show(
        data: DataOption = None, server: ServerOption = None, token: TokenOption = None, as_json: JsonOption = False
    ) -> None:
        """List the folders of the library, and say which cannot be reached."""
        with plain_errors(as_json=as_json):
            found = _all_there(server, token, "/roots") if server else _roots_here(local, data)
        if as_json:
            print_json(found)
        else:
            _show_roots(found)

    @app.command("remove")
    def remove(
        folder: Annotated[str, typer.Argument(metavar="DIR", help="The folder, or its id.")],
        mark_missing: Annotated[
            bool, typer.Option("--mark-missing", help="Let its tracks count as missing, so that they can be purged.")
        ] = False,
        data: DataOption = None,
        server: ServerOption = None,
        token: TokenOption = None,
        as_json: JsonOption = False,
    ) -> None:
        """Let a folder leave the library. Its files are not touched; its tracks stay unless told otherwise.

        For example: `otolith library roots remove /srv/old --mark-missing`
        """
        with plain_errors(as_json=as_json):
            if server:
                remote = Remote(server, token)
                root_id = _named(folder, _all_there(server, token, "/roots"))
                path = f"/roots/{root_id}?mark_missing={str(mark_missing).lower()}"
                answer = remote.request("DELETE", path)
            else:
                root_id = _named(folder, _roots_here(local, data))
                with opened_here(local, data) as context, context.database.write(SYSTEM) as session:
                    removed = service.remove_root(session, SYSTEM, UUID(root_id), mark_missing=mark_missing)
                answer = removed.model_dump(mode="json")
        if as_json:
            print_json(answer)
        else:
            typer.echo(f"It left the library; {answer['marked_missing']} tracks now count as missing.")


def _add_here(local: Local, data: Path | None, wish: RootRequest, *, as_json: bool) -> dict[str, Any]:
    with opened_here(local, data) as context:
        with context.database.write(SYSTEM) as session:
            added = service.add_root(session, context, SYSTEM, wish, home_workspace(session).id)
        if added.scan is not None:
            report = see_scan_through(local, context, added.scan)
            if not as_json:
                show_reports([report], as_json=False, single=True)
    return added.model_dump(mode="json")


def _roots_here(local: Local, data: Path | None) -> list[dict[str, Any]]:
    with opened_here(local, data) as context, context.database.read(SYSTEM) as session:
        return _all(lambda cursor: service.list_roots(session, SYSTEM, cursor=cursor).model_dump(mode="json"))


def _all_there(server: str, token: str | None, path: str) -> list[dict[str, Any]]:
    remote = Remote(server, token)
    return _all(lambda cursor: remote.get(path, cursor=cursor))


def _all(page_of: Callable[[str | None], dict[str, Any]]) -> list[dict[str, Any]]:
    page = page_of(None)
    found: list[dict[str, Any]] = page["items"]
    while page["next"]:
        page = page_of(page["next"])
        found += page["items"]
    return found


def _named(wanted: str, found: list[dict[str, Any]]) -> str:
    """The id of the folder that a person named by its path, its name or its id."""
    path = str(Path(wanted).absolute())
    for root in found:
        if wanted in {root["id"], root["name"]} or path == root["path"]:
            return str(root["id"])
    raise RootNotFound(f"{one_line(wanted)} is no folder of the library; `otolith library roots list` shows them.")


def _show_roots(found: list[dict[str, Any]]) -> None:
    table = Table(box=SIMPLE_HEAD)
    for head in ("folder", "name", "watched", "scanned every", "last scan", "state"):
        table.add_column(head)
    for root in found:
        every = "–" if root["every"] is None else f"{root['every']:g} h"
        scanned = (root["scanned_at"] or "never")[:16].replace("T", " ")
        watched = "yes" if root["watched"] else "no"
        state = f"away: {root['away_why']}" if root["away_why"] else "there"
        table.add_row(one_line(root["path"]), one_line(root["name"]), watched, every, scanned, state)
    Console(highlight=False, markup=False).print(table)


def _add_scans(app: typer.Typer, local: Local) -> None:
    @app.command("list")
    def show(
        data: DataOption = None, server: ServerOption = None, token: TokenOption = None, as_json: JsonOption = False
    ) -> None:
        """List the latest scans, with what came of them."""
        with plain_errors(as_json=as_json):
            found = _scans_there(server, token) if server else _scans_here(local, data)
        if as_json:
            print_json(found)
        else:
            _show_scans(found)

    for name, done, sentence in (
        ("pause", "rests", "Let a scan rest, until it is resumed."),
        ("resume", "goes on", "Let a paused scan go on where it was."),
        ("cancel", "ends", "End a scan; what it has stored stays."),
    ):
        app.command(name, help=sentence)(_control(local, name, done))


def _control(local: Local, name: str, done: str) -> Callable[..., None]:
    def control(
        scan: Annotated[str | None, typer.Argument(metavar="[SCAN]", help=_WHICH, show_default=False)] = None,
        data: DataOption = None,
        server: ServerOption = None,
        token: TokenOption = None,
        as_json: JsonOption = False,
    ) -> None:
        with plain_errors(as_json=as_json):
            item = _control_there(server, token, name, scan) if server else _control_here(local, data, name, scan)
        if as_json:
            print_json(item)
        else:
            typer.echo(f"The scan of {one_line(item['path'])} {done}.")

    return control


def _scans_there(server: str, token: str | None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = Remote(server, token).get("/scans")["items"]
    return found


def _scans_here(local: Local, data: Path | None) -> list[dict[str, Any]]:
    with opened_here(local, data) as context, context.database.read(SYSTEM) as session:
        return [item.model_dump(mode="json") for item in scans.list_scans(session, SYSTEM).items]


def _control_there(server: str, token: str | None, name: str, scan: str | None) -> dict[str, Any]:
    chosen = _chosen(scan, _scans_there(server, token))
    item: dict[str, Any] = Remote(server, token).post(f"/scans/{chosen}/{name}")
    return item


def _control_here(local: Local, data: Path | None, name: str, scan: str | None) -> dict[str, Any]:
    chosen = _chosen(scan, _scans_here(local, data))
    deeds = {"pause": scans.pause_scan, "resume": scans.resume_scan, "cancel": scans.cancel_scan}
    with opened_here(local, data) as context, context.database.write(SYSTEM) as session:
        return deeds[name](session, SYSTEM, chosen).model_dump(mode="json")


def _chosen(scan: str | None, found: list[dict[str, Any]]) -> UUID:
    if scan is not None:
        try:
            return UUID(scan)
        except ValueError as error:
            raise scans.ScanNotFound(f"{one_line(scan)} is no id of a scan.") from error
    for one in found:
        if one["state"] in {"running", "paused"}:
            return UUID(one["scan_id"])
    raise scans.ScanNotFound("No scan is running.")


def _show_scans(found: list[dict[str, Any]]) -> None:
    table = Table(box=SIMPLE_HEAD)
    for head in ("scan", "folder", "state", "added", "updated", "moved", "missing", "failed", ""):
        table.add_column(head)
    for one in found:
        numbers = [str(one[name]) for name in ("added", "updated", "moved", "missing", "failures")]
        table.add_row(one["scan_id"], one_line(one["path"]), one["state"], *numbers, left(one["seconds_left"]))
    Console(highlight=False, markup=False).print(table)
