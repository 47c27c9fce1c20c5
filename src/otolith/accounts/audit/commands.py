"""`otolith audit`: read, check and take away the record of what was done, here or through a running Otolith."""

import sys
from typing import Annotated, Any

import typer
from rich.console import Console

from otolith.accounts.audit import service
from otolith.accounts.audit.routes import lines
from otolith.accounts.audit.schemas import AuditOut, VerdictOut
from otolith.accounts.commands import Opened, either
from otolith.core.actor import SYSTEM
from otolith.core.terminal import (
    FAILED,
    DataOption,
    JsonOption,
    Remote,
    ServerOption,
    TokenOption,
    error_console,
    one_line,
    print_json,
)

ActionOption = Annotated[
    str | None, typer.Option("--action", help="Only this, or all that begins so, such as `token`.", show_default="all")
]
UserOption = Annotated[str | None, typer.Option("--user", help="Only by this user.", show_default="all")]


def audit_commands(opened: Opened) -> typer.Typer:
    """The commands, over whatever opens the data folder of this machine."""
    app = typer.Typer(help="Read, check and take away the record of what was done.", no_args_is_help=True)

    @app.command("list")
    def list_command(
        action: ActionOption = None,
        user: UserOption = None,
        limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="The most entries to list.")] = 50,
        data: DataOption = None,
        server: ServerOption = None,
        token: TokenOption = None,
        as_json: JsonOption = False,
    ) -> None:
        """List what was done, newest first."""
        with either(opened, data, server, token, as_json=as_json) as place:
            if isinstance(place, Remote):
                page = place.get("/audit", action=action, user=user, limit=limit)
            else:
                rows, following = service.entries(place, SYSTEM, service.Asked(action=action, user=user), limit=limit)
                page = {"items": [AuditOut.of(row).model_dump(mode="json") for row in rows], "next": following}
        if as_json:
            print_json(page)
            return
        for entry in page["items"]:
            _print_entry(entry)

    @app.command()
    def verify(
        data: DataOption = None, server: ServerOption = None, token: TokenOption = None, as_json: JsonOption = False
    ) -> None:
        """Check that no entry was changed, added or removed; exit code 1 where the chain breaks."""
        with either(opened, data, server, token, as_json=as_json) as place:
            if isinstance(place, Remote):
                found = place.get("/audit/verify")
            else:
                with place.database.read(SYSTEM) as session:
                    found = VerdictOut.of(service.verify(session)).model_dump(mode="json")
        if as_json:
            print_json(found)
        elif found["holds"]:
            Console().print(
                f"{found['entries']} entries, unbroken. The last is {found['seq']} {found['hash']}", soft_wrap=True
            )
        if not found["holds"]:
            error_console().print(f"[bold red]The chain is broken.[/] {found['fault']}", soft_wrap=True)
            raise typer.Exit(FAILED)

    @app.command()
    def export(data: DataOption = None, server: ServerOption = None, token: TokenOption = None) -> None:
        """Write all entries to stdout, the oldest first, as one JSON document a line."""
        with either(opened, data, server, token) as place:
            if isinstance(place, Remote):
                sys.stdout.write(place.text("GET", "/audit/export"))
            else:
                sys.stdout.writelines(lines(place))

    return app


def _print_entry(entry: dict[str, Any]) -> None:
    who = entry["user_name"] or entry["actor"]
    what = f"{entry['action']} {entry['object_type']} {entry['object_id']}".rstrip()
    where = f" from {entry['address']}" if entry["address"] else ""
    line = one_line(f"{entry['seq']}  {entry['at'][:19]}  {who}  {what}{where}")
    Console().print(line, markup=False, highlight=False, soft_wrap=True)
