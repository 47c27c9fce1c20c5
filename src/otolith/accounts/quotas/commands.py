"""`otolith quota`: what users and workspaces may use and have used, here or through a running Otolith."""

from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console

from otolith.accounts.commands import Opened, either
from otolith.accounts.quotas import queries, service
from otolith.accounts.quotas.kinds import SubjectKind
from otolith.accounts.quotas.schemas import QuotasOut
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.errors import BadRequest, NotFound
from otolith.core.sizes import parse_size
from otolith.core.terminal import (
    DataOption,
    JsonOption,
    Remote,
    ServerOption,
    TokenOption,
    one_line,
    print_json,
)

UserOption = Annotated[str | None, typer.Option("--user", help="The user's name.", show_default=False)]
WorkspaceOption = Annotated[
    str | None, typer.Option("--workspace", help="The workspace's name or id.", show_default=False)
]
KindArgument = Annotated[
    str, typer.Argument(metavar="KIND", help="storage, jobs, speech or lookups.PROVIDER.", show_default=False)
]


class Quotas:
    """The quotas of one subject, wherever they are; answers are the API's documents."""

    def __init__(self, place: Context | Remote, user: str | None, workspace: str | None) -> None:
        if (user is None) == (workspace is None):
            raise BadRequest("Name either --user or --workspace.")
        self._place = place
        self._subject: SubjectKind = "user" if user is not None else "workspace"
        named = user if user is not None else workspace
        self._id = self._find(str(named))

    def _find(self, named: str) -> UUID:
        try:
            return UUID(named)
        except ValueError:
            pass
        if isinstance(self._place, Remote):
            for one in self._place.get("/quotas")["items"]:
                if (one["subject"], one["name"]) == (self._subject, named):
                    return UUID(one["id"])
            raise NotFound(f"You are not, and are in no {self._subject} called {named}; give its id.")
        with self._place.database.read(SYSTEM) as session:
            found = queries.subject_of_name(session, self._subject, named)
        if found is None:
            raise NotFound(f"There is no {self._subject} called {named}.")
        return found

    def show(self) -> dict[str, Any]:
        if isinstance(self._place, Remote):
            shown: dict[str, Any] = self._place.get(self._path())
            return shown
        return _document(service.holder(self._place, SYSTEM, self._subject, self._id))

    def set(self, kind: str, amount: int | None) -> dict[str, Any]:
        if isinstance(self._place, Remote):
            shown: dict[str, Any] = self._place.request("PUT", f"{self._path()}/{kind}", json={"amount": amount})
            return shown
        return _document(service.change(self._place, SYSTEM, self._subject, self._id, kind, amount))

    def reset(self, kind: str) -> dict[str, Any]:
        if isinstance(self._place, Remote):
            shown: dict[str, Any] = self._place.post(f"{self._path()}/{kind}/reset")
            return shown
        return _document(service.renew(self._place, SYSTEM, self._subject, self._id, kind))

    def _path(self) -> str:
        return f"/quotas/{self._subject}/{self._id}"


def _document(found: service.Holder) -> dict[str, Any]:
    return QuotasOut.of(found).model_dump(mode="json")


def _amount(text: str) -> int | None:
    if text in ("default", "unlimited"):
        return None if text == "default" else -1
    try:
        return int(str(parse_size(text)))
    except ValueError as error:
        raise BadRequest(f"{text} is no amount; give a number, a size such as 5gb, unlimited or default.") from error


def quota_commands(opened: Opened) -> typer.Typer:
    """The commands, over whatever opens the data folder of this machine."""
    app = typer.Typer(help="See, set and reset what users and workspaces may use.", no_args_is_help=True)

    @app.command("list")
    def list_command(
        user: UserOption = None,
        workspace: WorkspaceOption = None,
        data: DataOption = None,
        server: ServerOption = None,
        token: TokenOption = None,
        as_json: JsonOption = False,
    ) -> None:
        """Show what one user or workspace may use, and what is left."""
        with either(opened, data, server, token, as_json=as_json) as place:
            _show(Quotas(place, user, workspace).show(), as_json=as_json)

    @app.command("set")
    def set_command(
        kind: KindArgument,
        amount: Annotated[
            str, typer.Argument(metavar="AMOUNT", help="A number, a size such as 5gb, unlimited, or default.")
        ],
        user: UserOption = None,
        workspace: WorkspaceOption = None,
        data: DataOption = None,
        server: ServerOption = None,
        token: TokenOption = None,
        as_json: JsonOption = False,
    ) -> None:
        """Give one user or workspace a bound of its own.

        For example: `otolith quota set storage 5gb --user ann`
        """
        with either(opened, data, server, token, as_json=as_json) as place:
            _show(Quotas(place, user, workspace).set(kind, _amount(amount)), as_json=as_json)

    @app.command()
    def reset(
        kind: KindArgument,
        user: UserOption = None,
        workspace: WorkspaceOption = None,
        data: DataOption = None,
        server: ServerOption = None,
        token: TokenOption = None,
        as_json: JsonOption = False,
    ) -> None:
        """Let what was used count no more; stored files and running jobs count as before."""
        with either(opened, data, server, token, as_json=as_json) as place:
            _show(Quotas(place, user, workspace).reset(kind), as_json=as_json)

    return app


def _show(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    console = Console()
    console.print(one_line(f"{found['subject']} {found['name']}"), markup=False, highlight=False)
    for one in found["quotas"]:
        bound = "no bound" if one["amount"] is None else f"of {one['amount']}"
        state = "" if one["state"] == "ok" else f"  {one['state']}"
        line = f"  {one['kind']:<20} {one['used']:>14} {bound} {one['unit']}{state}"
        console.print(line, markup=False, highlight=False, soft_wrap=True)
