"""`otolith library check` and `purge`: on this machine, or through a running Otolith."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final, Protocol, get_args

import typer
from rich.console import Console
from rich.table import Table

from otolith.accounts.service import home_workspace
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.logging import configure_logging
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
from otolith.jobs.models import TERMINAL
from otolith.library.commands import Local
from otolith.library.health import purging, service
from otolith.library.health.kinds import Kind

Document = dict[str, Any]
_POLL: Final = 0.3


class Library(Protocol):
    """What the commands need of a library, wherever it is; answers are the API's documents."""

    def summary(self) -> Document: ...
    def findings(self, kind: str, cursor: str | None, limit: int) -> Document: ...
    def compare(self) -> None: ...
    def missing(self) -> Document: ...
    def purge(self, expected: int) -> Document: ...


class LocalLibrary:
    """The Home library of a data folder."""

    def __init__(self, context: Context, local: Local) -> None:
        self._context, self._local = context, local
        with context.database.read(SYSTEM) as session:
            self._workspace = home_workspace(session).id

    def compare(self) -> None:
        with self._context.database.write(SYSTEM) as session:
            job_id = service.start_check(session, SYSTEM, self._workspace)
        self._local.see_through(self._context, job_id, None)

    def missing(self) -> Document:
        with self._context.database.read(SYSTEM) as session:
            return purging.missing(session, SYSTEM, self._workspace).model_dump(mode="json")

    def purge(self, expected: int) -> Document:
        with self._context.database.write(SYSTEM) as session:
            return purging.purge_missing(session, SYSTEM, self._workspace, expected).model_dump(mode="json")

    def summary(self) -> Document:
        with self._context.database.read(SYSTEM) as session:
            return service.summary(session, self._context, SYSTEM, self._workspace).model_dump(mode="json")

    def findings(self, kind: Any, cursor: str | None, limit: int) -> Document:
        with self._context.database.read(SYSTEM) as session:
            page = service.findings(
                session, self._context, SYSTEM, kind, workspace_id=self._workspace, cursor=cursor, limit=limit
            )
        return page.model_dump(mode="json")


class RemoteLibrary:
    """The library of a running Otolith, as far as its token sees it."""

    def __init__(self, server: str, token: str | None) -> None:
        self._remote = Remote(server, token)

    def compare(self) -> None:
        job_id = self._remote.post("/library/check")["job_id"]
        while self._remote.get(f"/jobs/{job_id}")["state"] not in TERMINAL:
            self._remote.pause(_POLL)

    def missing(self) -> Document:
        found: Document = self._remote.post("/library/missing/purge", {"dry_run": True})
        return found

    def purge(self, expected: int) -> Document:
        found: Document = self._remote.post("/library/missing/purge", {"expected": expected})
        return found

    def summary(self) -> Document:
        found: Document = self._remote.get("/library/health")
        return found

    def findings(self, kind: str, cursor: str | None, limit: int) -> Document:
        found: Document = self._remote.get(f"/library/health/{kind}", cursor=cursor, limit=limit)
        return found


@contextmanager
def _library(local: Local, data: Path | None, server: str | None, token: str | None) -> Iterator[Library]:
    if server:
        yield RemoteLibrary(server, token)
        return
    settings = settings_for(data)
    configure_logging(settings, stream=sys.stderr, quiet=True)
    if settings.log.level != "debug":
        # The command says itself what became of its jobs.
        logging.getLogger("otolith.jobs").setLevel(logging.CRITICAL)
    with local.opened(settings) as context:
        yield LocalLibrary(context, local)


def add_commands(group: typer.Typer, local: Local) -> None:
    """Give the group the commands that tell what is wrong and clear away what is gone."""
    _add_check(group, local)
    _add_purge(group, local)


def _add_check(group: typer.Typer, local: Local) -> None:
    @group.command()
    def check(
        kind: Annotated[
            str | None,
            typer.Option("--kind", metavar="KIND", help="Only findings of this kind.", show_default="all of them"),
        ] = None,
        limit: Annotated[
            int, typer.Option("--limit", min=0, max=100_000, help="The most findings of each kind to list.")
        ] = 20,
        compare: Annotated[
            bool, typer.Option("--compare/--no-compare", help="Compare new recordings with the others first.")
        ] = True,
        data: DataOption = None,
        server: ServerOption = None,
        token: TokenOption = None,
        as_json: JsonOption = False,
    ) -> None:
        """Say what is wrong with the library, why, and what to do: doubled, broken, missing and incomplete files.

        Kinds: unreadable, refused, damaged, missing, copies, duplicates, masters, albums, tags, clipped,
        outdated.

        For example: `otolith library check --kind albums`, or for programs: `otolith library check --json`
        """
        kinds = get_args(Kind)
        if kind is not None and kind not in kinds:
            message = f"There is no kind {kind}; the kinds are {', '.join(kinds)}."
            raise typer.BadParameter(message, param_hint="--kind")
        with plain_errors(as_json=as_json), _library(local, data, server, token) as library:
            if compare:
                library.compare()
            told = library.summary()
            told["kinds"] = [one for one in told["kinds"] if kind in (None, one["kind"])]
            for one in told["kinds"]:
                one["findings"] = _findings(library, one["kind"], min(limit, one["count"]))
        if as_json:
            print_json(told)
        else:
            _show(told)


