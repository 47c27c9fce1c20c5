"""`otolith workspace`: workspaces and their members, on this machine or through a running Otolith."""

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

import typer
from pydantic import TypeAdapter
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from otolith.accounts.commands import Opened, either
from otolith.accounts.models import Membership, User
from otolith.accounts.workspaces import service
from otolith.accounts.workspaces.schemas import MemberOut
from otolith.accounts.workspaces.service import NoSuchMember, WorkspaceNotFound
from otolith.core.actor import SYSTEM, WorkspaceRole
from otolith.core.context import Context
from otolith.core.terminal import (
    DataOption,
    JsonOption,
    Remote,
    ServerOption,
    TokenOption,
    one_line,
    print_json,
)
from otolith.core.texts import Line

Which = Annotated[str, typer.Argument(metavar="WORKSPACE", help="Its name or id.")]
Who = Annotated[str, typer.Argument(metavar="USER", help="User name; to take somebody in also an e-mail address.")]
Role = Annotated[WorkspaceRole, typer.Option("--role", help="viewer, editor or owner.")]
_LINE: TypeAdapter[str] = TypeAdapter(Line)
Place = Context | Remote


def workspace_commands(opened: Opened) -> typer.Typer:
    """The commands, over whatever opens the data folder of this machine."""
    app = typer.Typer(
        help="Workspaces: make, rename and delete them, and say who belongs to them.", no_args_is_help=True
    )
    _add_workspaces(app, opened)
    _add_deletion(app, opened)
    _add_members(app, opened)
    _add_changes_of_members(app, opened)
    return app


def _add_workspaces(app: typer.Typer, opened: Opened) -> None:
    @app.command("list")
    def show(
        data: DataOption = None, server: ServerOption = None, token: TokenOption = None, as_json: JsonOption = False
    ) -> None:
        """List the workspaces; through a server those of the token's user."""
        with either(opened, data, server, token, as_json=as_json) as place:
            found = _all(place)
        if as_json:
            print_json(found)
        else:
            _table(("id", "name", "members"), [(one["id"], one["name"], one.get("members", "")) for one in found])

    @app.command()
    def create(
        name: Annotated[str, typer.Argument(help="What people call it.")],
        owner: Annotated[
            str | None, typer.Option("--owner", help="Who owns it; here alone.", show_default="the first administrator")
        ] = None,
        data: DataOption = None,
        server: ServerOption = None,
        token: TokenOption = None,
        as_json: JsonOption = False,
    ) -> None:
        """Make a workspace."""
        with either(opened, data, server, token, as_json=as_json) as place:
            if isinstance(place, Remote):
                made = place.post("/workspaces", {"name": name})
            else:
                with place.database.write(SYSTEM) as session:
                    user = service.user_of_name(session, owner or place.settings.admin.username)
                    added = service.add_workspace(session, SYSTEM, _LINE.validate_python(name), user.id)
                    made = {"id": str(added.id), "name": added.name}
        if as_json:
            print_json(made)
        else:
            typer.echo(f"{one_line(made['name'])} is there: {made['id']}")

    @app.command()
    def rename(
        workspace: Which,
        name: Annotated[str, typer.Argument(help="What people call it from now on.")],
        data: DataOption = None,
        server: ServerOption = None,
        token: TokenOption = None,
    ) -> None:
        """Give a workspace another name."""
        with either(opened, data, server, token) as place:
            found = _id_of(place, workspace)
            if isinstance(place, Remote):
                place.request("PATCH", f"/workspaces/{found}", json={"name": name})
            else:
                service.rename_workspace(place, SYSTEM, found, _LINE.validate_python(name))
        typer.echo(f"It is called {one_line(name)} now.")


def _add_deletion(app: typer.Typer, opened: Opened) -> None:
    @app.command()
    def delete(
        workspace: Which,
        sure: Annotated[bool, typer.Option("--yes", help="Do it without being asked again.")] = False,
        data: DataOption = None,
        server: ServerOption = None,
        token: TokenOption = None,
    ) -> None:
        """Delete a workspace with all that belongs to it. Files in library folders stay; uploads are removed."""
        if not sure:
            typer.confirm(f"Delete {one_line(workspace)} and all that belongs to it, for good?", abort=True)
        with either(opened, data, server, token) as place:
            found = _id_of(place, workspace)
            if isinstance(place, Remote):
                place.request("DELETE", f"/workspaces/{found}")
            else:
                service.delete_workspace(place, SYSTEM, found)
        typer.echo(f"{one_line(workspace)} is gone.")


