"""`otolith jobs`: look at the ledger and put right what is in it, here or through a running Otolith."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Protocol
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

from otolith.core.actor import SYSTEM
from otolith.core.db import Database, now
from otolith.core.errors import NotFound
from otolith.core.settings import Settings
from otolith.core.terminal import (
    DataOption,
    JsonOption,
    Remote,
    ServerOption,
    TokenOption,
    error_console,
    plain_errors,
    print_json,
    settings_for,
)
from otolith.jobs import service
from otolith.jobs.bells import connect_bells
from otolith.jobs.contracts import LANES
from otolith.jobs.models import STATES, TERMINAL
from otolith.jobs.schemas import JobDetail, JobOut

app = typer.Typer(help="Look at the jobs, and retry, cancel or purge them.", no_args_is_help=True)

Document = dict[str, Any]


class NoLedger(NotFound):
    """There is no Otolith in this data folder yet; start one with `otolith up`, or name another with --data."""


class Ledger(Protocol):
    """What the commands need of a ledger, wherever it is; answers are the API's documents."""

    def list_jobs(self, states: list[str], lane: str | None, task: str | None, roots: bool, limit: int) -> Document: ...
    def show(self, job_id: UUID) -> Document: ...
    def retry(self, job_id: UUID) -> Document: ...
    def cancel(self, job_id: UUID) -> Document: ...
    def purge(self, states: list[str], older_than_days: float) -> Document: ...


class LocalLedger:
    """The ledger of a data folder, or of the database that the settings name."""

    def __init__(self, settings: Settings) -> None:
        self._database = Database(settings.effective_database_url, pool_size=2)
        if self._database.file is not None and not self._database.file.exists():
            raise NoLedger
        connect_bells(settings, self._database)

    def list_jobs(self, states: list[str], lane: str | None, task: str | None, roots: bool, limit: int) -> Document:
        with self._database.read(SYSTEM) as session:
            page = service.list_jobs(
                session, SYSTEM, states=states, lane=lane, task=task, roots_only=roots, limit=limit
            )
            items = [JobOut.of(job, SYSTEM).model_dump(mode="json") for job in page.items]
        return {"items": items, "next": page.next, "total": page.total}

    def show(self, job_id: UUID) -> Document:
        with self._database.read(SYSTEM) as session:
            return JobDetail.of(service.get_job(session, SYSTEM, job_id), SYSTEM).model_dump(mode="json")

    def retry(self, job_id: UUID) -> Document:
        with self._database.write(SYSTEM) as session:
            return JobDetail.of(service.retry(session, SYSTEM, job_id), SYSTEM).model_dump(mode="json")

    def cancel(self, job_id: UUID) -> Document:
        with self._database.write(SYSTEM) as session:
            return JobDetail.of(service.cancel(session, SYSTEM, job_id), SYSTEM).model_dump(mode="json")

    def purge(self, states: list[str], older_than_days: float) -> Document:
        before = now() - dt.timedelta(days=older_than_days)
        return {"purged": service.purge(self._database, SYSTEM, states=states, finished_before=before)}

    def close(self) -> None:
        self._database.dispose()


class RemoteLedger:
    """The ledger of a running Otolith, as far as its token sees it."""

    def __init__(self, server: str, token: str | None) -> None:
        self._remote = Remote(server, token)

    def list_jobs(self, states: list[str], lane: str | None, task: str | None, roots: bool, limit: int) -> Document:
        asked: Document = {"state": states or None, "lane": lane, "task": task, "limit": limit}
        found: Document = self._remote.get("/jobs", **asked, roots="true" if roots else None)
        return found

    def show(self, job_id: UUID) -> Document:
        found: Document = self._remote.get(f"/jobs/{job_id}")
        return found

    def retry(self, job_id: UUID) -> Document:
        found: Document = self._remote.post(f"/jobs/{job_id}/retry")
        return found

    def cancel(self, job_id: UUID) -> Document:
        found: Document = self._remote.post(f"/jobs/{job_id}/cancel")
        return found

    def purge(self, states: list[str], older_than_days: float) -> Document:
        body = {"states": states, "older_than_days": older_than_days}
        found: Document = self._remote.post("/jobs/purge", body)
        return found

    def close(self) -> None:
        self._remote.close()


@contextmanager
def _ledger(data: DataOption, server: str | None, token: str | None, *, as_json: bool) -> Iterator[Ledger]:
    with plain_errors(as_json=as_json):
        ledger = RemoteLedger(server, token) if server else LocalLedger(settings_for(data))
        try:
            yield ledger
        finally:
            ledger.close()


