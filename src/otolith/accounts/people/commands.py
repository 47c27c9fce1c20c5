"""`otolith user`: the users of this machine's Otolith, with the server running or stopped."""

import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console

from otolith.accounts.people import service
from otolith.accounts.people.schemas import UserOut
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.errors import NotFound
from otolith.core.terminal import DataOption, JsonOption, error_console, plain_errors, print_json, settings_for

app = typer.Typer(help="Make, change and remove the users of this machine's Otolith.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(metavar="USER", help="User name or e-mail address.", show_default=False)]
RoleOption = Annotated[str, typer.Option("--role", help="`admin`, `user` or `readonly`.")]
StdinOption = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input instead of making one up.")
]
ROLES = ("admin", "user", "readonly")


class NoAccounts(NotFound):
    """There is no Otolith in this data folder yet; start one with `otolith up`, or name another with --data."""


@contextmanager
def _opened(data: DataOption, *, as_json: bool) -> Iterator[Context]:
    from otolith.jobs.opening import open_context

    with plain_errors(as_json=as_json):
        context = open_context(settings_for(data), {})
        try:
            file = context.database.file
            if file is not None and not file.exists():
                raise NoAccounts
            yield context
        finally:
            context.close()


def _role(given: str) -> Any:
    if given not in ROLES:
        message = f"There is no role {given}; choose from {', '.join(ROLES)}."
        raise typer.BadParameter(message, param_hint="--role")
    return given


def _password(*, from_stdin: bool) -> tuple[str, bool]:
    """The password to set, and whether it was made up and is to be shown."""
    return (sys.stdin.readline().rstrip("\n"), False) if from_stdin else (secrets.token_urlsafe(15), True)


def _tell(user: Any, *, as_json: bool, password: str | None = None) -> None:
    shown = UserOut.model_validate(user).model_dump(mode="json")
    if as_json:
        print_json({**shown, "password": password} if password is not None else shown)
        return
    console = Console()
    for name, value in shown.items():
        if value not in (None, ""):
            console.print(f"{name.ljust(12)}  {value}", markup=False, highlight=False, soft_wrap=True)
    if password is not None:
        console.print(f"{'password'.ljust(12)}  {password}", markup=False, highlight=False, soft_wrap=True)
        error_console().print("The password is not kept anywhere; write it down.", highlight=False)


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(metavar="USER", help="The new user name.", show_default=False)],
    email: Annotated[str | None, typer.Option("--email", help="An e-mail address.", show_default=False)] = None,
    display_name: Annotated[str, typer.Option("--display-name", help="What the user wants to be called.")] = "",
    role: RoleOption = "user",
    password_stdin: StdinOption = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a user. A password is made up and printed once, unless it is given."""
    wanted = _role(role)
    password, made_up = _password(from_stdin=password_stdin)
    with _opened(data, as_json=as_json) as context:
        user = service.create_user(
            context, SYSTEM, name, password=password, email=email, display_name=display_name, role=wanted
        )
    _tell(user, as_json=as_json, password=password if made_up else None)


@app.command("list")
def list_command(
    search: Annotated[
        str | None, typer.Option("--search", help="Only those with this in their name or address.", show_default="all")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="The most users to list.")] = 100,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List users, oldest first."""
    with _opened(data, as_json=as_json) as context:
        page = service.list_users(context, SYSTEM, text=search, limit=limit)
    items = [UserOut.model_validate(user) for user in page.items]
    if as_json:
        print_json({"items": [item.model_dump(mode="json") for item in items], "total": page.total})
        return
    console = Console()
    for user in items:
        state = "" if user.active else "  (deactivated)"
        line = f"{user.username}  {user.role}  {user.email or ''}".rstrip() + state
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    console.print(f"{len(items)} of {page.total}", highlight=False)


@app.command()
def show(name: NameArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Show one user."""
    with _opened(data, as_json=as_json) as context:
        user = service.user_named(context, name)
    _tell(user, as_json=as_json)


def _change(name: str, data: DataOption, changes: dict[str, Any], *, as_json: bool) -> None:
    with _opened(data, as_json=as_json) as context:
        user = service.change_user(context, SYSTEM, service.user_named(context, name).id, changes)
    _tell(user, as_json=as_json)


@app.command()
def deactivate(name: NameArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Let a user in no more: sessions, API tokens and open streams end at once."""
    _change(name, data, {"active": False}, as_json=as_json)


@app.command()
def activate(name: NameArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Let a user in again; tokens that ended stay ended."""
    _change(name, data, {"active": True}, as_json=as_json)


@app.command("set-role")
def set_role(
    name: NameArgument,
    role: Annotated[str, typer.Argument(help="`admin`, `user` or `readonly`.", show_default=False)],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change what a user may do on the server."""
    _change(name, data, {"role": _role(role)}, as_json=as_json)


@app.command()
def delete(name: NameArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Delete a user for good; what they made stays with its workspace."""
    with _opened(data, as_json=as_json) as context:
        user = service.user_named(context, name)
        service.delete_user(context, SYSTEM, user.id)
    if as_json:
        print_json({"deleted": str(user.id)})
    else:
        error_console().print(f"{user.name} is deleted.", markup=False, highlight=False)


@app.command("forget-codes")
def forget_codes(name: NameArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Ask a user for no more one-time codes, as when their device and their recovery codes are lost."""
    from otolith.accounts.factors.service import switch_off

    with _opened(data, as_json=as_json) as context:
        user = service.user_named(context, name)
        switch_off(context, SYSTEM, user.id)
    _tell(user, as_json=as_json)


@app.command("reset-password")
def reset_password(
    name: NameArgument, password_stdin: StdinOption = False, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """Give a user another password, and end their sessions. It is made up and printed once, unless it is given."""
    password, made_up = _password(from_stdin=password_stdin)
    with _opened(data, as_json=as_json) as context:
        user = service.user_named(context, name)
        service.set_password(context, SYSTEM, user, password)
    _tell(user, as_json=as_json, password=password if made_up else None)