def _add_purge(group: typer.Typer, local: Local) -> None:
    @group.command()
    def purge(
        yes: Annotated[bool, typer.Option("--yes", "-y", help="Remove them without asking.")] = False,
        data: DataOption = None,
        server: ServerOption = None,
        token: TokenOption = None,
        as_json: JsonOption = False,
    ) -> None:
        """Remove the tracks whose files are gone, for good, with their plays and ratings.

        A file that only moved is recognised by the next scan, and so is one whose disk was away; scan again first.

        For example: `otolith library purge`, or for programs: `otolith library purge --yes --json`
        """
        with plain_errors(as_json=as_json), _library(local, data, server, token) as library:
            told = library.missing()
            if told["tracks"] and not yes:
                _confirm(told, as_json=as_json)
            removed = _purge(library, told)
        if as_json:
            print_json(removed)
        else:
            Console(highlight=False).print(_purged(removed), markup=False)


def _confirm(told: Document, *, as_json: bool) -> None:
    """Ask whether to go on, and end the command where the answer is no."""
    question = f"{_losses(told)} will be removed for good. Go on?"
    if as_json or not sys.stdin.isatty():
        fail(f"{question} Say so with --yes; nothing was removed.", as_json=as_json)
    if not typer.confirm(question, err=True):
        fail("Nothing was removed.")


def _purge(library: Library, told: Document) -> Document:
    removed = told | {"tracks": 0, "plays": 0, "ratings": 0, "removed": True}
    while removed["remaining"]:
        part = library.purge(removed["remaining"])
        for name in ("tracks", "plays", "ratings"):
            removed[name] += part[name]
        removed["remaining"] = part["remaining"]
    return removed


def _losses(told: Document) -> str:
    with_them = ""
    if told["plays"] or told["ratings"]:
        with_them = (
            f", with {_many(told['plays'], 'play')} and {_many(told['ratings'], 'rating')} "
            f"of {_many(told['people'], 'person', 'people')},"
        )
    return f"{_many(told['tracks'], 'missing track')}{with_them}"


def _purged(removed: Document) -> str:
    return f"{_losses(removed)} removed." if removed["tracks"] else "No track is missing; nothing was removed."


def _many(count: int, one: str, several: str = "") -> str:
    return f"{count} {one if count == 1 else several or one + 's'}"


def _findings(library: Library, kind: str, wanted: int) -> list[Document]:
    found: list[Document] = []
    cursor: str | None = None
    while len(found) < wanted:
        page = library.findings(kind, cursor, min(wanted - len(found), 500))
        found += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    return found


def _show(told: Document) -> None:
    console = Console(highlight=False, soft_wrap=True)
    table = Table("", "findings", "what it means", box=None, pad_edge=False)
    for one in told["kinds"]:
        table.add_row(one["title"], str(one["count"]), one["meaning"])
    console.print(table)
    for one in told["kinds"]:
        if not one["findings"]:
            continue
        console.print(f"\n{one['title']}: {one['advice']}", markup=False)
        for finding in one["findings"]:
            console.print(f"- {_line(finding)}", markup=False)
        if one["count"] > len(one["findings"]):
            console.print(f"  and {one['count'] - len(one['findings'])} more; --limit shows them", markup=False)
    if told["waiting"]:
        console.print(f"\n{told['waiting']} tracks are yet to be analysed.", markup=False)


def _line(finding: Document) -> str:
    if finding["album"] is not None:
        about = f"{finding['album']['artist'] or '?'}: {finding['album']['title']}"
    elif finding["path"] is not None:
        about = finding["path"]
    else:
        about = "; ".join(f"{t['path'] or t['name']}{' (best)' if t['best'] else ''}" for t in finding["tracks"])
    return f"{one_line(about)}: {one_line(finding['why'])}"