def _add_members(app: typer.Typer, opened: Opened) -> None:
    @app.command()
    def members(
        workspace: Which,
        data: DataOption = None,
        server: ServerOption = None,
        token: TokenOption = None,
        as_json: JsonOption = False,
    ) -> None:
        """List who belongs to a workspace."""
        with either(opened, data, server, token, as_json=as_json) as place:
            found = _members(place, _id_of(place, workspace))
        if as_json:
            print_json(found)
        else:
            rows = [(one["username"], one["display_name"], one["role"]) for one in found]
            _table(("user", "called", "role"), rows)

    @app.command()
    def add(
        workspace: Which,
        user: Who,
        role: Role = "viewer",
        data: DataOption = None,
        server: ServerOption = None,
        token: TokenOption = None,
    ) -> None:
        """Take an existing user into a workspace.

        For example: `otolith workspace add Home ada --role editor`
        """
        with either(opened, data, server, token) as place:
            found = _id_of(place, workspace)
            if isinstance(place, Remote):
                place.post(f"/workspaces/{found}/members", {"username": user, "role": role})
            else:
                service.add_member(place, SYSTEM, found, user, role)
        typer.echo(f"{one_line(user)} belongs to it, as {role}.")


def _add_changes_of_members(app: typer.Typer, opened: Opened) -> None:
    @app.command("set-role")
    def set_role(
        workspace: Which,
        user: Who,
        role: Annotated[WorkspaceRole, typer.Argument(help="viewer, editor or owner.")],
        data: DataOption = None,
        server: ServerOption = None,
        token: TokenOption = None,
    ) -> None:
        """Change what a member may do."""
        with either(opened, data, server, token) as place:
            found = _id_of(place, workspace)
            member = _member_of(place, found, user)
            if isinstance(place, Remote):
                place.request("PATCH", f"/workspaces/{found}/members/{member}", json={"role": role})
            else:
                service.change_role(place, SYSTEM, found, member, role)
        typer.echo(f"{one_line(user)} is {role} now.")

    @app.command()
    def remove(
        workspace: Which,
        user: Who,
        data: DataOption = None,
        server: ServerOption = None,
        token: TokenOption = None,
    ) -> None:
        """Take somebody out of a workspace; the last owner stays."""
        with either(opened, data, server, token) as place:
            found = _id_of(place, workspace)
            member = _member_of(place, found, user)
            if isinstance(place, Remote):
                place.request("DELETE", f"/workspaces/{found}/members/{member}")
            else:
                service.remove_member(place, SYSTEM, found, member)
        typer.echo(f"{one_line(user)} belongs to it no more.")


def _all(place: Place) -> list[dict[str, Any]]:
    if isinstance(place, Remote):
        listed: list[dict[str, Any]] = place.get("/workspaces")["items"]
        return listed
    rows = service.list_all(place, SYSTEM)
    return [{"id": str(one.id), "name": one.name, "members": members} for one, members in rows]


def _id_of(place: Place, named: str) -> UUID:
    if not isinstance(place, Remote):
        with place.database.read(SYSTEM) as session:
            return service.workspace_of_name(session, named).id
    return _one([UUID(one["id"]) for one in _all(place) if named in (one["id"], one["name"])], WorkspaceNotFound)


def _one(found: list[UUID], missing: Callable[[], Exception]) -> UUID:
    if len(found) != 1:
        raise missing()
    return found[0]


def _members(place: Place, workspace_id: UUID) -> list[dict[str, Any]]:
    if isinstance(place, Remote):
        listed: list[dict[str, Any]] = place.get(f"/workspaces/{workspace_id}/members")["items"]
        return listed
    with place.database.read(SYSTEM) as session:
        return [_out(*pair) for pair in service.list_members(session, SYSTEM, workspace_id)]


def _out(user: User, membership: Membership) -> dict[str, Any]:
    out = MemberOut(user_id=user.id, username=user.name, display_name=user.display_name, role=membership.role)
    return out.model_dump(mode="json")


def _member_of(place: Place, workspace_id: UUID, name: str) -> UUID:
    found = [UUID(one["user_id"]) for one in _members(place, workspace_id) if name in (one["username"], one["user_id"])]
    return _one(found, NoSuchMember)


def _table(heads: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    table = Table(box=SIMPLE_HEAD)
    for head in heads:
        table.add_column(head)
    for row in rows:
        table.add_row(*(one_line(str(cell)) for cell in row))
    Console(highlight=False, markup=False).print(table)
