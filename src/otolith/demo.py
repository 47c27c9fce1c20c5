"""`otolith demo`: a dozen recordings made on the spot, analysed through the ledger, answers beside the truth."""

import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text
from sqlalchemy import func, select

from otolith.accounts.seeding import seed
from otolith.accounts.service import home_workspace
from otolith.composition import HANDLERS, build_context
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.logging import configure_logging
from otolith.core.seed_names import ALIASES, DATABASE_ALIASES
from otolith.core.settings import AdminSettings, LogSettings, Settings
from otolith.core.terminal import JsonOption, error_console, fail, plain_errors, print_json
from otolith.jobs.inline import Progress, run_inline
from otolith.jobs.models import Job
from otolith.library import service
from otolith.library.engine.pieces import PIECES, Piece
from otolith.library.recordings import record
from otolith.library.roots import scans
from otolith.library.schemas import TrackItem
from otolith.migrations.migrate import migrate
from otolith.serving import claim_port, up

TEMPO_TOLERANCE: Final = 0.04
_TICK: Final = 0.1


@dataclass
class _Row:
    """One piece of the demo and what is known of it so far."""

    piece: Piece
    status: str = "waiting"
    track: TrackItem | None = None

    @property
    def tempo(self) -> float | None:
        return self.track.features.tempo if self.track and self.track.features else None

    @property
    def tempo_is_right(self) -> bool:
        return self.tempo is not None and abs(self.tempo / self.piece.tempo - 1) <= TEMPO_TOLERANCE

    @property
    def key(self) -> str | None:
        features = self.track.features if self.track else None
        return f"{features.key} {features.mode}" if features and features.key else None

    @property
    def key_is_right(self) -> bool:
        return self.key == f"{self.piece.key} {self.piece.mode}"


