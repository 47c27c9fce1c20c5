"""`otolith scan`: on this machine, or through a running Otolith."""

import logging
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from otolith.accounts.service import home_workspace
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.logging import configure_logging
from otolith.core.settings import Settings
from otolith.core.terminal import (
    DataOption,
    JsonOption,
    Remote,
    ServerOption,
    TokenOption,
    error_console,
    fail,
    one_line,
    plain_errors,
    print_json,
    settings_for,
)
from otolith.jobs import inline
from otolith.library.roots import scans

_POLL: Final = 0.3
_LOOK: Final = 2.0
_COUNTS: Final = ("added", "updated", "moved", "missing", "unchanged")


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
        folder: Annotated[str, typer.Argument(metavar="DIR", help="The folder, with all that is below it.")],
        data: DataOption = None,
        server: ServerOption = None,
        token: TokenOption = None,
        as_json: JsonOption = False,
    ) -> None:
        """Take a folder of sound into the library: new files, changed ones, moved ones and missing ones.

        The files stay where they are and are not written to. Those that cannot be taken in are listed with the reason.

        For example: `otolith scan ~/Music`, or for programs: `otolith scan ~/Music --json`
        """
        path = str(Path(folder).absolute())
        with plain_errors(as_json=as_json):
            report = _scan_there(server, token, path) if server else _scan_here(local, data, path)
        _show_report(report, as_json=as_json)


def _scan_here(local: Local, data: Path | None, path: str) -> dict[str, Any]:
    settings = settings_for(data)
    configure_logging(settings, stream=sys.stderr, quiet=True)
    if settings.log.level != "debug":
        # The command says itself what became of its jobs.
        logging.getLogger("otolith.jobs").setLevel(logging.CRITICAL)
    warn = _Warner()
    with local.opened(settings) as context, _bar() as tell:
        with context.database.write(SYSTEM) as session:
            workspace_id = home_workspace(session).id
            started = scans.start_scan(session, context, SYSTEM, path, workspace_id)

        looked = time.monotonic()

        def watch(progress: inline.Progress) -> None:
            nonlocal looked
            total = sum(progress.counts.values())
            tell(progress.note or "Scanning", total - _open_jobs(progress.counts), total)
            if time.monotonic() - looked > _LOOK:
                looked = time.monotonic()
                with context.database.read(SYSTEM) as session:
                    warn(scans.scan_report(session, SYSTEM, started.scan_id).paused)

        local.see_through(context, started.job_id, watch)
        with context.database.read(SYSTEM) as session:
            report = scans.scan_report(session, SYSTEM, started.scan_id)
    return report.model_dump(mode="json")


def _open_jobs(counts: Mapping[str, int]) -> int:
    return sum(counts.get(state, 0) for state in ("queued", "running", "waiting", "retrying"))


def _scan_there(server: str, token: str | None, path: str) -> dict[str, Any]:
    remote = Remote(server, token)
    started = remote.post("/scans", {"path": path})
    warn = _Warner()
    with _bar() as tell:
        while True:
            report: dict[str, Any] = remote.get(f"/scans/{started['scan_id']}")
            if report["state"] != "running":
                return report
            warn(report["paused"])
            tell(", ".join(f"{report[name]} {name}" for name in _COUNTS if report[name]) or "Scanning", 0, None)
            time.sleep(_POLL)


class _Warner:
    """Says on stderr why the work waits, once as long as the reason is the same."""

    def __init__(self) -> None:
        self._said: str | None = None

    def __call__(self, reason: str | None) -> None:
        if reason and reason != self._said:
            error_console().print(f"Paused: {reason}", markup=False, highlight=False, soft_wrap=True)
        self._said = reason


@contextmanager
def _bar() -> Iterator[Callable[[str, int, int | None], None]]:
    """A line of progress on stderr, where that is a terminal."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    console = error_console()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Scanning", total=None)

        def tell(text: str, done: int, total: int | None) -> None:
            progress.update(task, description=one_line(text)[-60:].replace("[", r"\["), completed=done, total=total)

        yield tell


def _show_report(report: dict[str, Any], *, as_json: bool) -> None:
    failed = report["state"] in {"failed", "cancelled"}
    if as_json:
        names = (*_COUNTS, "failed", "skipped", "seconds")
        print_json({name: report[name] for name in names} | ({"error": report["error"]} if failed else {}))
    else:
        console = Console(highlight=False, soft_wrap=True)
        if not failed:
            counts = ", ".join(f"{report[name]} {name}" for name in _COUNTS)
            console.print(f"{counts}, {len(report['failed'])} failed in {report['seconds']:.1f} s", markup=False)
        for verdict in ("failed", "skipped"):
            for one in report[verdict]:
                console.print(f"{verdict}: {one_line(one['path'])}: {one['error']}", markup=False)
    if failed:
        fail(report["error"] or "The scan was cancelled.")
