"""`otolith library edit` and `undo`: on this machine, or through a running Otolith."""

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Protocol
from uuid import UUID

import typer
from pydantic import ValidationError
from rich.console import Console

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.errors import BadRequest
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
from otolith.jobs.service import TERMINAL
from otolith.library.commands import Local
from otolith.library.editing import service
from otolith.library.editing.fields import FIELDS
from otolith.library.editing.schemas import EditRequest

Document = dict[str, Any]
_PAGE = 500
_POLL = 0.3


class Tags(Protocol):
    """What the commands need, wherever the library is; answers are the API's documents."""

    def track(self, name: str) -> str: ...
    def preview(self, body: Document) -> Document: ...
    def edit(self, body: Document) -> Document: ...
    def act(self, batch: str, action: str) -> Document: ...
    def outcome(self, batch: str) -> list[Document]: ...


class LocalTags:
    """The library of a data folder."""

    def __init__(self, context: Context, local: Local) -> None:
        self._context, self._local = context, local

    def track(self, name: str) -> str:
        if (given := _as_id(name)) is not None:
            return given
        with self._context.database.read(SYSTEM) as session:
            return str(service.track_of_file(session, SYSTEM, name))

    def preview(self, body: Document) -> Document:
        with self._context.database.read(SYSTEM) as session:
            return service.preview(session, self._context, SYSTEM, _request(body)).model_dump(mode="json")

    def edit(self, body: Document) -> Document:
        with self._context.database.write(SYSTEM) as session:
            return service.edit(session, SYSTEM, _request(body)).model_dump(mode="json")

    def act(self, batch: str, action: str) -> Document:
        do = service.write if action == "write" else service.undo
        with self._context.database.write(SYSTEM) as session:
            begun = do(session, SYSTEM, UUID(batch))
        if begun.job_id is not None:
            self._local.see_through(self._context, begun.job_id, None)
        return begun.model_dump(mode="json")

    def outcome(self, batch: str) -> list[Document]:
        found: list[Document] = []
        cursor: str | None = None
        while True:
            with self._context.database.read(SYSTEM) as session:
                page = service.list_edits(session, SYSTEM, UUID(batch), cursor=cursor, limit=_PAGE)
            found += [item.model_dump(mode="json") for item in page.items]
            cursor = page.next
            if cursor is None:
                return found


class RemoteTags:
    """The library of a running Otolith."""

    def __init__(self, server: str, token: str | None) -> None:
        self._remote = Remote(server, token)

    def track(self, name: str) -> str:
        given = _as_id(name)
        if given is None:
            raise BadRequest(f"{name} is no track's id; with --server, name tracks by their ids.")
        return given

    def preview(self, body: Document) -> Document:
        found: Document = self._remote.post("/tracks/edits/preview", body)
        return found

    def edit(self, body: Document) -> Document:
        found: Document = self._remote.post("/tracks/edits", body)
        return found

    def act(self, batch: str, action: str) -> Document:
        begun: Document = self._remote.post(f"/tracks/edits/{batch}/{action}")
        if begun["job_id"] is not None:
            self._wait(begun["job_id"])
        return begun

    def _wait(self, job_id: str) -> None:
        while self._remote.get(f"/jobs/{job_id}")["state"] not in TERMINAL:
            self._remote.pause(_POLL)

    def outcome(self, batch: str) -> list[Document]:
        found: list[Document] = []
        cursor: str | None = None
        while True:
            page = self._remote.get(f"/tracks/edits/{batch}", cursor=cursor, limit=_PAGE)
            found += page["items"]
            cursor = page["next"]
            if cursor is None:
                return found


def _as_id(name: str) -> str | None:
    try:
        return str(UUID(name))
    except ValueError:
        return None


def _request(body: Document) -> EditRequest:
    try:
        return EditRequest.model_validate(body)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, one['loc'][1:])) or 'request'}: {one['msg']}" for one in error.errors())
        raise BadRequest(f"These changes cannot be made: {faults}.") from error


@contextmanager
def _tags(local: Local, data: Path | None, server: str | None, token: str | None) -> Iterator[Tags]:
    if server:
        yield RemoteTags(server, token)
        return
    settings = settings_for(data)
    configure_logging(settings, stream=sys.stderr, quiet=True)
    if settings.log.level != "debug":
        # The command says itself what became of its job.
        logging.getLogger("otolith.jobs").setLevel(logging.CRITICAL)
    with local.opened(settings) as context:
        yield LocalTags(context, local)


Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", "-s", metavar="FIELD=VALUE", help="A new value; again for another field, or another name."),
]
Removals = Annotated[list[str] | None, typer.Option("--remove", "-r", metavar="FIELD", help="A field to empty.")]


