"""`otolith scan`: on this machine, or through a running Otolith."""

import logging
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

import typer
from rich.console import Console

from otolith.accounts.service import home_workspace
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.errors import NotFound
from otolith.core.logging import configure_logging
from otolith.core.settings import Settings
from otolith.core.terminal import (
    DataOption,
    JsonOption,
    Remote,
    ServerOption,
    TokenOption,
    fail,
    one_line,
    plain_errors,
    print_json,
    settings_for,
)
from otolith.jobs import inline
from otolith.library.roots import scans
from otolith.library.roots import service as roots
from otolith.library.roots.bars import PhaseBars
from otolith.library.roots.schemas import ScanStarted

_POLL: Final = 0.3
_COUNTS: Final = ("added", "updated", "moved", "missing", "unchanged")


class NoFolders(NotFound):
    """The library has no folder yet: name one (`otolith scan DIR`), or add one (`otolith library roots add DIR`)."""


@dataclass(frozen=True)
class Local:
    """How a command works on this machine; the program hands it in, because it knows all slices.

    `opened` gives the context of a data folder that is ready, and `see_through` runs a job with all its children, or
    watches while workers do.
    """

    opened: Callable[[Settings], AbstractContextManager[Context]]
    see_through: Callable[[Context, UUID, inline.Watch | None], inline.Progress]


def add_commands(app: typer.Typer, local: Local) -> None:
    """Give the program the command that scans."""

    @app.command()
    def scan(
        folder: Annotated[
            str | None,
            typer.Argument(metavar="[DIR]", help="The folder, with all that is below it; else all of the library's."),
        ] = None,
        data: DataOption = None,
        server: ServerOption = None,
        token: TokenOption = None,
        as_json: JsonOption = False,
    ) -> None:
        """Take a folder of sound into the library: new files, changed ones, moved ones and missing ones.

        The files stay where they are and are not written to. Those that cannot be taken in are listed with the reason.
        Without a folder, those of `otolith library roots` are scanned. Ctrl-C loses nothing: the next scan of the same
        folder goes on where it was.

        For example: `otolith scan ~/Music`, or for programs: `otolith scan ~/Music --json`
        """
        path = None if folder is None else str(Path(folder).absolute())
        with plain_errors(as_json=as_json):
            reports = scan_there(server, token, path) if server else scan_here(local, data, path)
        show_reports(reports, as_json=as_json, single=path is not None)


def scan_here(local: Local, data: Path | None, path: str | None) -> list[dict[str, Any]]:
    """Scan a folder, or all of the library's, on this machine; the reports."""
    with opened_here(local, data) as context:
        with context.database.write(SYSTEM) as session:
            if path is None:
                started = roots.scan_roots(session, context, SYSTEM)
            else:
                started = [scans.start_scan(session, context, SYSTEM, path, home_workspace(session).id)]
        return [see_scan_through(local, context, one) for one in _some(started)]


@contextmanager
def opened_here(local: Local, data: Path | None) -> Iterator[Context]:
    """The context of a command that says itself what becomes of its jobs."""
    settings = settings_for(data)
    configure_logging(settings, stream=sys.stderr, quiet=True)
    if settings.log.level != "debug":
        logging.getLogger("otolith.jobs").setLevel(logging.CRITICAL)
    with local.opened(settings) as context:
        yield context


def see_scan_through(local: Local, context: Context, started: ScanStarted) -> dict[str, Any]:
    """Wait until a scan is over, showing its phases; its report."""

    def look(listed: int) -> dict[str, Any]:
        with context.database.read(SYSTEM) as session:
            return scans.scan_report(session, SYSTEM, started.scan_id, listed).model_dump(mode="json")

    with PhaseBars() as bars:
        looked = float("-inf")

        def watch(_progress: inline.Progress) -> None:
            nonlocal looked
            if time.monotonic() - looked > _POLL:
                bars.tell(look(0))
                looked = time.monotonic()

        local.see_through(context, started.job_id, watch)
    return look(scans.LISTED)


def scan_there(server: str, token: str | None, path: str | None) -> list[dict[str, Any]]:
    """Scan a folder of a running Otolith's machine, or all of its library's; the reports."""
    remote = Remote(server, token)
    started = remote.post("/scan")["items"] if path is None else [remote.post("/scans", {"path": path})]
    return [_follow(remote, one["scan_id"]) for one in _some(started)]


def _follow(remote: Remote, scan_id: str) -> dict[str, Any]:
    with PhaseBars() as bars:
        while True:
            report: dict[str, Any] = remote.get(f"/scans/{scan_id}", listed=0)
            if report["state"] not in {"running", "paused"}:
                return dict(remote.get(f"/scans/{scan_id}"))
            bars.tell(report)
            remote.pause(_POLL)


def _some(started: Sequence[Any]) -> Sequence[Any]:
    if not started:
        raise NoFolders
    return started


def show_reports(reports: Sequence[dict[str, Any]], *, as_json: bool, single: bool) -> None:
    """Print what came of scans; the command fails where a scan as a whole did."""
    bad = [report for report in reports if report["state"] in {"failed", "cancelled"}]
    if as_json:
        plain = [_plain(report) for report in reports]
        print_json(plain[0] if single else plain)
    else:
        for report in reports:
            _show(report, named=not single)
    for report in bad:
        fail(report["error"] or "The scan was cancelled.")


def _plain(report: Mapping[str, Any]) -> dict[str, Any]:
    names = (*_COUNTS, "failed", "skipped", "seconds")
    failed = report["state"] in {"failed", "cancelled"}
    return {name: report[name] for name in names} | ({"error": report["error"]} if failed else {})


def _show(report: Mapping[str, Any], *, named: bool) -> None:
    console = Console(highlight=False, soft_wrap=True)
    if report["state"] not in {"failed", "cancelled"}:
        counts = ", ".join(f"{report[name]} {name}" for name in _COUNTS)
        where = f"{one_line(report['path'])}: " if named else ""
        console.print(f"{where}{counts}, {len(report['failed'])} failed in {report['seconds']:.1f} s", markup=False)
    for verdict in ("failed", "skipped"):
        for one in report[verdict]:
            console.print(f"{verdict}: {one_line(one['path'])}: {one['error']}", markup=False)
