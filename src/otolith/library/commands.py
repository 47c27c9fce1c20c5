"""`otolith scan` and `otolith analyse`: on this machine, or through a running Otolith."""

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import quote
from uuid import UUID

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from otolith.accounts.service import home_workspace
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.logging import configure_logging
from otolith.core.settings import Settings
from otolith.core.terminal import (
    DataOption,
    JsonOption,
    Remote,
    RemoteFailure,
    ServerOption,
    TokenOption,
    error_console,
    fail,
    plain_errors,
    print_json,
    settings_for,
)
from otolith.jobs import inline
from otolith.library import service
from otolith.library.analysing import limits_of
from otolith.media.listening import Listener, ListenFailure

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
    """Give the program the commands of the library."""

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
        """
        path = str(Path(folder).absolute())
        with plain_errors():
            report = _scan_there(server, token, path) if server else _scan_here(local, data, path)
        _show_report(report, as_json=as_json)

    @app.command()
    def analyse(
        files: Annotated[list[str], typer.Argument(metavar="FILE...", help="The recordings to hear.")],
        server: ServerOption = None,
        token: TokenOption = None,
        as_json: JsonOption = False,
    ) -> None:
        """Hear recordings and tell how they sound: tempo, beats, key, loudness, fingerprint.

        Nothing is stored, unless a server is named: then they are uploaded to it.
        """
        with plain_errors():
            heard = list(_analyse_there(server, token, files) if server else _analyse_here(files))
        _show_features(heard, as_json=as_json)


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
            started = service.start_scan(session, context, SYSTEM, path, workspace_id)

        looked = time.monotonic()

        def watch(progress: inline.Progress) -> None:
            nonlocal looked
            total = sum(progress.counts.values())
            tell(progress.note or "Scanning", total - _open_jobs(progress.counts), total)
            if time.monotonic() - looked > _LOOK:
                looked = time.monotonic()
                with context.database.read(SYSTEM) as session:
                    warn(service.scan_report(session, SYSTEM, started.scan_id).paused)

        local.see_through(context, started.job_id, watch)
        with context.database.read(SYSTEM) as session:
            report = service.scan_report(session, SYSTEM, started.scan_id)
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
            progress.update(task, description=_plain(text)[-60:].replace("[", r"\["), completed=done, total=total)

        yield tell


def _plain(text: str) -> str:
    """A path as one line, whatever it holds."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


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
                console.print(f"{verdict}: {_plain(one['path'])}: {one['error']}", markup=False)
    if failed:
        fail(report["error"] or "The scan was cancelled.")


def _analyse_here(files: Sequence[str]) -> Iterator[dict[str, Any]]:
    limits = limits_of(settings_for(None))
    with Listener() as listener:
        for file in files:
            try:
                yield {"path": _shown(file), **service.analyse_file(file, listener=listener, limits=limits)}
            except ListenFailure as failure:
                yield {"path": _shown(file), "error": failure.detail, "kind": failure.kind}


def _shown(file: str) -> str:
    return os.fsencode(file).decode("utf-8", "replace")


def _analyse_there(server: str, token: str | None, files: Sequence[str]) -> Iterator[dict[str, Any]]:
    remote = Remote(server, token)
    for file in files:
        try:
            yield {"path": _shown(file), **_uploaded(remote, Path(file))}
        except OSError as error:
            yield {
                "path": _shown(file),
                "error": f"The file could not be read: {error.strerror}.",
                "kind": "unreadable",
            }
        except RemoteFailure as failure:
            yield {"path": _shown(file), "error": failure.detail, "kind": "refused"}


def _uploaded(remote: Remote, path: Path) -> dict[str, Any]:
    """Upload a file, wait until it was heard, and answer as `analyse` does on this machine."""
    name = quote(os.fsencode(path.name), safe="")
    with path.open("rb") as body:
        size = os.fstat(body.fileno()).st_size
        headers = {"X-Filename": name, "Content-Type": "application/octet-stream", "Content-Length": str(size)}
        answer = remote.request("POST", "/media", content=body, headers=headers)
    (item,) = answer["items"]
    if item["problem"] is not None:
        return {"error": item["problem"]["detail"], "kind": item["problem"]["type"].rpartition(":")[2]}
    if item["track_id"] is None:
        raise RemoteFailure("The server stored the file but does not analyse uploads.")
    track = remote.get(f"/tracks/{item['track_id']}")
    while track["state"] == "waiting":
        time.sleep(_POLL)
        track = remote.get(f"/tracks/{item['track_id']}")
    if track["features"] is None:
        return {"error": track["error"], "kind": "failed"}
    names = ("container", "codec", "sample_rate", "channels", "bits", "bit_rate", "lossless", "size")
    return {
        **track["features"],
        **remote.get(f"/tracks/{track['id']}/beats"),
        "fingerprint": track["fingerprint"],
        "sha256": track["file"]["sha256"],
        "engines": track["engines"],
        "warnings": track["warnings"],
        "format": {name: track["file"][name] for name in names},
    }


def _show_features(heard: Sequence[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json(heard[0] if len(heard) == 1 else list(heard))
    else:
        console = Console(highlight=False)
        for one in heard:
            if "error" not in one:
                console.print(_sheet(one))
    errors = [one for one in heard if "error" in one]
    for one in errors:
        error_console().print(f"{_plain(one['path'])}: {one['error']}", markup=False, highlight=False, soft_wrap=True)
    if errors:
        raise typer.Exit(1)


def _sheet(one: Mapping[str, Any]) -> Table:
    """The features of one recording, for people."""
    form = one["format"]
    minutes, seconds = divmod(one["duration"], 60)
    table = Table(title=_plain(one["path"]), title_justify="left", box=SIMPLE_HEAD, show_header=False)
    rows = {
        "duration": f"{minutes:.0f}:{seconds:04.1f}",
        "format": f"{form['container']}, {form['codec']}, {form['sample_rate']} Hz, {form['channels']} channels",
        "tempo": _with_confidence(one["tempo"] and f"{one['tempo']:.1f} beats a minute", one["tempo_confidence"]),
        "beats": str(len(one["beats"])),
        "key": _with_confidence(one["key"] and f"{one['key']} {one['mode']} ({one['camelot']})", one["key_confidence"]),
        "loudness": _number(one["loudness_lufs"], "LUFS"),
        "loudness range": _number(one["loudness_range_lu"], "LU"),
        "true peak": _number(one["true_peak_dbtp"], "dBTP"),
        "fingerprint": f"{one['fingerprint'][:40]}…" if one["fingerprint"] else "–",
        **{f"warning ({note['kind']})": note["detail"] for note in one["warnings"]},
    }
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def _with_confidence(found: str | None, confidence: float | None) -> str:
    return f"{found}, confidence {confidence:.0%}" if found and confidence is not None else found or "–"


def _number(value: float | None, unit: str) -> str:
    return "–" if value is None else f"{value:.1f} {unit}"