def changes_of(assignments: Sequence[str], removals: Sequence[str]) -> Document:
    """What the options say, as the API takes it; several values of one field are a list."""
    given: dict[str, list[str]] = {}
    for assignment in assignments:
        field, equals, value = assignment.partition("=")
        if not equals:
            raise typer.BadParameter(f"{assignment!r} has no =; write FIELD=VALUE.", param_hint="--set")
        given.setdefault(_field(field, "--set"), []).append(value)
    changes: Document = {field: _value(field, values) for field, values in given.items()}
    return changes | {_field(field, "--remove"): None for field in removals}


def _field(name: str, option: str) -> str:
    field = name.strip().replace("-", "_")
    if field not in FIELDS:
        raise typer.BadParameter(f"There is no field {name}; the fields are {', '.join(FIELDS)}.", param_hint=option)
    return field


def _value(field: str, values: list[str]) -> Any:
    if field in ("artist", "album_artist", "genres", "composers"):
        return values
    if len(values) > 1:
        raise typer.BadParameter(f"{field} takes one value.", param_hint="--set")
    if field == "compilation":
        return values[0].strip().lower() in ("1", "yes", "true")
    return values[0]


def add_commands(group: typer.Typer, local: Local) -> None:
    """Give the group the commands that change tags and take changes back."""

    @group.command()
    def edit(
        tracks: Annotated[list[str], typer.Argument(metavar="TRACK", help="Files of the library, or ids of tracks.")],
        assignments: Assignments = None,
        removals: Removals = None,
        preview: Annotated[bool, typer.Option("--preview", "-n", help="Show what would change, and end.")] = False,
        write: Annotated[bool, typer.Option("--write", "-w", help="Write the changes into the files too.")] = False,
        data: DataOption = None,
        server: ServerOption = None,
        token: TokenOption = None,
        as_json: JsonOption = False,
    ) -> None:
        """Change the tags of tracks: in the library, and with --write in their files.

        Fields: title, artist, album, album_artist, track, track_total, disc, disc_total, date, genres, composers,
        compilation, comment, lyrics, title_sort, artist_sort, album_sort, album_artist_sort.

        For example: `otolith library edit *.flac -s album="Kind of Blue" -s date=1959 --write`, or for several
        names: `otolith library edit 01.mp3 -s artist=Ella -s artist=Louis --preview`
        """
        changes = changes_of(assignments or [], removals or [])
        with plain_errors(as_json=as_json), _tags(local, data, server, token) as tags:
            body = {"tracks": [tags.track(name) for name in tracks], "changes": changes}
            told = tags.preview(body)
            if not preview:
                told |= tags.edit(body)
                if write and told["batch_id"] is not None:
                    told |= tags.act(told["batch_id"], "write")
                    told["tracks"] = tags.outcome(told["batch_id"])
        _show(told, as_json=as_json)

    @group.command()
    def undo(
        batch: Annotated[str, typer.Argument(metavar="BATCH", help="What `otolith library edit` named.")],
        data: DataOption = None,
        server: ServerOption = None,
        token: TokenOption = None,
        as_json: JsonOption = False,
    ) -> None:
        """Take changes of tags back: in the library, and in the files that they were written to.

        For example: `otolith library undo 01909b1c-4a1e-7d30-b0d6-2c1f3f1a9c55`
        """
        if _as_id(batch) is None:
            raise typer.BadParameter(f"{batch} is no id of changes.", param_hint="BATCH")
        with plain_errors(as_json=as_json), _tags(local, data, server, token) as tags:
            told = tags.act(batch, "undo")
            told["tracks"] = tags.outcome(batch)
        _show(told, as_json=as_json)


def _show(told: Document, *, as_json: bool) -> None:
    failed = [one for one in told["tracks"] if one.get("error")]
    undone = any(one.get("state") == "undone" for one in told["tracks"])
    if as_json:
        print_json(told)
    else:
        console = Console(highlight=False, soft_wrap=True)
        for one in told["tracks"]:
            back = one.get("state") == "undone"
            console.print(one_line(one["title"]) + (f" ({one['state']})" if "state" in one else ""), markup=False)
            for field in one["after"]:
                before, after = (_said(one[name][field]) for name in ("before", "after"))
                console.print(f"  {field}: {after if back else before} → {before if back else after}", markup=False)
            if reason := one.get("error") or one.get("unwritable"):
                console.print(f"  {reason}", markup=False)
        if not told["tracks"]:
            console.print("Nothing is to be changed.")
        if told.get("batch_id") and not undone:
            console.print(f"Undo with: otolith library undo {told['batch_id']}", markup=False)
    if failed:
        raise typer.Exit(1)


def _said(texts: Sequence[str]) -> str:
    return one_line("; ".join(texts))[:200] if texts else "–"