def _one_of(names: tuple[str, ...], given: list[str] | None, what: str) -> list[str]:
    unknown = sorted(set(given or ()) - set(names))
    if unknown:
        message = f"There is no {what} {', '.join(unknown)}; choose from {', '.join(names)}."
        raise typer.BadParameter(message)
    return list(given or ())


JobArgument = Annotated[UUID, typer.Argument(metavar="JOB", help="The job's id.", show_default=False)]
StateOption = Annotated[
    list[str] | None, typer.Option("--state", help=f"Of {', '.join(STATES)}; may be repeated.", show_default="all")
]


@app.command("list")
def list_command(
    state: StateOption = None,
    lane: Annotated[str | None, typer.Option("--lane", help="Only jobs of this lane.", show_default="all")] = None,
    task: Annotated[str | None, typer.Option("--task", help="Only jobs of this task.", show_default="all")] = None,
    roots: Annotated[bool, typer.Option("--roots", help="Leave out the parts of larger jobs.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="The most jobs to list.")] = 50,
    data: DataOption = None,
    server: ServerOption = None,
    token: TokenOption = None,
    as_json: JsonOption = False,
) -> None:
    """List jobs, newest first."""
    states = _one_of(STATES, state, "state")
    _one_of(LANES, [lane] if lane else None, "lane")
    with _ledger(data, server, token, as_json=as_json) as ledger:
        page = ledger.list_jobs(states, lane, task, roots, limit)
    if as_json:
        print_json(page)
        return
    _print_list(page)


def _print_list(page: Document) -> None:
    """One line a job and one for its error, short enough for a narrow terminal."""
    rows = [(job["id"], job["state"], job["task"], job["lane"], _progress(job)) for job in page["items"]]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(5)]
    console = Console()
    for job, row in zip(page["items"], rows, strict=True):
        line = "  ".join(part.ljust(width) for part, width in zip(row, widths, strict=True)).rstrip()
        console.print(line, markup=False, highlight=False, soft_wrap=True)
        if job["error"]:
            console.print(f"    {job['error']['detail']}", style="red", markup=False, highlight=False, soft_wrap=True)
    console.print(f"{len(rows)} of {page['total']}", highlight=False)


def _progress(job: Document) -> str:
    done, total = job["progress"]["done"], job["progress"]["total"]
    if done is None or job["state"] in TERMINAL:
        return ""
    return f"{done}/{total}" if total is not None else str(done)


@app.command()
def show(
    job: JobArgument,
    data: DataOption = None,
    server: ServerOption = None,
    token: TokenOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one job with its payload, its result and its last error."""
    with _ledger(data, server, token, as_json=as_json) as ledger:
        found = ledger.show(job)
    _show(found, as_json=as_json)


@app.command()
def retry(
    job: JobArgument,
    data: DataOption = None,
    server: ServerOption = None,
    token: TokenOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a job that is dead, cancelled or waiting for its next attempt a new chance at once."""
    with _ledger(data, server, token, as_json=as_json) as ledger:
        found = ledger.retry(job)
    _show(found, as_json=as_json)


@app.command()
def cancel(
    job: JobArgument,
    data: DataOption = None,
    server: ServerOption = None,
    token: TokenOption = None,
    as_json: JsonOption = False,
) -> None:
    """Cancel a job and its children."""
    with _ledger(data, server, token, as_json=as_json) as ledger:
        found = ledger.cancel(job)
    _show(found, as_json=as_json)


@app.command()
def purge(
    state: Annotated[
        list[str] | None,
        typer.Option("--state", help=f"Of {', '.join(TERMINAL)}; may be repeated.", show_default="dead and cancelled"),
    ] = None,
    older_than_days: Annotated[
        float, typer.Option("--older-than", min=0, metavar="DAYS", help="Only jobs that ended longer ago.")
    ] = 0,
    data: DataOption = None,
    server: ServerOption = None,
    token: TokenOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forget finished jobs for good, together with their children."""
    states = _one_of(TERMINAL, state, "finished state") or ["dead", "cancelled"]
    with _ledger(data, server, token, as_json=as_json) as ledger:
        done = ledger.purge(states, older_than_days)
    if as_json:
        print_json(done)
    else:
        number = done["purged"]
        error_console().print(
            "1 job is forgotten." if number == 1 else f"{number} jobs are forgotten.", highlight=False
        )


def _show(job: Document, *, as_json: bool) -> None:
    if as_json:
        print_json(job)
        return
    table = Table(box=None, show_header=False)
    for name, value in job.items():
        if value not in (None, {}, []):
            table.add_row(name, _plain(value))
    Console().print(table)


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {inner}" for name, inner in value.items() if inner is not None)
    return str(value)