@dataclass
class _Board:
    """What the display shows: a heading and a row a piece."""

    rows: list[_Row] = field(default_factory=lambda: [_Row(piece) for piece in PIECES])
    heading: str = ""

    def update(self, tracks: list[TrackItem]) -> None:
        by_name = {(track.artist, track.title): track for track in tracks}
        for row in self.rows:
            track = by_name.get((row.piece.artist, row.piece.title))
            if track is not None:
                row.track = track
                row.status = {"waiting": "indexed", "analysed": "heard", "failed": "failed"}[track.state]

    def table(self) -> Table:
        table = Table(title=self.heading, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
        table.collapse_padding = True
        table.add_column("recording", no_wrap=True, min_width=33)
        table.add_column("format", style="dim")
        table.add_column("tempo", justify="right", min_width=7)
        table.add_column("true", justify="right", style="dim")
        table.add_column("key", min_width=10)
        table.add_column("true", style="dim", min_width=8)
        for row in self.rows:
            table.add_row(
                Text.assemble(row.piece.title, (f" · {row.piece.artist}", "dim")),
                row.piece.extension,
                _marked(f"{row.tempo:.1f}" if row.tempo else None, right=row.tempo_is_right),
                f"{row.piece.tempo:g}",
                _marked(row.key, right=row.key_is_right) if row.track else Text(row.status, style="dim"),
                f"{row.piece.key} {row.piece.mode}",
            )
        return table


def _marked(found: str | None, *, right: bool) -> Text:
    if found is None:
        return Text("…", style="dim")
    return Text(f"{found} {'✓' if right else '✗'}", style="green" if right else "yellow")


def demo(
    serve: Annotated[bool, typer.Option("--serve", help="Leave the pages open afterwards, until Ctrl-C.")] = False,
    host: Annotated[str, typer.Option("--host", help="Address for --serve.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port for --serve.")] = 8000,
    as_json: JsonOption = False,
) -> None:
    """Make a dozen recordings, take them in, and show what Otolith hears in them.

    Everything happens in a temporary folder, which is removed at the end; settings of the environment do not count.
    """
    with plain_errors(), _temporary_folder() as folder:
        settings = Settings(
            data=folder / "data",
            host=host,
            port=port,
            admin=AdminSettings.model_validate({"password": "otolith-demo"}),
            log=LogSettings(level="error"),
        )
        configure_logging(settings, stream=sys.stderr)
        with plain_errors(as_json=as_json):
            if serve:
                claim_port(host, port)
            result, board = perform_demo(settings, folder / "music", error_console())
        if as_json:
            print_json(result)
        else:
            _show(result, board)
        if serve:
            _serve(settings, as_json=as_json)
    if result["jobs"]["dead"] or result["tracks"] != len(PIECES):
        fail("Some of the demo's jobs failed; the lines above say which and why.")


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="otolith-demo-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def perform_demo(settings: Settings, music: Path, console: Console) -> tuple[dict[str, Any], _Board]:
    """Everything the demo does before it prints; the figures for `--json`, and the table."""
    began = time.monotonic()
    board = _Board()
    with Live(board.table(), console=console, refresh_per_second=8, transient=True) as live:

        def show(heading: str) -> None:
            board.heading = f"{heading} ({time.monotonic() - began:.0f} s)"
            live.update(board.table())

        context = build_context(settings)
        try:
            migrating = threading.Thread(target=_prepare, args=(context,))
            migrating.start()
            _compose(board, music, show)
            migrating.join()
            succeeded, dead = _take_in(context, board, music, show)
        finally:
            context.close()
    result = {
        "tracks": sum(row.track is not None and row.track.state == "analysed" for row in board.rows),
        "jobs": {"succeeded": succeeded, "dead": dead},
        "tempo_correct": sum(row.tempo_is_right for row in board.rows),
        "key_correct": sum(row.key_is_right for row in board.rows),
        "seconds": round(time.monotonic() - began, 2),
    }
    return result, board


def _prepare(context: Context) -> None:
    migrate(context.database)
    seed(context)


def _compose(board: _Board, music: Path, show: Callable[[str], None]) -> None:
    """Play the pieces and write them to files, as many at once as there are cores."""

    def make(row: _Row) -> None:
        row.status = "playing"
        record(row.piece, music)
        row.status = "recorded"

    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        making = [pool.submit(make, row) for row in board.rows]
        while not all(future.done() for future in making):
            show("Making a dozen recordings")
            time.sleep(_TICK)
        for future in making:
            future.result()


def _take_in(context: Context, board: _Board, music: Path, show: Callable[[str], None]) -> tuple[int, int]:
    """Scan the folder as a job and run it with its children here; how many jobs succeeded and how many died."""
    with context.database.write(SYSTEM) as session:
        workspace_id = home_workspace(session).id
        started = scans.start_scan(session, context, SYSTEM, music, workspace_id)

    def watch(_progress: Progress) -> None:
        _look(context, board)
        show("Scan → index → analyse")

    threads = max(2, min(4, os.cpu_count() or 1))
    run_inline(context, started.job_id, HANDLERS, watch=watch, threads=threads, even_with_workers=True)
    _look(context, board)
    with context.database.read(SYSTEM) as session:
        states = dict(session.execute(select(Job.state, func.count()).group_by(Job.state)).tuples().all())
    return states.get("succeeded", 0), states.get("dead", 0)


def _look(context: Context, board: _Board) -> None:
    with context.database.read(SYSTEM) as session:
        board.update(service.list_tracks(session, SYSTEM, limit=100).items)


def _show(result: dict[str, Any], board: _Board) -> None:
    board.heading = ""
    console = Console()
    console.print(board.table())
    console.print(
        f"{result['tracks']} recordings heard in {result['seconds']:.1f} s by {result['jobs']['succeeded']} jobs: "
        f"tempo right in {result['tempo_correct']}, key right in {result['key_correct']}.",
        highlight=False,
    )


def _serve(settings: Settings, *, as_json: bool) -> None:
    """Leave the pages open. The server's processes read their settings from the environment, so it is cleared first."""
    for name in list(os.environ):
        if name.upper().startswith("OTOLITH_") or name.upper() in {*ALIASES, *DATABASE_ALIASES, "ENVIRONMENT"}:
            del os.environ[name]
    os.environ["OTOLITH_ENV_FILE"] = os.devnull
    os.environ["OTOLITH_LOG_LEVEL"] = settings.log.level
    if as_json:
        # Stdout has its one document; whatever the server and its workers say goes beside it.
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    sys.stderr.write("Sign in as admin with the password otolith-demo.\n")
    up(settings)
